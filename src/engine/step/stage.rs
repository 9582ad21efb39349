//! Unpacks the package into `releases/<version>`; the folder appears only when every file in it is verified and durable.

use std::fs::File;

use serde_json::Value;

use super::{Work, download, nothing};
use crate::disk;
use crate::engine::{Context, StepError};
use crate::package::{self, Expect};
use crate::plan::Step;
use crate::release::Platform;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let leg = cx.leg(step)?;
    let package = download::package_of(leg)?;
    refuse_active(cx, &leg.to)?;
    let file = File::open(download::place(cx, package)).map_err(|e| StepError::because("NL0306", &e))?;
    let staged = cx.layout.staging().join(leg.to.to_string());
    let release = cx.layout.release(&leg.to);
    let disk_failed = |e| StepError::because("NL0320", &e);
    disk::create_dir_all(&cx.layout.staging()).map_err(disk_failed)?;
    let expect = Expect {
        product: cx.plan.product().clone(),
        version: leg.to.clone(),
        platform: Platform::this_host(),
        rules: leg.rules.clone(),
        unpacked: package.unpacked,
    };
    let mut progress = |done| cx.report(step, done, package.unpacked, "bytes");
    let tree = package::unpack(file, &staged, &expect, &mut progress).map_err(|e| StepError::because("NL0306", &e))?;
    disk::remove_tree(&release).map_err(disk_failed)?;
    disk::rename(&staged, &release).map_err(disk_failed)?;
    Ok(format!(
        "{} files, {} bytes",
        tree.manifest().files.len(),
        package.unpacked
    ))
}

/// The release that runs is never replaced under its own feet.
fn refuse_active(cx: &Context<'_>, version: &crate::version::Version) -> Result<(), StepError> {
    if cx.layout.active().as_ref() == Some(version) {
        let message = format!("release {version} is the active one and cannot be replaced while it is");
        return Err(StepError::new("NL0322", message));
    }
    Ok(())
}

fn undo(cx: &Context<'_>, step: &Step, _: &Value) -> Result<(), StepError> {
    let version = &cx.leg(step)?.to;
    refuse_active(cx, version)?;
    let removed = disk::remove_tree(&cx.layout.release(version))
        .and_then(|()| disk::remove_tree(&cx.layout.staging().join(version.to_string())));
    removed.map_err(|e| StepError::because("NL0320", &e))
}
