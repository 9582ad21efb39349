//! The product's own test and the operator's `validate` hooks, on the running new version.

use serde_json::Value;

use super::{Work, leave, nothing};
use crate::engine::{Context, StepError, product};
use crate::plan::Step;
use crate::release::HookPoint;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    let test = manifest.test.as_ref().filter(|_| cx.settings.safety.test_after_update);
    if let Some(test) = test {
        product::run_command(cx.layout, &manifest, test, "NL0317")?;
    }
    cx.run_hooks(HookPoint::Validate)?;
    Ok(test.map_or("no product test".to_owned(), |test| test.command.join(" ")))
}
