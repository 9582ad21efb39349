//! Encrypted backups of an installation's trees: one sealed file each, read back before it counts, checked whole before it is
//! restored. `docs/backup-format.md` describes the file.

mod contents;
mod create;
mod error;
mod format;
mod id;
mod key;
pub mod keys;
mod list;
mod pack;
mod read;
mod restore;
mod stage;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use create::create;
pub use error::BackupError;
pub use id::{BackupId, BackupIdError};
pub use key::Key;
pub use list::{holds_any, list, prune_candidates, remove};
pub use read::{show, verify};
pub use restore::restore;

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
    /// A folder for copies of databases, on a file system with room for the largest.
    pub scratch: PathBuf,
    pub kind: Kind,
    pub version: Option<Version>,
    pub by: String,
    pub created: Timestamp,
}

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: BackupId,
    pub kind: Kind,
    /// The installed one at the time.
    pub version: Option<Version>,
    pub by: String,
    pub created: Timestamp,
    /// The trees that were there.
    pub trees: Vec<RelPath>,
    /// Files and links, folders not counted.
    pub files: u64,
    /// Of the files, before compression.
    pub bytes: u64,
    /// Files that were still being written after several tries; `show` names them.
    pub unsettled: u64,
}

/// A backup in the list; one that cannot be read with the reason in place of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: BackupId,
    /// Bytes on disk.
    pub size: u64,
    pub record: std::result::Result<Record, Unreadable>,
}

/// Why a backup in the folder cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Of another installation that shares the folder, or of a key that was lost: not ours to judge or to remove.
    OtherKey(String),
    Damaged(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherKey(reason) | Self::Damaged(reason) => f.write_str(reason),
        }
    }
}

impl Listed {
    /// Whether it was made before the update of this id.
    pub fn is_for(&self, update: &str) -> bool {
        matches!(&self.record, Ok(Record { kind: Kind::BeforeUpdate(id), .. }) if id == update)
    }
}

/// In JSON one flat object: the record and `size`, or `id`, `size` and `damaged` or `other_key`.
impl Serialize for Listed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Flat<'a> {
            Whole {
                #[serde(flatten)]
                record: &'a Record,
                size: u64,
            },
            Damaged {
                id: &'a BackupId,
                size: u64,
                damaged: &'a str,
            },
            Foreign {
                id: &'a BackupId,
                size: u64,
                other_key: &'a str,
            },
        }
        let (id, size) = (&self.id, self.size);
        match &self.record {
            Ok(record) => Flat::Whole { record, size },
            Err(Unreadable::Damaged(damaged)) => Flat::Damaged { id, size, damaged },
            Err(Unreadable::OtherKey(other_key)) => Flat::Foreign { id, size, other_key },
        }
        .serialize(serializer)
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub id: BackupId,
    /// Files and links.
    pub files: u64,
    pub bytes: u64,
    pub into: PathBuf,
}
