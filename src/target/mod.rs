//! How the product runs: a child of its own small supervisor.
//!
//! What should run is a file, `.netlink/desired.json`. Clients write it and ask the supervisor to bring the product
//! there; the supervisor also reads it when it starts, so after a reboot the product is what was last asked for, and one
//! that was stopped for an upgrade stays stopped. A client's end touches nothing.

mod client;
mod desired;
mod inbox;
mod orphan;
mod places;
mod product;
mod protocol;
mod socket;
mod supervisor;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::disk::DiskError;
use crate::host::CommandError;
use crate::version::Version;

pub use client::{HeldStill, hold_still, is_desired, log_tail, shutdown, start, start_by, status, stop, stop_within};
pub use places::desired as desired_file;
pub use supervisor::supervise;

/// Everything that is needed to start the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    pub version: Version,
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub dir: PathBuf,
    /// From SIGTERM to SIGKILL.
    pub stop_timeout: Duration,
}

/// The product's process was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub since: jiff::Timestamp,
}

/// The product does not run and will not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// False when it was stopped before.
    pub was_running: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Status {
    NoSupervisor,
    Stopped,
    Running {
        version: Version,
        pid: u32,
        since: jiff::Timestamp,
        /// How often it was started again because it died.
        restarts: u32,
    },
    /// Asked to end, not gone yet.
    Stopping {
        version: Version,
        pid: u32,
    },
    /// It died, or could not be started, and is tried again after a while.
    BackingOff {
        version: Version,
        restarts: u32,
        last_exit: String,
        next_try: Duration,
        /// The last lines that it printed.
        log: Vec<String>,
    },
}

impl Status {
    /// The product's process is there now.
    pub fn is_running(&self) -> bool {
        self.running_version().is_some()
    }

    /// It runs, or is started again because it died.
    pub fn is_wanted(&self) -> bool {
        matches!(self, Self::Running { .. } | Self::BackingOff { .. })
    }

    pub fn running_version(&self) -> Option<&Version> {
        match self {
            Self::Running { version, .. } => Some(version),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSupervisor => f.write_str("not running, without a supervisor"),
            Self::Stopped => f.write_str("stopped"),
            Self::Running { version, pid, .. } => write!(f, "running as {version}, process {pid}"),
            Self::Stopping { version, pid } => write!(f, "stopping {version}, process {pid}"),
            Self::BackingOff { version, last_exit, .. } => {
                write!(f, "waiting to start {version} again, which {last_exit}")
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("cannot start the supervisor")]
    NoProgram(#[source] io::Error),
    #[error("cannot start the supervisor")]
    Spawn(#[source] CommandError),
    #[error("another supervisor runs for {}: {owner}", root.display())]
    AlreadySupervised { root: PathBuf, owner: String },
    #[error("cannot {action} {}", path.display())]
    Socket {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the supervisor of {} says: {says}", root.display())]
    Refused { root: PathBuf, says: String },
    #[error("{} is damaged: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("the supervisor of {} did not answer within {} s; its last words: {last}", root.display(), limit.as_secs())]
    NoAnswer {
        root: PathBuf,
        limit: Duration,
        last: String,
    },
    #[error("{version} could not be started: {reason}")]
    NotStarted { version: Version, reason: String },
    #[error("the product is not {wanted} within {} s: it is {found}", limit.as_secs())]
    TimedOut {
        wanted: &'static str,
        limit: Duration,
        found: String,
    },
    #[error("cannot catch signals")]
    Signals(#[source] io::Error),
    #[error("cannot end process {pid}, which an earlier supervisor left")]
    Orphan { pid: u32 },
}
