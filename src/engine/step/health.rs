//! Waits until the new version answers its health checks, asked from outside as a client would.

use serde_json::Value;

use super::{Work, leave, nothing};
use crate::engine::{Context, StepError, product};
use crate::plan::{Direction, Step};
use crate::target;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let manifest = product::manifest(cx.layout, cx.runs_then(step)?)?;
    if manifest.run.is_some() && !cx.settings.behavior.auto_restart {
        return Ok("not asked: the product was left stopped".into());
    }
    if cx.plan.direction() == Direction::Schema
        && !target::is_desired(cx.layout.root()).map_err(|e| StepError::because("NL0315", &e))?
    {
        return Ok("not asked: the product was left stopped".into());
    }
    // After a reboot in between nobody else may have started it.
    product::start(cx.layout, &manifest)?;
    // The wait may be long, and nothing is half done in it: whoever wants to pause or go back need not wait for its end.
    let wanted_otherwise = || !cx.control.is_quiet();
    let healthy = product::become_healthy(cx.layout, cx.settings, &manifest, &wanted_otherwise);
    healthy.map_err(|error| if wanted_otherwise() { error.interrupted() } else { error })
}
