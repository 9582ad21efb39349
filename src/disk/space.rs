//! How much room is left.

use std::path::Path;
use std::{fs, io};

use super::{Result, at};

/// Bytes that this user may still write on the file system of `path`.
pub fn free_space(path: &Path) -> Result<u64> {
    let stat = at(
        "look at the free space of",
        path,
        rustix::fs::statvfs(path).map_err(io::Error::from),
    )?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Takes `bytes` of room with a file that holds nothing. Not durable: what a crash takes of it is taken again.
pub fn reserve(path: &Path, bytes: u64) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let open = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    let file = at("create", path, open)?;
    let taken = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes);
    at("take room with", path, taken.map_err(std::io::Error::from))
}
