//! Unpacks the package into `releases/<version>`, or makes it of the release before by a patch; the folder appears only when every
//! file in it is verified and durable. A tree for a repair waits beside, because its place is taken.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Work, download, gathered, keep, place};
use crate::disk;
use crate::engine::{Context, StepError};
use crate::package::{self, Expect, Manner, Staged};
use crate::plan::{Direction, Leg, Step, Strategy};
use crate::release::{PackageRef, PatchRef, Platform, ReleaseManifest, counted};
use crate::version::Version;

pub const WORK: Work = Work { prepare, apply, undo };

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    keep(&place::look(cx, step)?)
}

/// Where the tree of a release is made.
pub fn beside(cx: &Context<'_>, version: &Version) -> PathBuf {
    cx.layout.staging().join(version.to_string())
}

/// Of the tree that waits for its place.
pub fn manifest_beside(cx: &Context<'_>, version: &Version) -> Result<ReleaseManifest, StepError> {
    package::manifest_of(&beside(cx, version)).map_err(|e| StepError::because("NL0306", &e))
}

/// Whether the tree stays where it is made until the product is stopped.
fn waits(cx: &Context<'_>) -> bool {
    cx.plan.direction() == Direction::Repair
}

fn apply(cx: &Context<'_>, step: &Step, value: &Value) -> Result<String, StepError> {
    let leg = cx.leg(step)?;
    let package = download::package_of(leg)?;
    if !waits(cx) {
        refuse_active(cx, &leg.to)?;
    }
    let staged = beside(cx, &leg.to);
    disk::create_dir_all(&cx.layout.staging()).map_err(|e| StepError::because("NL0320", &e))?;
    let (tree, way) = match &leg.strategy {
        Strategy::Patch { patch, .. } if !download::fell_back(value) => patched(cx, step, patch, &staged)?,
        _ => (unpacked(cx, step, &staged)?, String::new()),
    };
    if !waits(cx) {
        place::fill(cx, step, &gathered(value)?, &staged)?;
    }
    Ok(format!(
        "{}, {}{way}",
        counted(tree.manifest().files.len(), "file"),
        counted(package.unpacked, "byte")
    ))
}

/// What the release before has too is shared with it.
fn manner<'a>(cx: &Context<'_>, like: Option<&'a Path>) -> Manner<'a> {
    Manner {
        like,
        hard_links: cx.settings.behavior.hard_links,
        durable: true,
    }
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
    let old = leg.from.as_ref().map(|from| cx.layout.release(from));
    let manner = manner(cx, old.as_deref());
    package::unpack_as(file, staged, &expect, &manner, &mut progress).map_err(|e| StepError::because("NL0306", &e))
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
    let tree = package::apply_patch_as(file, old, staged, &expect, &manner(cx, None), &mut progress)
        .map_err(|e| StepError::because("NL0306", &e).falling_back())?;
    Ok((tree, format!(", by a patch of {} bytes", patch.target.length)))
}

/// The release that runs is never replaced under its own feet.
fn refuse_active(cx: &Context<'_>, version: &Version) -> Result<(), StepError> {
    if cx.layout.active().as_ref() == Some(version) {
        let message = format!("release {version} is the active one and cannot be replaced while it is");
        return Err(StepError::new("NL0322", message));
    }
    Ok(())
}

fn undo(cx: &Context<'_>, step: &Step, value: &Value) -> Result<(), StepError> {
    let version = &cx.leg(step)?.to;
    if !waits(cx) {
        refuse_active(cx, version)?;
        place::clear(cx, step, &gathered(value)?)?;
    }
    disk::remove_tree(&beside(cx, version)).map_err(|e| StepError::because("NL0320", &e))
}
