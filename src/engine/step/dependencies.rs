//! With the product stopped: packages of the operating system, and what could not be brought before because its place was taken by
//! the release that is repaired.

use serde_json::Value;

use super::{Work, gathered, keep, machine};
use crate::engine::{Context, StepError, dependencies, product};
use crate::plan::{Direction, Step};

pub const WORK: Work = Work { prepare, apply, undo };

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    // What the installed release needs of the machine is there already.
    if cx.plan.direction() == Direction::Repair {
        return keep(&machine::Before::default());
    }
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    keep(&machine::look(cx, step, &manifest)?)
}

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    let mut said = machine::apply(cx, step, &manifest)?;
    said.extend(dependencies::provide(cx.layout, cx.settings, &manifest)?);
    Ok(if said.is_empty() {
        "none".into()
    } else {
        said.join(", ")
    })
}

fn undo(cx: &Context<'_>, step: &Step, value: &Value) -> Result<(), StepError> {
    machine::restore(cx, step, &gathered(value)?)
}
