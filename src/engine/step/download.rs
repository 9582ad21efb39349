//! Fetches what the strategy of the leg wants, a patch or the whole package, and checks every byte against the signed metadata.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde_json::Value;

use super::{Work, nothing};
use crate::engine::{Context, StepError};
use crate::fetch::{self, Expected, FetchError};
use crate::journal::WHOLE_PACKAGE_BECAUSE;
use crate::plan::{Leg, Step, Strategy};
use crate::release::{PackageRef, TargetRef};
use crate::{disk, tuf};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

/// Where a target lies once it is fetched and verified.
pub fn place(cx: &Context<'_>, target: &TargetRef) -> PathBuf {
    let kind = if target.name.ends_with(".patch") {
        "patch"
    } else {
        "tar.zst"
    };
    cx.layout.downloads().join(format!("{}.{kind}", target.sha256))
}

pub fn package_of(leg: &Leg) -> Result<&PackageRef, StepError> {
    let unneeded = || StepError::new("NL0322", format!("release {} needs no package", leg.to));
    leg.strategy.package().ok_or_else(unneeded)
}

/// Whether the step has found that the patch cannot be used.
pub fn fell_back(value: &Value) -> bool {
    value.get(WHOLE_PACKAGE_BECAUSE).is_some()
}

fn apply(cx: &Context<'_>, step: &Step, value: &Value) -> Result<String, StepError> {
    let leg = cx.leg(step)?;
    match &leg.strategy {
        Strategy::Patch { patch, .. } if !fell_back(value) => get(cx, step, &patch.target),
        _ => get(cx, step, &package_of(leg)?.target),
    }
}

/// Fetches a target; what is there already is only checked. A patch that the repository does not have as it was signed is a
/// reason to fall back.
pub fn get(cx: &Context<'_>, step: &Step, target: &TargetRef) -> Result<String, StepError> {
    let missing = || {
        StepError::new(
            "NL0305",
            "this installation has no repository; run `netlink init --repository URL`",
        )
    };
    let sources = cx.repository.ok_or_else(missing)?;
    disk::create_dir_all(&cx.layout.downloads()).map_err(|e| StepError::because("NL0305", &e))?;
    let name = tuf::target_file(&target.name, target.sha256).map_err(|e| StepError::because("NL0305", &e))?;
    let expected = Expected {
        length: target.length,
        sha256: target.sha256,
    };
    let mut progress = |done, total| {
        cx.report(step, done, total, "bytes");
        // Whoever wants a pause or the way back does not wait for the rest of a large package.
        if cx.control.is_quiet() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let is_patch = cx
        .leg(step)?
        .strategy
        .package()
        .is_some_and(|package| package.target != *target);
    fetch::download(sources, &name, &expected, &place(cx, target), &mut progress).map_err(|e| match &e {
        e if e.is_stopped() => StepError::new("NL0305", e.to_string()).interrupted(),
        e if is_patch && is_of_the_file(e) => StepError::because("NL0305", e).falling_back(),
        e => StepError::because("NL0305", e),
    })?;
    Ok(format!("{} bytes of {}", target.length, target.name))
}

/// Another file of the same repository may well be had.
fn is_of_the_file(error: &FetchError) -> bool {
    match error {
        FetchError::Unreachable { .. } | FetchError::NoFolder { .. } => false,
        FetchError::Nowhere { failures } => failures.iter().any(is_of_the_file),
        other => other.is_of_the_source(),
    }
}

fn undo(cx: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    let keep_for = cx.settings.download.keep_partial();
    fetch::forget(&cx.layout.downloads(), keep_for).map_err(|e| StepError::because("NL0320", &e))
}
