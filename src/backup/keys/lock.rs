//! An advisory lock on a folder itself: it leaves no file behind and ends with the process.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::{KeysError, Result};
use crate::clock::Deadline;

/// How long another process may take to change keys: longer than a secret store may take to answer it.
const PATIENCE: Duration = Duration::from_secs(45);

/// Held until dropped.
pub struct FolderLock {
    _folder: File,
}

pub fn lock_folder(folder: &Path) -> Result<FolderLock> {
    let file = File::open(folder).map_err(|e| KeysError::io("open", folder, e))?;
    let deadline = Deadline::after(PATIENCE);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FolderLock { _folder: file }),
            Err(TryLockError::WouldBlock) if !deadline.has_passed() => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::WouldBlock) => {
                return Err(KeysError::Locked {
                    path: folder.to_path_buf(),
                });
            }
            Err(TryLockError::Error(e)) => return Err(KeysError::io("lock", folder, e)),
        }
    }
}
