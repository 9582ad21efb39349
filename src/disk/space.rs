//! How much room is left.

use std::io;
use std::path::Path;

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
