//! The slots of the backup repository's keys.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::backups::{failed, home};
use super::{AppError, Installation, Result};
use crate::backup::keys::{
    self, Author, Damaged, Fingerprint, KeysError, Kind, Kit, Listed, NewSecret, Place, PublicHalf, SlotId, Unlock,
};
use crate::backup::{self, Repository, SealedBy};
use crate::crypt::Secret;
use crate::engine::backup_key;
use crate::settings::BackupKey;
use crate::store::Fact;
use crate::{clock, host};

#[derive(Debug, Serialize)]
pub struct KeysView {
    pub directory: PathBuf,
    pub slots: Vec<Listed>,
    pub damaged: Vec<Damaged>,
    /// Of the current master key, when a way of opening was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Fingerprint>,
    /// Slots that nobody made who had that key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strangers: Vec<SlotId>,
    /// How much each master key has sealed: the newest slot's first is the current one.
    pub sealed: Vec<SealedBy>,
}

/// A slot, and whether the repository's keys were made for it just now.
#[derive(Debug, Serialize)]
pub struct NewKey {
    #[serde(flatten)]
    pub slot: Listed,
    pub first: bool,
}

/// A recovery kit that was written, or is to be shown.
#[derive(Debug)]
pub struct Exported {
    pub kit: Kit,
    pub file: Option<PathBuf>,
    pub first: bool,
}

/// What a new slot is to be opened with, as a door has it.
#[derive(Debug)]
pub enum NewKeySource {
    Secret(NewSecret),
    Environment(String),
    Command(Vec<String>),
    /// What the slot's kind has by itself: the installation's key file, or the secret store of the settings.
    Usual,
}

/// The folder of the installation's repository; an error when it has none yet.
pub(super) fn dir_of(installation: &Installation, unlock: Option<&Unlock>) -> Result<PathBuf> {
    let none = || KeysError::NoKeys {
        dir: folder_of(installation),
    };
    Ok(find_dir(installation, unlock)?.ok_or_else(none)?)
}

fn folder_of(installation: &Installation) -> PathBuf {
    installation.settings.backup.directory_under(installation.layout.root())
}

/// The only repository of a folder that is the installation's alone needs no key to be found.
fn find_dir(installation: &Installation, unlock: Option<&Unlock>) -> Result<Option<PathBuf>> {
    let settings = &installation.settings.backup;
    let root = installation.layout.root();
    if settings.own_directory_under(root).is_some()
        && let [only] = &backup::Repository::all_in(&settings.directory_under(root)).map_err(|e| failed(&e))?[..]
    {
        return Ok(Some(only.clone()));
    }
    let found = backup::home::find(&home(installation, unlock)?).map_err(|e| failed(&e))?;
    Ok(found.map(|repository| repository.dir().to_path_buf()))
}

impl From<KeysError> for AppError {
    fn from(error: KeysError) -> Self {
        Self::below(error.code(), &error)
    }
}

pub(super) fn author() -> Author {
    Author {
        by: format!("uid {} on {}", host::user_id(), host::hostname()),
        at: clock::now(),
    }
}

/// The given way of opening, else the one of the settings.
pub(super) fn way(installation: &Installation, given: Option<&Unlock>) -> Result<Unlock> {
    match given {
        Some(unlock) => Ok(unlock.clone()),
        None => Ok(backup_key::unlock(&installation.settings.backup, &installation.layout)?),
    }
}

/// The repository; a new one is made where there is none. True when it was.
fn opened_or_made(installation: &Installation, given: Option<&Unlock>) -> Result<(Repository, bool)> {
    let home = home(installation, given)?;
    let first = backup::home::find(&home).map_err(|e| failed(&e))?.is_none();
    let made = backup::home::find_or_make(&home, &author()).map_err(|e| failed(&e))?;
    Ok((made, first))
}

/// Reads what slots say of themselves; opens the repository only when told how.
pub fn list_backup_keys(installation: &Installation, unlock: Option<&Unlock>) -> Result<KeysView> {
    let dir = match find_dir(installation, unlock)? {
        Some(dir) => dir,
        None => folder_of(installation),
    };
    let ring = unlock.map(|unlock| keys::open(&dir, unlock)).transpose()?;
    let strangers = ring.as_ref().map(|ring| keys::strangers(&dir, ring)).transpose();
    Ok(KeysView {
        slots: keys::list(&dir)?,
        sealed: backup::sealed_by(&dir).map_err(|e| failed(&e))?,
        damaged: keys::check(&dir)?,
        key: ring.map(|ring| ring.current().fingerprint()),
        strangers: strangers?.unwrap_or_default(),
        directory: dir,
    })
}

pub fn add_backup_key(
    installation: &Installation,
    unlock: Option<&Unlock>,
    source: NewKeySource,
    label: &str,
) -> Result<NewKey> {
    let secret = of_source(installation, source, None)?;
    let (made, first) = opened_or_made(installation, unlock)?;
    let slot = keys::add(made.dir(), made.keyring(), &secret, label, &author())?;
    Ok(NewKey { slot, first })
}

