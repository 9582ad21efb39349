//! Looking at and signalling processes that are not our children: their identity is id, start time and boot together.

use std::path::Path;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};

use super::boot_id;
use crate::disk;

const STAT_LIMIT: u64 = 4096;
/// Environments can be long; what is longer than this is not one that we gave.
const ENVIRON_LIMIT: u64 = 4 * 1024 * 1024;

/// One process for all time: process ids are used again, this is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    pub pid: u32,
    /// Clock ticks from boot to its start.
    pub started: u64,
    pub boot_id: String,
}

impl ProcessIdentity {
    /// The process that has this id now; none when there is none or it has ended already.
    pub fn of(pid: u32) -> Option<Self> {
        let started = start_time(pid)?;
        Some(Self {
            pid,
            started,
            boot_id: boot_id(),
        })
    }

    /// Whether exactly this process is still running; one that only waits to be reaped is not.
    pub fn is_alive(&self) -> bool {
        self.boot_id == boot_id() && start_time(self.pid) == Some(self.started)
    }
}

/// Sends a signal to every process of a group; false when the group is empty.
pub fn signal_group(leader: u32, signal: Signal) -> bool {
    as_pid(leader).is_some_and(|pid| rustix::process::kill_process_group(pid, signal).is_ok())
}

/// Whether a process that still runs belongs to this group.
pub fn group_is_alive(leader: u32) -> bool {
    as_pid(leader).is_some_and(|pid| rustix::process::test_kill_process_group(pid).is_ok())
}

/// Leaders of a process group whose environment, as they were started, has this variable with this value.
pub fn group_leaders_marked(variable: &str, value: &str) -> Vec<ProcessIdentity> {
    let wanted = format!("{variable}={value}").into_bytes();
    let Ok(listed) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    listed
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let environ = disk::read_limited(Path::new(&format!("/proc/{pid}/environ")), ENVIRON_LIMIT);
            environ.is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one == wanted))
        })
        .filter(|pid| as_pid(*pid).is_some_and(|pid| rustix::process::getpgid(Some(pid)) == Ok(pid)))
        .filter_map(ProcessIdentity::of)
        .collect()
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Field 22 of its stat, counted from after the name, which may itself hold spaces and parentheses.
fn start_time(pid: u32) -> Option<u64> {
    let stat = disk::read_limited(Path::new(&format!("/proc/{pid}/stat")), STAT_LIMIT).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_with_another_start_is_not() {
        let me = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(me.is_alive());
        let before = ProcessIdentity {
            started: me.started.wrapping_sub(1),
            ..me.clone()
        };
        assert!(!before.is_alive());
        let other_boot = ProcessIdentity {
            boot_id: "another".into(),
            ..me
        };
        assert!(!other_boot.is_alive());
    }
}
