//! Downloads that nobody needs any more: everything but parts that a later run may go on with, and those for a while only.

use std::path::Path;
use std::time::Duration;

use super::FetchError;
use super::error::unreadable;
use super::part::KEPT;
use crate::{clock, disk};

/// Empties the folder of downloads, but for parts that are worth continuing and younger than `keep_for`. Repeatable.
pub fn forget(downloads: &Path, keep_for: Duration) -> Result<(), FetchError> {
    let entries = match std::fs::read_dir(downloads) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(|e| unreadable(downloads, e))?,
    };
    let mut kept = false;
    for entry in entries {
        let path = entry.map_err(|e| unreadable(downloads, e))?.path();
        if is_worth_keeping(&path, keep_for) {
            kept = true;
        } else {
            disk::remove_tree(&path)?;
        }
    }
    if !kept {
        disk::remove_tree(downloads)?;
    }
    Ok(())
}

/// A part and its record go together: both are there, and the record was written lately. A time ahead of the clock is lately.
fn is_worth_keeping(path: &Path, keep_for: Duration) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let Some(file) = name.strip_suffix(KEPT).or_else(|| name.strip_suffix(disk::PART)) else {
        return false;
    };
    let beside = |ending: &str| path.with_file_name(format!("{file}{ending}"));
    let record = std::fs::symlink_metadata(beside(KEPT)).and_then(|meta| meta.modified());
    let is_young = !keep_for.is_zero() && record.is_ok_and(|time| clock::age_of(time).is_none_or(|age| age < keep_for));
    is_young && beside(disk::PART).is_file()
}
