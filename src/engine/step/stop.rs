//! Drains and stops the running product. Its undo starts the old version again and waits until it is as healthy as it was.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep};
use crate::engine::{Context, StepError, product};
use crate::plan::Step;
use crate::release::HookPoint;
use crate::target;

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    was_running: bool,
    was_healthy: bool,
}

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let status = target::status(cx.layout.root()).map_err(|e| StepError::because("NL0310", &e))?;
    let was_healthy = match &cx.leg(step)?.from {
        Some(from) if status.is_running() => {
            let manifest = product::manifest(cx.layout, from)?;
            product::is_healthy(cx.layout, cx.settings, &manifest).is_ok()
        }
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
    let Some(from) = &cx.leg(step)?.from else {
        return Ok("nothing runs".into());
    };
    if before.was_running {
        cx.run_hooks(HookPoint::Drain)?;
    }
    let manifest = product::manifest(cx.layout, from)?;
    let limit = manifest.run.as_ref().map(|run| run.stop_timeout).unwrap_or_default();
    product::stop(cx.layout, limit)?;
    Ok(if before.was_running {
        "stopped"
    } else {
        "was not running"
    }
    .into())
}

fn undo(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let Some(from) = &cx.leg(step)?.from else { return Ok(()) };
    if !before.was_running {
        return Ok(());
    }
    let manifest = product::manifest(cx.layout, from)?;
    product::start(cx.layout, &manifest)?;
    if before.was_healthy {
        product::become_healthy(cx.layout, cx.settings, &manifest, &|| false)?;
    }
    Ok(())
}
