//! Activate and finalize are two things: the release before stays until the new one has proven itself.

use serde::Serialize;

use super::{AppError, Installation, Result, verify};
use crate::engine::{InstallationLock, product};
use crate::journal::Outcome;
use crate::store::{UpdateId, UpdateRecord};
use crate::version::Version;
use crate::{clock, disk, target};

#[derive(Debug, Serialize)]
pub struct Finalized {
    /// None when there was nothing left to finalize.
    pub update_id: Option<UpdateId>,
    /// Releases that were let go.
    pub removed: Vec<Version>,
}

/// Gives up the way back to the release before, by hand; refused while the product is unhealthy.
pub fn finalize(installation: &Installation) -> Result<Finalized> {
    let lock = InstallationLock::take(&installation.layout, "netlink update finalize")?;
    if let Some(id) = installation.store.unfinished()? {
        let message = format!("update {id} is not finished; run `netlink update resume` first");
        return Err(AppError::said("NL0407", message));
    }
    match open(installation)? {
        None => Ok(Finalized {
            update_id: None,
            removed: Vec::new(),
        }),
        Some(update) => {
            check_health(installation, true)?;
            give_up_old(installation, &lock, update)
        }
    }
}

/// Finalizes what has been healthy for the soak time; what every changing verb does on its way in.
pub fn finalize_when_due(installation: &Installation, lock: &InstallationLock) -> Result<Option<Finalized>> {
    let Some(update) = open(installation)? else {
        return Ok(None);
    };
    let soak = installation.settings.behavior.soak;
    let finished = update.finished_at.unwrap_or(update.accepted_at);
    let due = finished.checked_add(soak).map_err(|e| AppError::below("NL0403", &e))?;
    if clock::now() < due || check_health(installation, false).is_err() {
        return Ok(None);
    }
    give_up_old(installation, lock, update).map(Some)
}

/// How many updates may have failed since the one that is to be finalized.
const LOOKED_THROUGH: u32 = 200;

/// The last update that completed, if its old release is still kept.
fn open(installation: &Installation) -> Result<Option<UpdateRecord>> {
    let updates = installation.store.history(LOOKED_THROUGH)?.into_iter();
    let last = updates
        .into_iter()
        .find(|update| update.outcome == Some(Outcome::Completed));
    Ok(last.filter(|update| update.finalized_at.is_none()))
}

/// What stays must be whole before anything goes. One that the operator has stopped cannot be asked for its health, so it is
/// let go by hand only.
fn check_health(installation: &Installation, by_hand: bool) -> Result<()> {
    let Some(version) = installation.installed()? else {
        return Ok(());
    };
    let manifest = product::manifest(&installation.layout, &version)?;
    let stopped = !target::is_desired(installation.layout.root()).map_err(|e| AppError::below("NL0315", &e))?;
    if manifest.run.is_some() && !(stopped && by_hand) {
        product::is_healthy(&installation.layout, &installation.settings, &manifest)?;
    }
    match verify::end_state(installation, Some(&version))?.into_iter().next() {
        Some(difference) => Err(AppError::said("NL0327", difference)),
        None => Ok(()),
    }
}

fn give_up_old(installation: &Installation, _lock: &InstallationLock, update: UpdateRecord) -> Result<Finalized> {
    let installed = installation.installed()?;
    let mut removed = Vec::new();
    for dir in super::repository::release_dirs(installation)? {
        let version: Option<Version> = dir
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.parse().ok());
        if version.is_some() && version != installed {
            disk::remove_tree(&dir)?;
            removed.extend(version);
        }
    }
    installation.store.finalize(&update.id, clock::now())?;
    Ok(Finalized {
        update_id: Some(update.id),
        removed,
    })
}
