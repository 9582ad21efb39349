//! Facts about the machine that the journal and the lock record.

use std::path::Path;

use crate::disk;

/// Changes at every boot; tells a process id of today from one before a restart.
pub fn boot_id() -> String {
    disk::read_text_limited(Path::new("/proc/sys/kernel/random/boot_id"), 64)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether a process of this id exists now.
pub fn process_is_alive(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

/// The effective user's number.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The effective group's number.
pub fn group_id() -> u32 {
    rustix::process::getegid().as_raw()
}

/// Threads that can really run at once, as far as that makes work faster.
pub fn cores() -> usize {
    std::thread::available_parallelism()
        .map_or(1, std::num::NonZeroUsize::get)
        .min(8)
}