/// Removes a slot; not the one that updates open the backups with, unless forced.
pub fn remove_backup_key(
    installation: &Installation,
    unlock: Option<&Unlock>,
    named: &str,
    force: bool,
) -> Result<Listed> {
    let dir = dir_of(installation, unlock)?;
    let ring = keys::open_to_write(&dir, &way(installation, unlock)?)?;
    let usual = way(installation, None).and_then(|usual| Ok(keys::slot_of(&dir, &usual)?));
    if let Ok(id) = usual
        && !force
        && keys::find(&dir, named)? == id
    {
        let message = format!(
            "updates open the backups with slot {id} (`update_system.backup.key: {}` in config/update.yml); change that first, or add `--force`",
            installation.settings.backup.key
        );
        return Err(AppError::said("NL0627", message));
    }
    Ok(keys::remove(&dir, &ring, named)?)
}

/// Wraps the ring anew in a slot; what opened it before opens it no more.
pub fn rotate_backup_key(
    installation: &Installation,
    unlock: Option<&Unlock>,
    named: &str,
    source: NewKeySource,
) -> Result<Listed> {
    let dir = dir_of(installation, unlock)?;
    let ring = keys::open_to_write(&dir, &way(installation, unlock)?)?;
    let secret = of_source(installation, source, Some(kind_of(installation, named)?))?;
    Ok(keys::rotate(&dir, &ring, named, &secret, &author())?)
}

/// The kind of the slot of this name, for a door that must ask for its secret.
pub fn kind_of(installation: &Installation, named: &str) -> Result<Kind> {
    let dir = dir_of(installation, None)?;
    let id = keys::find(&dir, named)?;
    let slots = keys::list(&dir)?;
    let slot = slots.into_iter().find(|one| one.id == id);
    let unknown = || KeysError::UnknownSlot {
        named: named.to_owned(),
    };
    Ok(slot.map(|one| one.kind).ok_or_else(unknown)?)
}

/// A recovery kit with a slot of its own. When it cannot be written its slot goes again.
pub fn export_recovery(
    installation: &Installation,
    unlock: Option<&Unlock>,
    label: &str,
    out: Option<&Path>,
) -> Result<Exported> {
    let (made, first) = opened_or_made(installation, unlock)?;
    let place = Place {
        host: host::hostname(),
        root: installation.layout.root().to_path_buf(),
        product: installation.store.fact(Fact::Product)?,
    };
    let kit = Kit::make(made.dir(), made.keyring(), place, label, &author())?;
    if let Some(error) = out.and_then(|out| kit.write(out).err()) {
        kit.forget(made.keyring())?;
        return Err(error.into());
    }
    Ok(Exported {
        kit,
        file: out.map(Path::to_path_buf),
        first,
    })
}

/// A pair for an offline recipient; its private half goes to `file`. Needs no installation.
pub fn new_backup_recipient(file: &Path) -> Result<PublicHalf> {
    let half = keys::new_half(file)?;
    Ok(half.public().map_err(KeysError::from)?)
}

/// A passphrase or code in a file, without the end of its line.
pub fn read_secret_file(path: &Path) -> Result<Secret> {
    keys::read_words(path).map_err(|e| AppError::below("NL0624", &e))
}

fn of_source(installation: &Installation, source: NewKeySource, kind: Option<Kind>) -> Result<NewSecret> {
    let layout = &installation.layout;
    let usual = match (&source, kind) {
        (NewKeySource::Usual, Some(Kind::Secret)) => match &installation.settings.backup.key {
            BackupKey::Environment(name) => NewKeySource::Environment(name.clone()),
            BackupKey::Command(argv) => NewKeySource::Command(argv.clone()),
            BackupKey::File => NewKeySource::Usual,
        },
        (NewKeySource::Usual, Some(Kind::KeyFile)) => NewKeySource::Secret(NewSecret::KeyFile(layout.backup_key())),
        _ => source,
    };
    match usual {
        NewKeySource::Secret(secret) => Ok(secret),
        NewKeySource::Environment(name) => {
            let value = backup_key::variable(&name)?;
            Ok(NewSecret::Environment { name, value })
        }
        NewKeySource::Command(argv) => Ok(NewSecret::Command(backup_key::command(&argv, layout))),
        NewKeySource::Usual => Err(AppError::said("NL0110", nothing_usual(kind))),
    }
}

fn nothing_usual(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Recipient) => "a recipient's slot is rotated to another one: give `--recipient KEY`",
        Some(Kind::RecoveryCode) => {
            "a recovery kit is not rotated: print a new one with `netlink backup keys export-recovery` and remove this slot"
        }
        Some(Kind::Secret) => "say where the new secret is: `--env NAME` or `--command LINE`",
        _ => {
            "say what is to open the new slot: `--new-passphrase`, `--new-passphrase-file FILE`, `--new-key-file FILE`, \
              `--recipient KEY`, `--env NAME` or `--command LINE`"
        }
    }
}
