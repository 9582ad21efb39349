//! Backups by hand: make, list, look into, verify, restore.

use std::path::{Path, PathBuf};

use super::{AppError, Installation, Result};
use crate::backup::{self, BackupError, BackupId, Contents, Key, Kind, Listed, Record, Request, Restored, Selection};
use crate::engine::{InstallationLock, product};
use crate::release::RelPath;
use crate::{clock, disk, target};

fn open(installation: &Installation) -> Result<(PathBuf, Key)> {
    let dir = installation.settings.backup.directory_under(installation.layout.root());
    let key = Key::load_or_create(&installation.layout.backup_key()).map_err(|e| failed(&e))?;
    Ok((dir, key))
}

fn failed(error: &BackupError) -> AppError {
    AppError::below(error.code(), error)
}

/// A backup of data and configuration as they are now; the product may run.
pub fn create_backup(installation: &Installation, by: &str, progress: &mut dyn FnMut(u64, u64)) -> Result<Record> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup create")?;
    let (dir, key) = open(installation)?;
    let version = installation.installed()?;
    let databases = match &version {
        Some(version) => product::databases(&installation.layout, &product::manifest(&installation.layout, version)?),
        None => Vec::new(),
    };
    let scratch = installation.layout.staging().join("backup");
    disk::create_dir_all(&scratch)?;
    let request = Request {
        root: installation.layout.root().to_path_buf(),
        trees: product::kept_trees(),
        databases,
        scratch: scratch.clone(),
        kind: Kind::Manual,
        version,
        by: by.to_owned(),
        created: clock::now(),
    };
    let record = backup::create(&dir, &key, &request, progress).map_err(|e| failed(&e));
    disk::remove_tree(&scratch)?;
    record
}

/// Newest first; damaged ones are listed with the reason.
pub fn list_backups(installation: &Installation) -> Result<Vec<Listed>> {
    let (dir, key) = open(installation)?;
    backup::list(&dir, &key).map_err(|e| failed(&e))
}

pub fn show_backup(installation: &Installation, id: &BackupId) -> Result<Contents> {
    let (dir, key) = open(installation)?;
    backup::show(&dir, &key, id).map_err(|e| failed(&e))
}

/// Reads every byte of one backup, or of all.
pub fn verify_backup(installation: &Installation, id: Option<&BackupId>) -> Result<Vec<Record>> {
    let (dir, key) = open(installation)?;
    let ids = match id {
        Some(id) => vec![id.clone()],
        None => list_backups(installation)?
            .into_iter()
            .map(|listed| listed.id)
            .collect(),
    };
    ids.iter()
        .map(|id| backup::verify(&dir, &key, id).map_err(|e| failed(&e)))
        .collect()
}

/// Restores into the installation, or elsewhere. In place only while the product does not run: it would write over it.
pub fn restore_backup(
    installation: &Installation,
    id: &BackupId,
    only: Vec<RelPath>,
    into: Option<&Path>,
) -> Result<Restored> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup restore")?;
    let (dir, key) = open(installation)?;
    if into.is_none() {
        let status = target::status(installation.layout.root()).map_err(|e| AppError::below("NL0315", &e))?;
        if status.is_wanted() {
            let message = "the product runs and would write over what is restored; stop it with `netlink supervise --stop`, or restore elsewhere with `--into DIR`";
            return Err(AppError::said("NL0604", message));
        }
    }
    let selection = if only.is_empty() {
        Selection::All
    } else {
        Selection::Only(only)
    };
    let place = into.unwrap_or(installation.layout.root());
    backup::restore(&dir, &key, id, &selection, place).map_err(|e| failed(&e))
}
