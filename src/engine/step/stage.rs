//! Unpacks the package into `releases/<version>`, or makes it of the release before by a patch; the folder appears only when every file in it is verified and durable.

use std::fs::File;
use std::path::Path;

use serde_json::Value;

use super::{Work, download, gathered, keep, place};
use crate::disk;
use crate::engine::{Context, StepError};
use crate::package::{self, Expect, Staged};
use crate::plan::{Leg, Step, Strategy};
use crate::release::{PackageRef, PatchRef, Platform};

pub const WORK: Work = Work { prepare, apply, undo };

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    keep(&place::look(cx, step)?)
}

fn apply(cx: &Context<'_>, step: &Step, value: &Value) -> Result<String, StepError> {
    let leg = cx.leg(step)?;
    let package = download::package_of(leg)?;
    refuse_active(cx, &leg.to)?;
    let staged = cx.layout.staging().join(leg.to.to_string());
    disk::create_dir_all(&cx.layout.staging()).map_err(|e| StepError::because("NL0320", &e))?;
    let (tree, way) = match &leg.strategy {
        Strategy::Patch { patch, .. } if !download::fell_back(value) => patched(cx, step, patch, &staged)?,
        _ => (unpacked(cx, step, &staged)?, String::new()),
    };
    place::fill(cx, step, &gathered(value)?, &staged)?;
    Ok(format!(
        "{} files, {} bytes{way}",
        tree.manifest().files.len(),
        package.unpacked
    ))
}

fn expect(cx: &Context<'_>, leg: &Leg, package: &PackageRef) -> Expect {
    Expect {
        product: cx.plan.product().clone(),
        version: leg.to.clone(),
        platform: Platform::this_host(),
        rules: leg.rules.clone(),
        unpacked: package.unpacked,
    }
}

fn unpacked(cx: &Context<'_>, step: &Step, staged: &Path) -> Result<Staged, StepError> {
    let leg = cx.leg(step)?;
    let package = download::package_of(leg)?;
    let place = download::place(cx, &package.target);
    if !disk::exists(&place).map_err(|e| StepError::because("NL0320", &e))? {
        download::get(cx, step, &package.target)?;
    }
    let file = File::open(place).map_err(|e| StepError::because("NL0306", &e))?;
    let mut progress = |done| cx.report(step, done, package.unpacked, "bytes");
    let expect = expect(cx, leg, package);
    package::unpack(file, staged, &expect, &mut progress).map_err(|e| StepError::because("NL0306", &e))
}

/// Out of the release before. A patch that the download could not get is a reason for the whole package like one that does not
/// give what was signed.
fn patched(cx: &Context<'_>, step: &Step, patch: &PatchRef, staged: &Path) -> Result<(Staged, String), StepError> {
    let leg = cx.leg(step)?;
    let package = download::package_of(leg)?;
    let place = download::place(cx, &patch.target);
    if !disk::exists(&place).map_err(|e| StepError::because("NL0320", &e))? {
        let way = ", of the whole package".to_owned();
        return Ok((unpacked(cx, step, staged)?, way));
    }
    let file = File::open(place).map_err(|e| StepError::because("NL0306", &e).falling_back())?;
    let mut progress = |done| cx.report(step, done, package.unpacked, "bytes");
    let expect = expect(cx, leg, package);
    let old = (&patch.from, &*cx.layout.release(&patch.from));
    let tree = package::apply_patch(file, old, staged, &expect, &mut progress)
        .map_err(|e| StepError::because("NL0306", &e).falling_back())?;
    Ok((tree, format!(", by a patch of {} bytes", patch.target.length)))
}

/// The release that runs is never replaced under its own feet.
fn refuse_active(cx: &Context<'_>, version: &crate::version::Version) -> Result<(), StepError> {
    if cx.layout.active().as_ref() == Some(version) {
        let message = format!("release {version} is the active one and cannot be replaced while it is");
        return Err(StepError::new("NL0322", message));
    }
    Ok(())
}

fn undo(cx: &Context<'_>, step: &Step, value: &Value) -> Result<(), StepError> {
    let version = &cx.leg(step)?.to;
    refuse_active(cx, version)?;
    place::clear(cx, step, &gathered(value)?)?;
    let staged = cx.layout.staging().join(version.to_string());
    disk::remove_tree(&staged).map_err(|e| StepError::because("NL0320", &e))
}
