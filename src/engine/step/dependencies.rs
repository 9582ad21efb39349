//! Runs the release's command that brings its dependencies, in the new tree.

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
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    let Some(dependencies) = &manifest.dependencies else {
        return Ok("none".into());
    };
    product::run_command(cx.layout, &manifest, &dependencies.apply, "NL0311")?;
    Ok(dependencies.apply.command.join(" "))
}

fn undo(cx: &Context<'_>, step: &Step, _: &Value) -> Result<(), StepError> {
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    match manifest
        .dependencies
        .as_ref()
        .and_then(|dependencies| dependencies.undo.as_ref())
    {
        Some(undo) => product::run_command(cx.layout, &manifest, undo, "NL0311"),
        None => Ok(()),
    }
}
