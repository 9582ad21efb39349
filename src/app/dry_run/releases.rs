//! The trees of the releases that an update goes through.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::app::repository::Repository;
use crate::app::{AppError, Installation, Result};
use crate::fetch::{self, Expected};
use crate::package::{self, Expect, Manner};
use crate::plan::{Leg, Plan};
use crate::release::Platform;
use crate::tuf;

/// Those of all hops; none when one of them is not on this disk.
pub fn on_disk(installation: &Installation, plan: &Plan) -> Option<Vec<PathBuf>> {
    plan.legs().iter().map(|leg| kept(installation, leg)).collect()
}

/// That of a hop; what is not on this disk is fetched and unpacked below `scratch`.
pub fn tree(
    installation: &Installation,
    bundle: Option<&Path>,
    plan: &Plan,
    leg: &Leg,
    scratch: &Path,
) -> Result<PathBuf> {
    let unpacked = scratch.join(leg.to.to_string());
    match kept(installation, leg) {
        Some(tree) => Ok(tree),
        None if unpacked.exists() => Ok(unpacked),
        None => fetched(installation, bundle, plan, leg, &unpacked),
    }
}

fn kept(installation: &Installation, leg: &Leg) -> Option<PathBuf> {
    let tree = installation.layout.release(&leg.to);
    package::manifest_of(&tree).is_ok().then_some(tree)
}

/// The whole release, checked as an update would check it.
fn fetched(installation: &Installation, bundle: Option<&Path>, plan: &Plan, leg: &Leg, to: &Path) -> Result<PathBuf> {
    let failed = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0305", e);
    let missing = || {
        let message = format!("release {} is not on disk and has no package", leg.to);
        AppError::said("NL0305", message)
    };
    let package = leg.strategy.package().ok_or_else(missing)?;
    let target = &package.target;
    let repository = Repository::needed(installation, bundle)?;
    let name = tuf::target_file(&target.name, target.sha256).map_err(|e| failed(&e))?;
    let expected = Expected {
        length: target.length,
        sha256: target.sha256,
    };
    let file = to.with_file_name(format!("{}.tar.zst", leg.to));
    let mut go_on = |_, _| ControlFlow::Continue(());
    fetch::download(repository.sources(), &name, &expected, &file, &mut go_on).map_err(|e| failed(&e))?;
    let expect = Expect {
        product: plan.product().clone(),
        version: leg.to.clone(),
        platform: Platform::this_host(),
        rules: leg.rules.clone(),
        unpacked: package.unpacked,
    };
    let manner = Manner {
        durable: false,
        ..Manner::default()
    };
    let damaged = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0306", e);
    let opened = File::open(&file).map_err(|e| damaged(&e))?;
    package::unpack_as(opened, to, &expect, &manner, &mut |_| {}).map_err(|e| damaged(&e))?;
    Ok(to.to_path_buf())
}
