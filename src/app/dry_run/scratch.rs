//! The folder that a dry run works in, or a comparison with a fresh database. It goes with it; what a killed one left goes with the next.

use std::path::{Path, PathBuf};

use crate::app::{AppError, Result};
use crate::disk::{self, Lock, LockAttempt};
use crate::engine::Layout;

pub struct Scratch {
    dir: PathBuf,
    _lock: Lock,
}

impl Scratch {
    /// One at a time: what lies there belongs to nobody else, then.
    pub fn take(layout: &Layout) -> Result<Self> {
        let dir = layout.dry_run();
        disk::create_dir_of(&dir)?;
        let LockAttempt::Held(lock) = disk::try_lock(&dir.with_extension("lock"))? else {
            let message = "another dry run or comparison is at work in this installation; try again when it has ended";
            return Err(AppError::said("NL0401", message));
        };
        disk::remove_tree(&dir)?;
        disk::create_dir_all(&dir)?;
        Ok(Self { dir, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next one, or said there.
        let _ = disk::remove_tree(&self.dir);
    }
}
