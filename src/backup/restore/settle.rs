//! Sending what is restored on its way to the disk while more is being unpacked: else all of it waits in memory for the one call
//! at the end that makes it durable.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::backup::{BackupError, Result};
use crate::disk;

/// Bytes between one call and the next.
const STRIDE: u64 = 64 << 20;

/// Told of what was written.
pub struct Settle {
    written: AtomicU64,
    ask: Option<SyncSender<()>>,
}

impl Settle {
    /// For what need not outlive a power cut.
    pub fn never() -> Self {
        Self {
            written: AtomicU64::new(0),
            ask: None,
        }
    }

    /// Does `work` while the file system of `dir` is synced beside it. What it has written at last is not durable yet.
    pub fn beside<T>(dir: &Path, work: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        thread::scope(|scope| {
            let (ask, asked) = sync_channel(1);
            let syncing = scope.spawn(move || asked.into_iter().try_for_each(|()| disk::sync_filesystem(dir)));
            let settle = Self {
                ask: Some(ask),
                ..Self::never()
            };
            let done = work(&settle);
            drop(settle);
            // An error of the disk is told once: the call at the end would not hear of it.
            let synced = syncing.join().map_err(|_| BackupError::Stopped)?;
            done.and_then(|done| Ok(synced.map(|()| done)?))
        })
    }

    pub fn wrote(&self, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before / STRIDE != (before + bytes) / STRIDE
            && let Some(ask) = &self.ask
        {
            // One that waits already will do for this, too.
            let _ = ask.try_send(());
        }
    }
}
