//! The product's own test and the operator's `validate` hooks, on the running new version.

use serde_json::Value;

use super::{Work, leave, nothing};
use crate::engine::{Context, StepError, product};
use crate::plan::{Direction, Step};
use crate::release::HookPoint;
use crate::target;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let manifest = product::manifest(cx.layout, cx.runs_then(step)?)?;
    let left_stopped = cx.plan.direction() == Direction::Schema
        && !target::is_desired(cx.layout.root()).map_err(|e| StepError::because("NL0315", &e))?;
    if left_stopped {
        return Ok("not tested: the product was left stopped".into());
    }
    let test = manifest.test.as_ref().filter(|_| cx.settings.safety.test_after_update);
    if let Some(test) = test {
        product::run_command(cx.layout, &manifest, test, "NL0317")?;
    }
    cx.run_hooks(HookPoint::Validate)?;
    Ok(test
        .map_or("no product test", |_| "the product's own test is content")
        .to_owned())
}
