//! Who may read and who may write a repository now. One writer or many readers; the others wait.

use std::path::Path;
use std::time::Duration;

use crate::backup::{BackupError, Result};
use crate::clock::Deadline;
use crate::disk::{self, Lock, LockAttempt, Sharing};

/// How long a backup waits for another one to end.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
}

/// Held until dropped, or until the process ends in whatever way.
pub struct RepositoryLock(#[allow(dead_code)] Lock);

pub fn take(path: &Path, purpose: Purpose) -> Result<RepositoryLock> {
    let sharing = match purpose {
        Purpose::Read => Sharing::Shared,
        Purpose::Write => Sharing::Alone,
    };
    let deadline = Deadline::after(PATIENCE);
    loop {
        match disk::try_lock_as(path, sharing)? {
            LockAttempt::Held(lock) => {
                if purpose == Purpose::Write {
                    lock.name_owner(&format!("process {}", std::process::id()))?;
                }
                return Ok(RepositoryLock(lock));
            }
            LockAttempt::Busy(owner) if deadline.has_passed() => {
                return Err(BackupError::Busy {
                    path: path.to_path_buf(),
                    owner,
                });
            }
            LockAttempt::Busy(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}
