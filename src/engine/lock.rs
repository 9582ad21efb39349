//! One update at a time: the lock of an installation, borrowed by whoever drives.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Layout;
use crate::clock::Deadline;
use crate::{clock, disk, host};

/// Those who only look hold the lock for an instant; that much is waited before it is called busy.
const PATIENCE: Duration = Duration::from_millis(300);

/// What the holder of the lock says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Owner {
    pub pid: u32,
    pub boot_id: String,
    pub host: String,
    /// What it is doing, e.g. `netlink update upgrade`.
    pub doing: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Refreshed while the holder is alive and well.
    #[schema(value_type = String, format = DateTime)]
    pub heartbeat: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{} is busy: {}", root.display(), owner.as_ref().map_or("another NetLink is at work there".to_owned(), ToString::to_string))]
    Busy {
        root: std::path::PathBuf,
        owner: Option<Owner>,
    },
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` is at work (process {} on {}, since {:.0})",
            self.doing, self.pid, self.host, self.since
        )
    }
}

impl Owner {
    fn now(doing: &str) -> Self {
        let now = clock::now();
        Self {
            pid: std::process::id(),
            boot_id: host::boot_id(),
            host: host::hostname(),
            doing: doing.to_owned(),
            since: now,
            heartbeat: now,
        }
    }
}

/// Held for the time of a change; ends with the process in whatever way.
#[derive(Debug)]
pub struct InstallationLock {
    lock: disk::Lock,
    owner: Mutex<Owner>,
}

impl InstallationLock {
    pub fn take(layout: &Layout, doing: &str) -> Result<Self, LockError> {
        Self::take_within(layout, doing, PATIENCE)
    }

    /// Asks again and again for so long; never waits in the lock itself, where nothing could end the wait.
    pub fn take_within(layout: &Layout, doing: &str, patience: Duration) -> Result<Self, LockError> {
        let deadline = Deadline::after(patience.max(PATIENCE));
        loop {
            match disk::try_lock(&layout.lock())? {
                disk::LockAttempt::Busy(_) if !deadline.has_passed() => std::thread::sleep(PATIENCE / 10),
                disk::LockAttempt::Busy(text) => {
                    let owner = serde_json::from_str(&text).ok();
                    return Err(LockError::Busy {
                        root: layout.root().to_path_buf(),
                        owner,
                    });
                }
                disk::LockAttempt::Held(lock) => return Self::named(lock, doing),
            }
        }
    }

    fn named(lock: disk::Lock, doing: &str) -> Result<Self, LockError> {
        let held = Self {
            lock,
            owner: Mutex::new(Owner::now(doing)),
        };
        held.beat()?;
        Ok(held)
    }

    /// Says that the holder is alive.
    pub fn beat(&self) -> disk::Result<()> {
        let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        owner.heartbeat = clock::now();
        self.lock
            .name_owner(&serde_json::to_string(&*owner).unwrap_or_default())
    }
}

/// Of all servers over one installation the one that carries out its orders; ends with the process in whatever way.
#[derive(Debug)]
pub struct ServingLock {
    _lock: disk::Lock,
}

/// What came of trying to be that server.
#[derive(Debug)]
pub enum Serving {
    Here(ServingLock),
    /// Another one is; it is unknown for the moment in which it writes its name.
    Elsewhere(Option<Owner>),
}

impl ServingLock {
    /// Never waits.
    pub fn take(layout: &Layout) -> disk::Result<Serving> {
        match disk::try_lock(&layout.serving())? {
            disk::LockAttempt::Busy(text) => Ok(Serving::Elsewhere(serde_json::from_str(&text).ok())),
            disk::LockAttempt::Held(lock) => {
                let owner = Owner::now("netlink serve");
                lock.name_owner(&serde_json::to_string(&owner).unwrap_or_default())?;
                Ok(Serving::Here(Self { _lock: lock }))
            }
        }
    }
}

/// Whether somebody is at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    Free,
    /// The owner is unknown for the moment in which it writes its name.
    Held(Option<Owner>),
}

/// Looks without staying: the lock is let go at once if it was free.
pub fn look_at_lock(layout: &Layout) -> disk::Result<LockState> {
    look(&layout.lock())
}

/// Whether a server is there that carries out orders.
pub fn look_at_serving(layout: &Layout) -> disk::Result<LockState> {
    look(&layout.serving())
}

fn look(path: &Path) -> disk::Result<LockState> {
    if !path.exists() {
        return Ok(LockState::Free);
    }
    match disk::try_lock(path)? {
        disk::LockAttempt::Held(_) => Ok(LockState::Free),
        disk::LockAttempt::Busy(text) => Ok(LockState::Held(serde_json::from_str(&text).ok())),
    }
}
