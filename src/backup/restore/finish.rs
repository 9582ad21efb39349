//! Giving what was restored its owner, attributes, mode and time.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::backup::entry::Entry;
use crate::backup::{BackupError, Result};
use crate::disk::{self, DiskError, TreeFile};

/// Gives a folder what it had.
pub fn folder(folder: &Path, entry: &Entry) -> Result<()> {
    owner(folder, entry)?;
    for (name, value) in entry.attributes() {
        if_allowed(disk::set_attribute(folder, &name, &value))?;
    }
    disk::set_modified(folder, entry.modified())?;
    Ok(disk::set_mode(folder, entry.mode)?)
}

/// Gives a file what it had; its content is there, but for holes at its end and if it is empty.
pub fn file(file: &TreeFile, full: &Path, entry: &Entry) -> Result<()> {
    let (there, size) = (file.meta()?, entry.size());
    if there.len() > size {
        return Err(BackupError::damaged(full, "more was restored than it had"));
    }
    if there.len() < size {
        file.set_size(size)?;
    }
    give(full, entry, &there)?;
    for (name, value) in entry.attributes() {
        if_allowed(file.set_attribute(&name, &value))?;
    }
    // Also where it has these bits: a change of owner takes setuid and setgid away.
    file.set_mode(entry.mode)?;
    Ok(file.set_modified(entry.modified())?)
}

/// The owner it had; an ordinary user cannot give files away and keeps them.
pub fn owner(path: &Path, entry: &Entry) -> Result<()> {
    let there = std::fs::symlink_metadata(path).map_err(|e| BackupError::io("look at", path, e))?;
    give(path, entry, &there)
}

fn give(path: &Path, entry: &Entry, there: &Metadata) -> Result<()> {
    if (there.uid(), there.gid()) == (entry.user, entry.group) {
        return Ok(());
    }
    if_allowed(disk::set_owner(path, entry.user, entry.group))
}

fn if_allowed(done: std::result::Result<(), DiskError>) -> Result<()> {
    match done {
        Err(e) if !e.is_permission() && !e.is_unsupported() => Err(e.into()),
        _ => Ok(()),
    }
}
