//! Fetches the release's package and checks every byte against the signed metadata.

use std::ops::ControlFlow;

use serde_json::Value;

use super::{Work, nothing};
use crate::engine::{Context, StepError};
use crate::fetch::{self, Expected};
use crate::plan::{Leg, Step};
use crate::release::PackageRef;
use crate::{disk, tuf};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

/// Where the package of this leg lies once it is fetched and verified.
pub fn place(cx: &Context<'_>, package: &PackageRef) -> std::path::PathBuf {
    cx.layout.downloads().join(format!("{}.tar.zst", package.target.sha256))
}

pub fn package_of(leg: &Leg) -> Result<&PackageRef, StepError> {
    let unneeded = || StepError::new("NL0322", format!("release {} needs no package", leg.to));
    leg.strategy.package().ok_or_else(unneeded)
}

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let package = package_of(cx.leg(step)?)?;
    let missing = || {
        StepError::new(
            "NL0305",
            "this installation has no repository; run `netlink init --repository URL`",
        )
    };
    let sources = cx.repository.ok_or_else(missing)?;
    disk::create_dir_all(&cx.layout.downloads()).map_err(|e| StepError::because("NL0305", &e))?;
    let target = &package.target;
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
    fetch::download(sources, &name, &expected, &place(cx, package), &mut progress).map_err(|e| match &e {
        e if e.is_stopped() => StepError::new("NL0305", e.to_string()).interrupted(),
        e => StepError::because("NL0305", e),
    })?;
    Ok(format!("{} bytes of {}", target.length, target.name))
}

fn undo(cx: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    let keep_for = cx.settings.download.keep_partial();
    fetch::forget(&cx.layout.downloads(), keep_for).map_err(|e| StepError::because("NL0320", &e))
}
