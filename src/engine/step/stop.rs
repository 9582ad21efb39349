//! Drains and stops the running product. Its undo starts the old version again and waits until it is as healthy as it was. What a
//! repair was to replace may not be able to start again: then it stays as broken as it was, and the look at the end says so.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep, quiet};
use crate::engine::{Context, StepError, product};
use crate::plan::{Direction, Step};
use crate::release::{HookPoint, ReleaseManifest};
use crate::{disk, target};

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    was_running: bool,
    was_healthy: bool,
}

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let status = target::status(cx.layout.root()).map_err(|e| StepError::because("NL0310", &e))?;
    let was_healthy = match old(cx, step)? {
        Some(manifest) if status.is_running() => product::is_healthy(cx.layout, cx.settings, &manifest).is_ok(),
        _ => false,
    };
    keep(&Before {
        // One whose supervisor was killed, or that nobody started after a reboot, is to run again all the same.
        was_running: target::is_desired(cx.layout.root()).map_err(|e| StepError::because("NL0310", &e))?,
        was_healthy,
    })
}

fn apply(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    if cx.leg(step)?.from.is_none() {
        return Ok("nothing runs".into());
    }
    let status = target::status(cx.layout.root()).map_err(|e| StepError::because("NL0310", &e))?;
    let waited = match status.is_running() {
        true => quiet::wait(cx)?,
        false => None,
    };
    if before.was_running {
        cx.run_hooks(HookPoint::Drain)?;
    }
    if before.was_running && cx.plan.direction() == Direction::Schema {
        // For the step that starts it again, or lets it be.
        disk::create_dir_of(&mark(cx)).map_err(|e| StepError::because("NL0310", &e))?;
        disk::write_atomic(&mark(cx), b"", 0o600).map_err(|e| StepError::because("NL0310", &e))?;
    }
    let run = old(cx, step)?.and_then(|manifest| manifest.run);
    let limit = run.map(|run| run.stop_timeout).unwrap_or_default();
    product::stop_within(cx.layout, limit, quiet::longest_stop(cx))?;
    let stopped = if before.was_running {
        "stopped"
    } else {
        "was not running"
    };
    Ok(waited.map_or_else(|| stopped.to_owned(), |waited| format!("{waited}; {stopped}")))
}

fn mark(cx: &Context<'_>) -> PathBuf {
    cx.layout.undo(cx.id).join("was-running")
}

/// Of an update of the database alone.
pub fn was_running(cx: &Context<'_>) -> Result<bool, StepError> {
    disk::exists(&mark(cx)).map_err(|e| StepError::because("NL0315", &e))
}

fn undo(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let Some(manifest) = old(cx, step)?.filter(|_| before.was_running) else {
        return Ok(());
    };
    let started = product::start_as_it_was(cx.layout, &manifest).and_then(|_| {
        if before.was_healthy {
            product::become_healthy(cx.layout, cx.settings, &manifest, &|| false)?;
        }
        Ok(())
    });
    if is_repair(cx) { Ok(()) } else { started }
}

fn is_repair(cx: &Context<'_>) -> bool {
    cx.plan.direction() == Direction::Repair
}

/// The release that runs; none when there is none, or when its manifest is among what is to be repaired.
fn old(cx: &Context<'_>, step: &Step) -> Result<Option<ReleaseManifest>, StepError> {
    let Some(from) = &cx.leg(step)?.from else {
        return Ok(None);
    };
    match product::manifest(cx.layout, from) {
        Err(_) if is_repair(cx) => Ok(None),
        read => read.map(Some),
    }
}
