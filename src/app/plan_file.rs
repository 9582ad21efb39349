//! Plans as files: written to be looked at or approved, read to be done exactly as written.

use std::path::Path;

use super::{AppError, Result};
use crate::disk;
use crate::named;
use crate::plan::Plan;

/// A written plan is at most this long.
const PLAN_LIMIT: u64 = 16 << 20;

pub fn write_plan(plan: &Plan, path: &Path) -> Result<()> {
    let text = serde_json::to_vec_pretty(plan).map_err(|e| AppError::below("NL0408", &e))?;
    Ok(disk::write_atomic(path, &text, 0o644)?)
}

pub fn read_plan(path: &Path) -> Result<Plan> {
    let text = disk::read_limited(path, PLAN_LIMIT)?;
    named::from_json(&text).map_err(|e| {
        let message = format!(
            "{} is not a plan that `netlink update plan --out` wrote: {e}",
            path.display()
        );
        AppError::said("NL0109", message)
    })
}
