//! Encrypted backups of an installation's trees in a repository of chunks: what is there already is not written again, what was
//! written is read back before it counts, and what is restored is checked before it replaces anything. `docs/backup-format.md`
//! describes the files.

mod adopt;
mod check;
mod chunk;
mod cores;
mod create;
mod drill;
mod entry;
mod error;
pub mod home;
mod id;
pub mod keys;
mod list;
mod listing;
mod prune;
mod read;
mod repair;
mod repository;
mod reseal;
mod restore;
mod server;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use create::create;
pub use drill::{Drilled, drill};
pub use error::BackupError;
pub use home::Home;
pub use id::{BackupId, BackupIdError};
pub use list::{list, reason};
pub use prune::{Keep, Pruned, expired, prune};
pub use read::show;
pub use repair::{Repaired, repair};
pub use repository::{Purpose, Repository};
pub use reseal::{Resealed, SealedBy, reseal, sealed_by};
pub use restore::{Dumps, is_half_restored, refuse_restore, restore, restore_dumps};
pub use server::{Beside, Checked, DumpFile, DumpNote, Purpose as BesidePurpose, Server, ServerError, Tools};
pub use verify::{DamagedBackup, Percent, Verified, verify, verify_all};

use crate::release::RelPath;
use crate::version::Version;

type Result<T> = std::result::Result<T, BackupError>;

/// What a backup was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By NetLink, before the update of this id.
    BeforeUpdate(String),
    Manual,
}

/// What to back up.
#[derive(Debug, Clone)]
pub struct Request {
    pub root: PathBuf,
    /// Below `root`; those that are not there are left out.
    pub trees: Vec<RelPath>,
    /// SQLite databases in those trees, below `root`; they may be in use.
    pub databases: Vec<RelPath>,
    /// Databases on servers; they may be in use.
    pub servers: Vec<Server>,
    /// A folder for copies of databases, on a file system with room for the largest.
    pub scratch: PathBuf,
    pub kind: Kind,
    pub version: Option<Version>,
    pub by: String,
    pub created: Timestamp,
    /// Where backups lie; they are not backed up.
    pub backups: PathBuf,
    /// Reads every file, also those that have not changed since the last backup.
    pub full: bool,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: BackupId,
    pub kind: Kind,
    /// The installed one at the time.
    pub version: Option<Version>,
    pub by: String,
    /// The installation it is of.
    pub root: String,
    pub created: Timestamp,
    pub duration_ms: u64,
    /// The trees that were there.
    pub trees: Vec<RelPath>,
    /// Files and links, folders not counted.
    pub files: u64,
    /// Bytes of the files.
    pub size: u64,
    /// Bytes that were added to the repository.
    pub new_bytes: u64,
    /// Files that were still being written after several tries; `show` names them.
    pub unsettled: u64,
    /// Sockets, pipes and devices: noted, not restored.
    pub special: u64,
    /// Databases of the product that a symbolic link leads to, out of the trees: not in the backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<RelPath>,
    /// Dumps of databases on servers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dumps: u64,
    /// Fingerprint of the master key.
    pub key: keys::Fingerprint,
}

impl Record {
    /// What it could not take in as it should be, in words.
    pub fn left_out(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.unsettled > 0 {
            let words = "files were still being written when they were read; their content may be of two moments";
            said.push(format!("{} {words}", self.unsettled));
        }
        if self.special > 0 {
            said.push(format!(
                "{} sockets, pipes or devices are noted, not kept",
                self.special
            ));
        }
        let outside = |path| format!("the database {path} lies outside of what is backed up, and is not in the backup");
        said.extend(self.outside.iter().map(outside));
        said
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A backup that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub id: BackupId,
    pub kind: Kind,
    pub version: Option<Version>,
    pub by: String,
    pub created: Timestamp,
    pub failed: String,
}

impl Failure {
    fn of(id: &BackupId, request: &Request, error: &BackupError) -> Self {
        Self {
            id: id.clone(),
            kind: request.kind.clone(),
            version: request.version.clone(),
            by: request.by.clone(),
            created: request.created,
            failed: list::reason(error),
        }
    }
}

/// A backup in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: BackupId,
    pub state: State,
    /// The last drill of it.
    pub drilled: Option<Drilled>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Whole(Record),
    Failed(Failure),
    /// Its document cannot be read, for this reason.
    Damaged(String),
}

impl Listed {
    pub fn record(&self) -> Option<&Record> {
        match &self.state {
            State::Whole(record) => Some(record),
            _ => None,
        }
    }

    /// The id of the update that it was made before.
    pub fn made_for(&self) -> Option<&str> {
        match &self.record()?.kind {
            Kind::BeforeUpdate(update) => Some(update),
            Kind::Manual => None,
        }
    }

    pub fn is_for(&self, update: &str) -> bool {
        self.made_for() == Some(update)
    }
}

/// In JSON one flat object: the record, or the failure, or `id` and `damaged`.
impl Serialize for Listed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Damaged<'a> {
            id: &'a BackupId,
            damaged: &'a str,
        }
        #[derive(Serialize)]
        struct Whole<'a> {
            #[serde(flatten)]
            record: &'a Record,
            #[serde(skip_serializing_if = "Option::is_none")]
            drilled: Option<&'a Drilled>,
        }
        let drilled = self.drilled.as_ref();
        match &self.state {
            State::Whole(record) => Whole { record, drilled }.serialize(serializer),
            State::Failed(failure) => failure.serialize(serializer),
            State::Damaged(damaged) => Damaged { id: &self.id, damaged }.serialize(serializer),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    pub record: Record,
    pub files: Vec<ContentFile>,
}

/// A file or link in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContentFile {
    /// Relative to the installation; bytes that are not UTF-8 are shown as U+FFFD.
    pub path: String,
    pub size: u64,
    pub mode: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// It was still being written while it was read: its content may be of two moments.
    pub unsettled: bool,
    /// A socket, pipe or device, which is not restored.
    pub special: bool,
    /// Of which database on a server it is a dump.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dump: Option<DumpNote>,
}

/// What to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every tree of the backup; what such a tree holds besides is removed.
    All,
    /// These files and folders with all that is in them.
    Only(Vec<RelPath>),
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    pub id: BackupId,
    /// Files and links.
    pub files: u64,
    pub bytes: u64,
    /// Databases on servers that were replaced.
    pub databases: u64,
    pub into: PathBuf,
    /// What could not be cleared away afterwards, e.g. the database from before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}
