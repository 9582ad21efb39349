//! Starts the new version as the child of the installation's supervisor.

use serde_json::Value;

use super::{Work, nothing};
use crate::engine::{Context, StepError, product};
use crate::plan::Step;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    if !cx.settings.behavior.auto_restart {
        return Ok("left stopped: auto_restart is off in config/update.yml".into());
    }
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    Ok(if product::start(cx.layout, &manifest)? {
        "started"
    } else {
        "the product does not run by itself"
    }
    .into())
}

fn undo(cx: &Context<'_>, step: &Step, _: &Value) -> Result<(), StepError> {
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    product::stop(
        cx.layout,
        manifest.run.as_ref().map(|run| run.stop_timeout).unwrap_or_default(),
    )
}
