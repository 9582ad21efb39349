//! What an update would do to configuration files, shown before it is done.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::repository::Repository;
use super::{AppError, Installation, Order, Result};
use crate::engine::{ConfigChange, StepError, preview_config};
use crate::fetch::{self, Expected};
use crate::package::{self, Expect, Manner};
use crate::plan::{Direction, Leg, Plan};
use crate::release::Platform;
use crate::tuf;

/// The changes, or none when releases would have to be fetched to know and may not be.
pub fn config_changes(
    installation: &Installation,
    order: &Order,
    plan: &Plan,
    may_fetch: bool,
) -> Result<Option<Vec<ConfigChange>>> {
    // A migration of the database alone leaves them as they are; no release is fetched to find that out.
    if plan.from().is_none() || plan.direction() == Direction::Schema {
        return Ok(Some(Vec::new()));
    }
    let on_disk = |leg: &Leg| {
        let tree = installation.layout.release(&leg.to);
        package::manifest_of(&tree).is_ok().then_some(tree)
    };
    let is_missing = plan.legs().iter().any(|leg| on_disk(leg).is_none());
    if is_missing && !may_fetch {
        return Ok(None);
    }
    // Goes with all that is in it.
    let temporary = tempfile::Builder::new()
        .prefix("preview-")
        .tempdir_in(installation.layout.state());
    let temporary = temporary.map_err(|e| AppError::below("NL0320", &e))?;
    let mut trees = Vec::new();
    for leg in plan.legs() {
        trees.push(match on_disk(leg) {
            Some(tree) => tree,
            None => fetched(installation, order, plan, leg, temporary.path())?,
        });
    }
    let of = (&installation.layout, &installation.store, &installation.settings.config);
    preview_config(of, plan, &trees).map(Some).map_err(failed)
}

fn failed(error: StepError) -> AppError {
    let failure = error.into_failure();
    AppError::said("NL0312", failure.message)
}

/// The whole release, checked as an update would check it.
fn fetched(installation: &Installation, order: &Order, plan: &Plan, leg: &Leg, below: &Path) -> Result<PathBuf> {
    let missing = || {
        AppError::said(
            "NL0305",
            format!("release {} is not on disk and has no package", leg.to),
        )
    };
    let package = leg.strategy.package().ok_or_else(missing)?;
    let repository = Repository::needed(installation, order.bundle.as_deref())?;
    let name = tuf::target_file(&package.target.name, package.target.sha256);
    let name = name.map_err(|e| AppError::below("NL0305", &e))?;
    let expected = Expected {
        length: package.target.length,
        sha256: package.target.sha256,
    };
    let file = below.join(format!("{}.tar.zst", leg.to));
    fetch::download(repository.sources(), &name, &expected, &file, &mut |_, _| {
        ControlFlow::Continue(())
    })
    .map_err(|e| AppError::below("NL0305", &e))?;
    let tree = below.join(leg.to.to_string());
    let expect = Expect {
        product: plan.product().clone(),
        version: leg.to.clone(),
        platform: Platform::this_host(),
        rules: leg.rules.clone(),
        unpacked: package.unpacked,
    };
    let opened = File::open(&file).map_err(|e| AppError::below("NL0306", &e))?;
    let manner = Manner {
        durable: false,
        ..Manner::default()
    };
    package::unpack_as(opened, &tree, &expect, &manner, &mut |_| {}).map_err(|e| AppError::below("NL0306", &e))?;
    Ok(tree)
}
