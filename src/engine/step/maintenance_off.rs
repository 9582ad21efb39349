//! Ends the maintenance mode that this update began.

use serde_json::Value;

use super::{Work, leave, maintenance_on::leave_maintenance, nothing};
use crate::engine::{Context, StepError};
use crate::plan::Step;

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, _: &Step, _: &Value) -> Result<String, StepError> {
    leave_maintenance(cx)?;
    Ok("off".into())
}
