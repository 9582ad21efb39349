//! Why a backup cannot be made, found, trusted or restored.

use std::io;
use std::path::{Path, PathBuf};

use super::BackupId;
use crate::disk::DiskError;
use crate::release::RelPath;
use crate::store::SqliteFileError;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is no backup {id} in {}", dir.display())]
    Unknown { id: BackupId, dir: PathBuf },
    #[error("the backup {} is damaged: {problem}", path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error("the backup {} is sealed with another key than {}: fingerprint {found}, not {expected}", path.display(), key.display())]
    OtherKey {
        path: PathBuf,
        key: PathBuf,
        found: String,
        expected: String,
    },
    #[error("the backup key {} cannot be used: {problem}", path.display())]
    Key { path: PathBuf, problem: String },
    #[error("the backup key {} is missing, and there are backups that only it opens: put it back from where you keep it, or move those backups elsewhere", path.display())]
    NoKey { path: PathBuf },
    #[error("others may read the backup key {} (mode {mode:04o}): run `chmod 600 {}`", path.display(), path.display())]
    KeyExposed { path: PathBuf, mode: u32 },
    #[error("backup {id} has no `{path}`; `netlink backup show {id}` lists what it has")]
    NotInBackup { id: BackupId, path: RelPath },
    #[error("no room to restore to {}: {needed} bytes are needed, {free} are free", place.display())]
    NoRoom { place: PathBuf, needed: u64, free: u64 },
    #[error("{} cannot be restored in place: {problem}; nothing was changed, restore elsewhere with `--into DIR`", path.display())]
    InTheWay { path: PathBuf, problem: &'static str },
    #[error("an interrupted restore left some of {} new and some old: run `{command}` again", place.display())]
    Interrupted { place: PathBuf, command: String },
    #[error("{} kept vanishing or shrinking while it was read", path.display())]
    Unsteady { path: PathBuf },
    #[error("cannot describe the backup in the {limit} bytes that its file has for that")]
    RecordTooLong { limit: usize },
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Database(#[from] SqliteFileError),
}

impl BackupError {
    /// The code of the product's one table of codes.
    pub fn code(&self) -> &'static str {
        let of_disk = |full, permission| match (full, permission) {
            (true, _) => "NL0301",
            (_, true) => "NL0302",
            _ => "NL0603",
        };
        match self {
            Self::Unknown { .. } => "NL0601",
            Self::Damaged { .. } | Self::OtherKey { .. } => "NL0602",
            Self::NoKey { .. } => "NL0606",
            Self::NoRoom { .. } => "NL0301",
            Self::NotInBackup { .. } => "NL0110",
            Self::Disk(e) | Self::Database(SqliteFileError::Disk(e)) => of_disk(e.is_full(), e.is_permission()),
            Self::Io { source, .. } => of_disk(
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded),
                matches!(
                    source.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ),
            ),
            _ => "NL0603",
        }
    }

    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            problem: problem.into(),
        }
    }

    /// An error while reading a backup: what the operating system says of the disk, or else what the content says of itself.
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::Other
            | io::ErrorKind::InvalidInput => Self::damaged(path, source.to_string()),
            _ => Self::io("read", path, source),
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}
