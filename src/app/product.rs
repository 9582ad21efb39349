//! The product's process: supervised, or stopped with its supervisor.

use std::path::Path;
use std::time::Duration;

use super::installation::absolute;
use super::{AppError, Result};
use crate::disk;
use crate::engine::Layout;
use crate::target;

/// From asking the product to end until its supervisor is gone; longer than any product should take to stop.
const STOP_LIMIT: Duration = Duration::from_secs(120);

fn root_of(root: &Path) -> Result<std::path::PathBuf> {
    let layout = Layout::new(absolute(root)?);
    if disk::exists(&layout.store())? {
        return Ok(layout.root().to_path_buf());
    }
    Err(AppError::NotAnInstallation(layout.root().to_path_buf()))
}

/// Runs the supervisor in this process until it is told to end.
pub fn supervise(root: &Path) -> Result<()> {
    target::supervise(&root_of(root)?).map_err(|e| AppError::below("NL0315", &e))
}

/// Stops the product and its supervisor; repeatable.
pub fn stop_product(root: &Path) -> Result<()> {
    target::shutdown(&root_of(root)?, STOP_LIMIT).map_err(|e| AppError::below("NL0310", &e))
}
