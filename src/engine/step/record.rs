//! Records the new version, for NetLink and in `version.json` for others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep};
use crate::engine::version_file::VersionFileError;
use crate::engine::{Context, StepError, VersionFile};
use crate::plan::Step;
use crate::store::Fact;
use crate::{clock, disk};

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    installed: Option<String>,
    file: Option<VersionFile>,
}

fn prepare(cx: &Context<'_>, _: &Step) -> Result<Value, StepError> {
    let installed = cx
        .store
        .fact(Fact::InstalledVersion)
        .map_err(|e| StepError::because("NL0318", &e))?;
    keep(&Before {
        installed,
        file: read(cx)?,
    })
}

/// A file that someone made unreadable is replaced: it is written for others, NetLink does not depend on it.
fn read(cx: &Context<'_>) -> Result<Option<VersionFile>, StepError> {
    match VersionFile::read(&cx.layout.version_file()) {
        Err(VersionFileError::Json(_)) => Ok(None),
        other => other.map_err(|e| StepError::because("NL0318", &e)),
    }
}

fn apply(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let leg = cx.leg(step)?;
    let then = cx.runs_then(step)?;
    let file = VersionFile::with(before.file, then, leg.schema.is_some(), clock::now());
    file.write(&cx.layout.version_file())
        .map_err(|e| StepError::because("NL0318", &e))?;
    let version = then.to_string();
    cx.store
        .set_fact(Fact::InstalledVersion, Some(&version))
        .map_err(|e| StepError::because("NL0318", &e))?;
    Ok(version)
}

fn undo(cx: &Context<'_>, _: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0318", e);
    cx.store
        .set_fact(Fact::InstalledVersion, before.installed.as_deref())
        .map_err(|e| failed(&e))?;
    match before.file {
        Some(file) => file.write(&cx.layout.version_file()).map_err(|e| failed(&e)),
        None => disk::remove_file(&cx.layout.version_file()).map_err(|e| failed(&e)),
    }
}
