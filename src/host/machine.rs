//! Facts about the machine that the journal and the lock record.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

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

/// Where file systems are mounted, folders bound elsewhere included.
pub fn mount_points() -> std::io::Result<Vec<PathBuf>> {
    let text = disk::read_limited(Path::new("/proc/self/mountinfo"), 64 << 20).map_err(|e| e.source)?;
    let fifth = |line: &[u8]| Some(unescaped(line.split(|byte| *byte == b' ').nth(4)?));
    Ok(text.split(|byte| *byte == b'\n').filter_map(fifth).collect())
}

/// Blanks and the like are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|three| std::str::from_utf8(three).ok());
        let escaped = digits.and_then(|three| u8::from_str_radix(three, 8).ok());
        match escaped {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

/// As many files as this process may have open at most, not as many as it may at first; how many that is, where there is a limit.
pub fn allow_many_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
    // Where that is not allowed it stays with fewer.
    if raised.is_ok() { maximum } else { current }
}

/// Connections that a door may have at once: so many eighths of the files that this process may have open, so that others and updates
/// have theirs; where there is no limit, `most`.
pub fn connections(eighths: u64, most: usize) -> usize {
    let files = allow_many_files().map(|files| usize::try_from(files / 8 * eighths).unwrap_or(most));
    files.map_or(most, |files| files.clamp(1, most))
}

/// Threads that can really run at once, as far as that makes work faster.
pub fn cores() -> usize {
    std::thread::available_parallelism()
        .map_or(1, std::num::NonZeroUsize::get)
        .min(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_paths_of_any_bytes() {
        assert!(mount_points().unwrap().contains(&PathBuf::from("/")));
        let odd = OsString::from_vec(b"/a b\\\xff".to_vec());
        assert_eq!(unescaped(b"/a\\040b\\134\xff"), PathBuf::from(odd));
        assert_eq!(unescaped(b"/a\\9b"), PathBuf::from("/a\\9b"));
    }
}
