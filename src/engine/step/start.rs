//! Starts the new version as the child of the installation's supervisor. After a move of the database alone it is the installed one
//! again, if it ran before and runs on the schema that there is now.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep, stop};
use crate::engine::{Context, StepError, knows, product};
use crate::plan::{Direction, Step};
use crate::store::Fact;

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    /// The product was left stopped because of its schema.
    #[serde(default)]
    held_back: bool,
}

fn prepare(cx: &Context<'_>, _: &Step) -> Result<Value, StepError> {
    let held_back = cx
        .store
        .fact(Fact::HeldBack)
        .map_err(|e| StepError::because("NL0315", &e))?;
    keep(&Before {
        held_back: held_back.is_some(),
    })
}

fn apply(cx: &Context<'_>, step: &Step, before: &Value) -> Result<String, StepError> {
    if !cx.settings.behavior.auto_restart {
        return Ok("left stopped: auto_restart is off in config/update.yml".into());
    }
    let manifest = product::manifest(cx.layout, cx.runs_then(step)?)?;
    if cx.plan.direction() == Direction::Schema {
        let before: Before = gathered(before)?;
        let wanted = before.held_back || stop::was_running(cx)?;
        if !wanted {
            return Ok("left stopped: it did not run before".into());
        }
        if let Err(refused) = knows::refuse_unknown(cx.layout, &manifest) {
            hold_back(cx, true)?;
            return Ok(format!("left stopped: {}", refused.into_failure().message));
        }
    }
    let started = product::start(cx.layout, &manifest)?;
    hold_back(cx, false)?;
    Ok(if started {
        "started"
    } else {
        "the product does not run by itself"
    }
    .into())
}

fn hold_back(cx: &Context<'_>, is_held: bool) -> Result<(), StepError> {
    let kept = cx.store.set_fact(Fact::HeldBack, is_held.then_some("schema"));
    kept.map_err(|e| StepError::because("NL0315", &e))
}

fn undo(cx: &Context<'_>, step: &Step, before: &Value) -> Result<(), StepError> {
    let before: Before = gathered(before)?;
    let manifest = product::manifest(cx.layout, cx.runs_then(step)?)?;
    product::stop(
        cx.layout,
        manifest.run.as_ref().map(|run| run.stop_timeout).unwrap_or_default(),
    )?;
    hold_back(cx, before.held_back)
}
