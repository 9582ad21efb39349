//! Tells the product and those around it that an update is under way.

use serde_json::{Value, json};

use super::{Work, nothing};
use crate::engine::{Context, StepError};
use crate::plan::Step;
use crate::release::HookPoint;
use crate::{clock, disk};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

fn apply(cx: &Context<'_>, _: &Step, _: &Value) -> Result<String, StepError> {
    if !cx.settings.behavior.maintenance_mode {
        return Ok("switched off in config/update.yml".into());
    }
    let flag = json!({"since": clock::now(), "reason": format!("update {}", cx.id)}).to_string();
    let path = cx.layout.maintenance();
    // Maintenance that an operator switched on outlives the update.
    if !path.exists() {
        disk::write_atomic(&path, flag.as_bytes(), 0o644).map_err(|e| StepError::because("NL0320", &e))?;
    }
    cx.run_hooks(HookPoint::MaintenanceEnter)?;
    Ok("on".into())
}

/// Switches off what this update switched on; shared with the step at the end.
pub fn leave_maintenance(cx: &Context<'_>) -> Result<(), StepError> {
    let path = cx.layout.maintenance();
    let text = disk::read_text_limited(&path, 64 << 10).unwrap_or_default();
    if text.contains(cx.id.as_str()) {
        cx.run_hooks(HookPoint::MaintenanceExit)?;
        disk::remove_file(&path).map_err(|e| StepError::because("NL0320", &e))?;
    }
    Ok(())
}

fn undo(cx: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    leave_maintenance(cx)
}
