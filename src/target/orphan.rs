//! A product whose supervisor was killed runs on, alone. Before another is started, it is found and ended.
//!
//! Found by the file that names it, and, for a supervisor killed between starting it and writing that file, by a
//! variable in its environment.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::{TargetError, places};
use crate::clock::Deadline;
use crate::disk;
use crate::host::{self, ProcessIdentity};

/// Given to every product; its value is the installation's folder.
pub const MARK: &str = "SUPERVISED_BY_NETLINK_FOR";
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// From SIGKILL to its being gone.
const KILL_TIME: Duration = Duration::from_secs(5);
const DEFAULT_STOP_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize, Deserialize)]
pub struct Left {
    pub process: ProcessIdentity,
    pub stop_timeout: Duration,
}

/// Notes who the running product is.
pub fn remember(root: &Path, left: &Left) -> Result<(), TargetError> {
    let content = serde_json::to_vec(left).unwrap_or_default();
    Ok(disk::write_atomic(&places::product_identity(root), &content, 0o600)?)
}

pub fn forget(root: &Path) -> Result<(), TargetError> {
    Ok(disk::remove_file(&places::product_identity(root))?)
}

/// Ends what an earlier supervisor left running. The caller holds the supervisor's lock. True when there was something.
pub fn end_all(root: &Path) -> Result<bool, TargetError> {
    let remembered = recall(root);
    let timeout = remembered
        .as_ref()
        .map_or(DEFAULT_STOP_TIMEOUT, |left| left.stop_timeout);
    let mut orphans = host::group_leaders_marked(MARK, &root.to_string_lossy());
    if let Some(left) = remembered
        && left.process.is_alive()
        && !orphans.contains(&left.process)
    {
        orphans.push(left.process);
    }
    for orphan in &orphans {
        end(orphan, timeout)?;
    }
    forget(root)?;
    Ok(!orphans.is_empty())
}

/// None also when it is damaged: the mark in the environment is looked for in any case.
fn recall(root: &Path) -> Option<Left> {
    let content = disk::read_limited(&places::product_identity(root), 4096).ok()?;
    serde_json::from_slice(&content).ok()
}

fn end(orphan: &ProcessIdentity, timeout: Duration) -> Result<(), TargetError> {
    for (signal, limit) in [(Signal::TERM, timeout), (Signal::KILL, KILL_TIME)] {
        if orphan.is_alive() {
            host::signal_group(orphan.pid, signal);
        }
        let deadline = Deadline::after(limit);
        while orphan.is_alive() && !deadline.has_passed() {
            thread::sleep(LOOK_EVERY);
        }
    }
    if orphan.is_alive() {
        return Err(TargetError::Orphan { pid: orphan.pid });
    }
    Ok(())
}
