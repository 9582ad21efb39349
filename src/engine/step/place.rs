//! Where a release belongs among the releases. What was kept there of an earlier update waits aside while a fresh tree is in its place,
//! so that an update that is undone does not take it along.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::engine::{Context, StepError};
use crate::plan::Step;

/// What is known of the place before anything is put there.
#[derive(Serialize, Deserialize)]
pub struct Before {
    /// Updates that began before this was asked know nothing of it; theirs is to be removed.
    #[serde(default)]
    is_taken: bool,
}

pub fn look(cx: &Context<'_>, step: &Step) -> Result<Before, StepError> {
    let is_taken = disk::exists(&release(cx, step)?).map_err(|e| StepError::because("NL0320", &e))?;
    Ok(Before { is_taken })
}

/// Puts a tree there. Repeated, it replaces only what this step itself has put.
pub fn fill(cx: &Context<'_>, step: &Step, before: &Before, tree: &Path) -> Result<(), StepError> {
    let (release, aside) = (release(cx, step)?, aside(cx, step));
    let filled = || {
        if before.is_taken && !disk::exists(&aside)? && disk::exists(&release)? {
            disk::create_dir_of(&aside)?;
            disk::rename(&release, &aside)?;
        }
        disk::remove_tree(&release)?;
        disk::rename(tree, &release)
    };
    filled().map_err(|e| StepError::because("NL0320", &e))
}

/// As it was before.
pub fn clear(cx: &Context<'_>, step: &Step, before: &Before) -> Result<(), StepError> {
    let (release, aside) = (release(cx, step)?, aside(cx, step));
    let cleared = || {
        let is_aside = disk::exists(&aside)?;
        if is_aside || !before.is_taken {
            disk::remove_tree(&release)?;
        }
        if is_aside {
            disk::rename(&aside, &release)?;
        }
        Ok(())
    };
    cleared().map_err(|e: disk::DiskError| StepError::because("NL0320", &e))
}

fn release(cx: &Context<'_>, step: &Step) -> Result<PathBuf, StepError> {
    Ok(cx.layout.release(&cx.leg(step)?.to))
}

/// Goes with all that only undoing needs.
fn aside(cx: &Context<'_>, step: &Step) -> PathBuf {
    cx.layout.undo(cx.id).join(format!("{}-kept", step.id.0))
}
