//! Why a backup cannot be made, found, trusted or restored.

use std::io;
use std::path::{Path, PathBuf};

use super::BackupId;
use super::chunk::ChunkId;
use super::keys::{Fingerprint, KeysError};
use super::server::ServerError;
use crate::disk::DiskError;
use crate::host::CommandError;
use crate::release::RelPath;
use crate::store::SqliteFileError;

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is no backup {id} in {}", dir.display())]
    Unknown { id: BackupId, dir: PathBuf },
    #[error("the backup {} is damaged: {problem}", path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error("a chunk that is needed is missing from {}: {id}; `netlink backup repair` tells which backups lose what", dir.display())]
    MissingChunk { dir: PathBuf, id: String },
    #[error("{} is sealed with the key {mark}, which is not on the key ring; open the backups in another way", path.display())]
    OtherKey { path: PathBuf, mark: Fingerprint },
    #[error("the backups in {} are being used by {owner}, and have been for half an hour; try again when that is done", path.display())]
    Busy { path: PathBuf, owner: String },
    #[error("the work was given up because another part of it failed")]
    Stopped,
    #[error("there is no backup in {} yet; `netlink backup create` makes one", folder.display())]
    NothingYet { folder: PathBuf },
    #[error("backup {id} has no `{path}`; `netlink backup show {id}` lists what it has")]
    NotInBackup { id: BackupId, path: RelPath },
    #[error("{} has more extended attributes than a backup can note; remove what nobody needs with `setfattr -x`", path.display())]
    AttributesTooLong { path: PathBuf },
    #[error("{} cannot be restored: it is a socket, pipe or device, which a backup only notes", path.display())]
    Special { path: PathBuf },
    #[error("no room to restore to {}: {needed} bytes are needed, {free} are free", place.display())]
    NoRoom { place: PathBuf, needed: u64, free: u64 },
    #[error("{} cannot be restored in place: {problem}; nothing was changed, restore elsewhere with `--into DIR`", path.display())]
    InTheWay { path: PathBuf, problem: &'static str },
    #[error("an interrupted restore left some of {} new and some old: run `{command}` again", place.display())]
    Interrupted { place: PathBuf, command: String },
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Server(Box<ServerError>),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Database(#[from] SqliteFileError),
}

impl From<ServerError> for BackupError {
    fn from(error: ServerError) -> Self {
        Self::Server(Box::new(error))
    }
}

impl From<CommandError> for BackupError {
    fn from(error: CommandError) -> Self {
        ServerError::from(error).into()
    }
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
            Self::Unknown { .. } | Self::NothingYet { .. } => "NL0601",
            Self::Damaged { .. } | Self::MissingChunk { .. } | Self::OtherKey { .. } => "NL0602",
            Self::Keys(e) => e.code(),
            Self::Server(e) => e.code(),
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

    pub(super) fn missing_chunk(dir: &Path, id: ChunkId) -> Self {
        Self::MissingChunk {
            dir: dir.to_path_buf(),
            id: hex::encode(id.0),
        }
    }

    /// What is read is not what was written, or is not there: the disk said nothing else.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            // Who opens a repository holds all of its keys, but for one whose slot was left behind, and that one only reads.
            Self::Damaged { .. } | Self::MissingChunk { .. } | Self::OtherKey { .. } => true,
            Self::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Disk(e) => e.is_missing(),
            _ => false,
        }
    }

    /// What was to be replaced is neither what it was nor what it should be.
    pub(super) fn is_half_done(&self) -> bool {
        matches!(self, Self::Server(e) if matches!(**e, ServerError::NotPutBack { .. }))
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
