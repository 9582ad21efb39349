//! Backups by hand: make, list, look into, verify, restore.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{AppError, Installation, Result};
use crate::backup::keys::Unlock;
use crate::backup::{
    self, BackupError, BackupId, Contents, Drilled, Dumps, Home, Kind, Listed, Percent, Pruned, Record, Repaired,
    Repository, Request, Restored, Selection, Server, Verified,
};
use crate::engine::{self, InstallationLock, backups, product};
use crate::release::RelPath;
use crate::version::Version;
use crate::{clock, disk, host, target};

/// Where the backups lie, and the given way of opening them, else the one of the settings.
pub(super) fn home(installation: &Installation, unlock: Option<&Unlock>) -> Result<Home> {
    Ok(backups::home(&installation.layout, &installation.settings, unlock)?)
}

pub(super) fn open(installation: &Installation, unlock: Option<&Unlock>) -> Result<Repository> {
    backup::home::existing(&home(installation, unlock)?).map_err(|e| failed(&e))
}

fn open_to_write(installation: &Installation, unlock: Option<&Unlock>) -> Result<Repository> {
    backup::home::existing_to_write(&home(installation, unlock)?).map_err(|e| failed(&e))
}

pub(super) fn failed(error: &BackupError) -> AppError {
    AppError::below(error.code(), error)
}

/// A backup that was made, and what its maker should hear.
pub struct Made {
    pub record: Record,
    /// With the first backup: what it means to lose the keys.
    pub warning: Option<&'static str>,
    /// How far a rotation of the master key has got, when one was not finished.
    pub rotation: Option<String>,
}

/// A backup of data and configuration as they are now; the product may run.
pub fn create_backup(
    installation: &Installation,
    unlock: Option<&Unlock>,
    by: &str,
    full: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Made> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup create")?;
    host::end_commands(installation.layout.root());
    let home = home(installation, unlock)?;
    let repository = backup::home::find_or_make(&home, &backups::author(by)).map_err(|e| failed(&e))?;
    let warning = backups::warning(&repository).map_err(|e| failed(&e))?;
    let request = request(installation, &home, by, full)?;
    let scratch = request.scratch.clone();
    let record = backup::create(&repository, &request, progress).map_err(|e| failed(&e));
    disk::remove_tree(&scratch)?;
    let record = record?;
    let share = backups::reseal_share(&repository, &installation.settings);
    Ok(Made {
        record,
        rotation: share.as_ref().map(backups::said_of_share),
        warning,
    })
}

/// What a backup of this installation takes in.
fn request(installation: &Installation, home: &Home, by: &str, full: bool) -> Result<Request> {
    let version = installation.installed()?;
    let databases = match &version {
        Some(version) => product::databases(&installation.layout, &product::manifest(&installation.layout, version)?),
        None => Vec::new(),
    };
    let servers = servers_of(installation)?;
    let scratch = scratch(installation)?;
    Ok(Request {
        root: installation.layout.root().to_path_buf(),
        trees: product::kept_trees(),
        databases,
        servers,
        scratch,
        kind: Kind::Manual,
        version,
        by: by.to_owned(),
        created: clock::now(),
        backups: home.folder.clone(),
        full,
    })
}

/// The databases on servers that the installed release has.
fn servers_of(installation: &Installation) -> Result<Vec<Server>> {
    let Some(version) = installation.installed()? else {
        return Ok(Vec::new());
    };
    let layout = &installation.layout;
    let manifest = product::manifest(layout, &version)?;
    Ok(engine::servers(layout, &installation.settings, &manifest)?)
}

fn scratch(installation: &Installation) -> Result<PathBuf> {
    let scratch = installation.layout.staging().join("backup");
    disk::create_dir_all(&scratch)?;
    Ok(scratch)
}

/// Restores a backup for practice.
pub fn drill_backup(installation: &Installation, unlock: Option<&Unlock>, id: &BackupId) -> Result<Drilled> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup drill")?;
    host::end_commands(installation.layout.root());
    let repository = open_to_write(installation, unlock)?;
    let scratch = scratch(installation)?;
    let servers = servers_of(installation)?;
    let drilled = backup::drill(&repository, id, &scratch, clock::now(), &servers).map_err(|e| failed(&e));
    disk::remove_tree(&scratch)?;
    drilled
}

