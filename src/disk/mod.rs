//! The only room that writes files. Every durable write is: temporary name, fsync, rename, fsync of the folder.
#![allow(clippy::disallowed_methods)]

mod atomic;
mod lock;
mod log;
mod memory;
mod part;
mod plain;
mod read;
mod seeded;
mod space;
mod temporary;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

pub use atomic::{
    NewFile, PART, append, create_dir_all, create_dir_of, end_exchange, exchange, followed, is_part, make_like, rename,
    replace_content, switch_link, sync_dir, sync_filesystem, try_writing, write_atomic,
};
pub use lock::{Lock, LockAttempt, Sharing, lock_folder, try_lock, try_lock_as};
pub use log::{log_tail, open_log, rotate_log};
pub use memory::{MemoryFile, nameless_file};
pub use part::PartFile;
pub use plain::{
    TreeFile, TreeWriter, add_name, make_folders, move_plain, set_attribute, set_link_modified, set_modified, set_owner,
};
pub use read::{exists, read_limited, read_text_limited};
pub use space::{free_space, reserve};
pub use temporary::{TemporaryFolder, temporary_folder};
pub use tree::{
    Entry, EntryKind, copy_file, copy_tree, move_across, remove_empty, remove_file, remove_tree, replace_file,
    set_mode, tree_size, walk,
};

/// What was being done to which path when the operating system said no.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct DiskError {
    pub action: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl DiskError {
    pub fn is_full(&self) -> bool {
        self.source.kind() == io::ErrorKind::StorageFull || self.source.kind() == io::ErrorKind::QuotaExceeded
    }

    pub fn is_permission(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
        )
    }

    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// The file system has no such thing.
    pub fn is_unsupported(&self) -> bool {
        self.source.kind() == io::ErrorKind::Unsupported
    }
}

pub type Result<T> = std::result::Result<T, DiskError>;

/// Names the action and the path in an I/O error.
fn at<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|source| DiskError {
        action,
        path: path.to_path_buf(),
        source,
    })
}
