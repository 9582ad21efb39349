//! Puts the fresh tree of a repair in the place of the installed one, in one step. The old tree then waits where the fresh one did,
//! for the way back. Which of the two is in place is told by the identity of their folders: both are of the same release.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep, stage};
use crate::disk;
use crate::engine::{Context, StepError};
use crate::plan::Step;

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    fresh: Identity,
    /// There was something to be replaced.
    existed: bool,
}

/// Of a folder, whatever its name.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    device: u64,
    inode: u64,
}

/// The place of the release, and where the fresh tree waits for it.
struct Places {
    release: PathBuf,
    beside: PathBuf,
}

fn places(cx: &Context<'_>, step: &Step) -> Result<Places, StepError> {
    let version = &cx.leg(step)?.to;
    Ok(Places {
        release: cx.layout.release(version),
        beside: stage::beside(cx, version),
    })
}

fn identity(path: &Path) -> Result<Option<Identity>, StepError> {
    match path.symlink_metadata() {
        Ok(meta) => Ok(Some(Identity {
            device: meta.dev(),
            inode: meta.ino(),
        })),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StepError::because("NL0314", &e)),
    }
}

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let Places { release, beside } = places(cx, step)?;
    let missing = || StepError::new("NL0314", format!("{} is gone; start the repair anew", beside.display()));
    keep(&Before {
        fresh: identity(&beside)?.ok_or_else(missing)?,
        existed: identity(&release)?.is_some(),
    })
}

/// Whether the fresh tree is in place, after what a crash has cut off is done to its end.
fn is_in_place(places: &Places, before: &Before) -> Result<bool, StepError> {
    disk::end_exchange(&places.beside, &places.release).map_err(|e| StepError::because("NL0314", &e))?;
    Ok(identity(&places.release)?.as_ref() == Some(&before.fresh))
}

fn apply(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let places = places(cx, step)?;
    if !is_in_place(&places, &before)? {
        disk::exchange(&places.beside, &places.release).map_err(|e| StepError::because("NL0314", &e))?;
    }
    Ok(format!("{} is replaced", places.release.display()))
}

fn undo(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let places = places(cx, step)?;
    if !is_in_place(&places, &before)? {
        return Ok(());
    }
    let back = if before.existed {
        disk::exchange(&places.beside, &places.release)
    } else {
        disk::rename(&places.release, &places.beside)
    };
    back.map_err(|e| StepError::because("NL0314", &e))
}
