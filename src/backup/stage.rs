//! Unpacking what is wanted of a backup into a folder where nobody looks yet.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::contents::{Entry, What};
use super::format::Opened;
use super::restore::Wanted;
use super::{BackupError, Result, read};
use crate::disk::{self, TreeWriter};

const CHUNK: usize = 128 << 10;

#[derive(Default)]
pub struct Staged {
    /// Files and links.
    pub files: u64,
    pub bytes: u64,
}

/// Fills a fresh `new`. Not durable yet.
pub fn unpack(opened: &Opened, wanted: &Wanted, new: &Path) -> Result<Staged> {
    let tree = TreeWriter::fresh(new)?;
    let mut staged = Staged::default();
    let mut folders: Vec<(PathBuf, Entry)> = Vec::new();
    read::each_entry(opened, &mut |entry, content| {
        let path = entry.path.path();
        if !wanted.has(&path) {
            return Ok(());
        }
        let full = new.join(&path);
        match &entry.what {
            What::Folder => {
                disk::make_folders(&full)?;
                folders.push((full, entry.clone()));
                return Ok(());
            }
            What::Link { target } => {
                tree.link(&path, &target.path())?;
                give(&full, entry)?;
            }
            What::File { .. } => {
                let mut file = tree.file(&path, 0o600)?;
                staged.bytes += copy(content, &mut file, &opened.path, &full)?;
                give(&full, entry)?;
                file.set_mode(entry.mode)?;
                file.set_modified(entry.modified())?;
            }
        }
        staged.files += 1;
        Ok(())
    })?;
    // Innermost first: filling a folder changes its time, and a read-only one cannot be filled.
    for (folder, entry) in folders.iter().rev() {
        finish_folder(folder, entry)?;
    }
    Ok(staged)
}

/// Gives a folder its owner, mode and time.
pub fn finish_folder(folder: &Path, entry: &Entry) -> Result<()> {
    give(folder, entry)?;
    disk::set_modified(folder, entry.modified())?;
    Ok(disk::set_mode(folder, entry.mode)?)
}

/// The owner it had; an ordinary user cannot give files away and keeps them.
fn give(path: &Path, entry: &Entry) -> Result<()> {
    let meta = std::fs::symlink_metadata(path).map_err(|e| BackupError::io("look at", path, e))?;
    if (meta.uid(), meta.gid()) == (entry.user, entry.group) {
        return Ok(());
    }
    match disk::set_owner(path, entry.user, entry.group) {
        Err(e) if !e.is_permission() => Err(e.into()),
        _ => Ok(()),
    }
}

/// Tells a backup that cannot be read from a file that cannot be written.
fn copy(from: &mut dyn Read, to: &mut dyn Write, backup: &Path, path: &Path) -> Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let mut count = 0;
    loop {
        let n = from.read(&mut buffer).map_err(|e| BackupError::reading(backup, e))?;
        if n == 0 {
            return Ok(count);
        }
        to.write_all(&buffer[..n])
            .map_err(|e| BackupError::io("write", path, e))?;
        count += n as u64;
    }
}
