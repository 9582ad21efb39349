//! The installation's lock: an advisory lock on a file that is never deleted and names its owner.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Result, at};
use crate::clock;

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

#[derive(Debug)]
pub enum LockAttempt {
    Held(Lock),
    /// Somebody else has it; the text is what that owner wrote about itself.
    Busy(String),
}

/// Whether others may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Alone,
    Shared,
}

/// Takes the lock at `path` for oneself or says who has it. Never waits.
pub fn try_lock(path: &Path) -> Result<LockAttempt> {
    try_lock_as(path, Sharing::Alone)
}

/// Takes the lock at `path` or says who has it. Never waits.
pub fn try_lock_as(path: &Path, sharing: Sharing) -> Result<LockAttempt> {
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path);
    let mut file = at("open the lock", path, open)?;
    let tried = match sharing {
        Sharing::Alone => file.try_lock(),
        Sharing::Shared => file.try_lock_shared(),
    };
    match tried {
        Ok(()) => Ok(LockAttempt::Held(Lock {
            file,
            path: path.to_path_buf(),
        })),
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            at(
                "read the lock",
                path,
                Read::by_ref(&mut file).take(4096).read_to_string(&mut owner),
            )?;
            Ok(LockAttempt::Busy(owner))
        }
        Err(TryLockError::Error(e)) => at("lock", path, Err(e)),
    }
}

/// Alone among those who ask likewise, until dropped. Who holds it for longer than `limit` is not waited for: anybody who may read the
/// folder could.
pub fn lock_folder(folder: &Path, limit: Duration) -> Result<File> {
    let file = at("open", folder, File::open(folder))?;
    let began = clock::monotonic();
    while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && began.elapsed() < limit {
        thread::sleep(LOOK_AGAIN);
    }
    Ok(file)
}

impl Lock {
    /// Writes who holds the lock, for those who find it taken.
    pub fn name_owner(&self, owner: &str) -> Result<()> {
        let written = self
            .file
            .write_all_at(owner.as_bytes(), 0)
            .and_then(|()| self.file.set_len(owner.len() as u64));
        at("write the lock", &self.path, written)
    }
}
