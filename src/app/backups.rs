//! Backups by hand: make, list, look into, verify, restore.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{AppError, Installation, Result};
use crate::backup::{
    self, BackupError, BackupId, Contents, Key, Kind, Listed, Record, Request, Restored, Selection, Unreadable,
};
use crate::engine::{InstallationLock, product};
use crate::release::RelPath;
use crate::version::Version;
use crate::{clock, disk, target};

fn dir_of(installation: &Installation) -> PathBuf {
    installation.settings.backup.directory_under(installation.layout.root())
}

fn open(installation: &Installation) -> Result<(PathBuf, Key)> {
    let dir = dir_of(installation);
    let path = installation.layout.backup_key();
    let key = match backup::holds_any(&dir).map_err(|e| failed(&e))? {
        true => Key::existing(&path),
        false => Key::load_or_create(&path, None),
    };
    Ok((dir, key.map_err(|e| failed(&e))?))
}

fn failed(error: &BackupError) -> AppError {
    AppError::below(error.code(), error)
}

/// A backup of data and configuration as they are now; the product may run.
pub fn create_backup(installation: &Installation, by: &str, progress: &mut dyn FnMut(u64, u64)) -> Result<Record> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup create")?;
    let dir = dir_of(installation);
    let own = installation
        .settings
        .backup
        .own_directory_under(installation.layout.root());
    let key = Key::load_or_create(&installation.layout.backup_key(), own.as_deref()).map_err(|e| failed(&e))?;
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
    if !backup::holds_any(&dir_of(installation)).map_err(|e| failed(&e))? {
        return Ok(Vec::new());
    }
    let (dir, key) = open(installation)?;
    backup::list(&dir, &key).map_err(|e| failed(&e))
}

pub fn show_backup(installation: &Installation, id: &BackupId) -> Result<Contents> {
    let (dir, key) = open(installation)?;
    backup::show(&dir, &key, id).map_err(|e| failed(&e))
}

/// Reads every byte of one backup, or of all.
pub fn verify_backup(installation: &Installation, id: Option<&BackupId>) -> Result<Vec<Record>> {
    let ids: Vec<BackupId> = match id {
        Some(id) => vec![id.clone()],
        None => list_backups(installation)?
            .into_iter()
            .filter(|listed| !matches!(listed.record, Err(Unreadable::OtherKey(_))))
            .map(|listed| listed.id)
            .collect(),
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (dir, key) = open(installation)?;
    ids.iter()
        .map(|id| backup::verify(&dir, &key, id).map_err(|e| failed(&e)))
        .collect()
}

/// How long an idle supervisor may take to end.
const STILL_LIMIT: Duration = Duration::from_secs(30);

/// The installation takes a backup in only between updates, of the version it has, and while nothing can start the product.
fn ready_for(installation: &Installation, record: &Record) -> Result<target::HeldStill> {
    if let Some(id) = installation.store.unfinished()? {
        let message = format!(
            "update {id} is not finished and would write over what is restored; `netlink update resume` finishes it, \
             or restore elsewhere with `--into DIR`"
        );
        return Err(AppError::said("NL0407", message));
    }
    let root = installation.layout.root();
    let failed = |e| AppError::below("NL0315", &e);
    if target::is_desired(root).map_err(failed)? {
        let message = "the product runs and would write over what is restored; stop it with `netlink supervise --stop`, or restore elsewhere with `--into DIR`";
        return Err(AppError::said("NL0604", message));
    }
    let installed = installation.installed()?;
    if record.version.is_some() && record.version != installed {
        let name = |version: &Option<Version>| version.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        let message = format!(
            "backup {} is of {} and {} is installed, whose data it does not fit; go to that version first, \
             or restore elsewhere with `--into DIR`",
            record.id,
            name(&record.version),
            name(&installed)
        );
        return Err(AppError::said("NL0605", message));
    }
    target::hold_still(root, STILL_LIMIT).map_err(failed)
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
    let _still = match into {
        Some(_) => None,
        None => Some(ready_for(
            installation,
            &backup::show(&dir, &key, id).map_err(|e| failed(&e))?.record,
        )?),
    };
    let selection = if only.is_empty() {
        Selection::All
    } else {
        Selection::Only(only)
    };
    let place = into.unwrap_or(installation.layout.root());
    backup::restore(&dir, &key, id, &selection, place).map_err(|e| failed(&e))
}