/// Drops what is damaged, and puts back what the installation's files still have.
pub fn repair_backups(installation: &Installation, unlock: Option<&Unlock>) -> Result<Repaired> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup repair")?;
    let live = request(installation, &home(installation, unlock)?, "netlink", false)?;
    let repaired = backup::repair(&open_to_write(installation, unlock)?, &live).map_err(|e| failed(&e));
    disk::remove_tree(&live.scratch)?;
    repaired
}

/// Newest first; failed and damaged ones are listed with the reason.
pub fn list_backups(installation: &Installation, unlock: Option<&Unlock>) -> Result<Vec<Listed>> {
    match backup::home::find(&home(installation, unlock)?).map_err(|e| failed(&e))? {
        Some(repository) => backup::list(&repository).map_err(|e| failed(&e)),
        None => Ok(Vec::new()),
    }
}

pub fn show_backup(installation: &Installation, unlock: Option<&Unlock>, id: &BackupId) -> Result<Contents> {
    backup::show(&open(installation, unlock)?, id).map_err(|e| failed(&e))
}

/// Reads every byte of one backup.
pub fn verify_backup(installation: &Installation, unlock: Option<&Unlock>, id: &BackupId) -> Result<Record> {
    backup::verify(&open(installation, unlock)?, id).map_err(|e| failed(&e))
}

/// Looks at all of the repository and reads as many of its blocks as is wished.
pub fn verify_backups(installation: &Installation, unlock: Option<&Unlock>, percent: Percent) -> Result<Verified> {
    match backup::home::find(&home(installation, unlock)?).map_err(|e| failed(&e))? {
        Some(repository) => backup::verify_all(&repository, percent).map_err(|e| failed(&e)),
        None => Ok(Verified::default()),
    }
}

/// Lets go of backups that the settings do not keep, and of what no backup needs.
pub fn prune_backups(installation: &Installation, unlock: Option<&Unlock>) -> Result<Pruned> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup prune")?;
    let repository = open_to_write(installation, unlock)?;
    let listed = backup::list(&repository).map_err(|e| failed(&e))?;
    let needed = backups::needed(&installation.store, installation.installed()?.as_ref(), &listed)?;
    let keep = backups::keep(&installation.settings, needed);
    let root = installation.layout.root().to_string_lossy();
    backup::prune(&repository, &root, &keep, clock::now()).map_err(|e| failed(&e))
}

/// How long an idle supervisor may take to end.
const STILL_LIMIT: Duration = Duration::from_secs(30);

/// While nothing can start the product.
fn ready_for(installation: &Installation, record: &Record) -> Result<target::HeldStill> {
    refuse_restore(installation, record)?;
    target::hold_still(installation.layout.root(), STILL_LIMIT).map_err(|e| AppError::below("NL0315", &e))
}

/// The installation takes a backup in only between updates, of the version it has, and while the product does not run.
pub(super) fn refuse_restore(installation: &Installation, record: &Record) -> Result<()> {
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
    Ok(())
}

/// Restores into the installation, or elsewhere. In place only while the product does not run: it would write over it.
pub fn restore_backup(
    installation: &Installation,
    unlock: Option<&Unlock>,
    id: &BackupId,
    only: Vec<RelPath>,
    into: Option<&Path>,
) -> Result<Restored> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup restore")?;
    host::end_commands(installation.layout.root());
    let repository = open(installation, unlock)?;
    let record = repository.snapshot(id).map_err(|e| failed(&e))?.record;
    let _still = match into {
        Some(_) => None,
        None => Some(ready_for(installation, &record)?),
    };
    let selection = if only.is_empty() {
        Selection::All
    } else {
        Selection::Only(only)
    };
    let place = into.unwrap_or(installation.layout.root());
    let servers = match (into, record.dumps) {
        (None, 1..) => Some(servers_of(installation)?),
        _ => None,
    };
    let dumps = servers.as_deref().map_or(Dumps::AsFiles, Dumps::ToServers);
    let restored = backup::restore(&repository, id, &selection, place, dumps).map_err(|e| failed(&e))?;
    if into.is_none() && selection == Selection::All {
        engine::nothing_stands(&installation.store)?;
    }
    Ok(restored)
}
