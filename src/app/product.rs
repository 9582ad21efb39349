//! The product's process: supervised, or stopped with its supervisor.

use std::path::Path;
use std::time::Duration;

use super::installation::absolute;
use super::{AppError, Installation, Result};
use crate::disk;
use crate::engine::{InstallationLock, Layout, product};
use crate::target;
use crate::version::Version;

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

/// Starts the installed release and waits until it is healthy; repeatable. Gives the version and what the checks said.
pub fn start_product(root: &Path, config: Option<&Path>) -> Result<(Version, String)> {
    let installation = Installation::open(root, config)?;
    let _lock = InstallationLock::take(&installation.layout, "netlink supervise --start")?;
    if let Some(id) = installation.store.unfinished()? {
        let message = format!(
            "update {id} is not finished; `netlink update resume` finishes or undoes it, and starts the product"
        );
        return Err(AppError::said("NL0407", message));
    }
    let missing = || {
        AppError::said(
            "NL0107",
            "nothing is installed; `netlink init --version V` installs a release",
        )
    };
    let version = installation.installed()?.ok_or_else(missing)?;
    let manifest = product::manifest(&installation.layout, &version)?;
    if !product::start(&installation.layout, &manifest)? {
        let message = format!("release {version} has nothing to run: its manifest has no `[run]`");
        return Err(AppError::said("NL0315", message));
    }
    let said = product::become_healthy(&installation.layout, &installation.settings, &manifest, &|| false)?;
    Ok((version, said))
}

/// Stops the product and its supervisor; repeatable.
pub fn stop_product(root: &Path) -> Result<()> {
    target::shutdown(&root_of(root)?, STOP_LIMIT).map_err(|e| AppError::below("NL0310", &e))
}
