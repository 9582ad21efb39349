//! What there is to back up, in the order of paths, one by one: never a list of all.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::databases;
use crate::backup::{BackupError, Request, Result};
use crate::release::RelPath;

/// A file, folder, link or special file that is there now.
pub struct Found {
    /// Relative to the root.
    pub path: PathBuf,
    pub meta: Metadata,
    /// Beside it lies what is named as the log of a SQLite database of this name.
    pub has_log: bool,
}

/// Walks the trees of a request, leaving out backups and scratch.
pub struct Walk<'a> {
    request: &'a Request,
    trees: std::vec::IntoIter<RelPath>,
    /// The folders that the walk is in, each with the names that are left, last first.
    above: Vec<(PathBuf, Vec<OsString>)>,
    /// Device and inode of folders.
    not_ours: Vec<(u64, u64)>,
}

impl<'a> Walk<'a> {
    /// `trees` as [`present`] gave them; nothing below `not_ours` is found.
    pub fn new(request: &'a Request, trees: Vec<RelPath>, not_ours: &[&Path]) -> Self {
        Self {
            request,
            trees: trees.into_iter(),
            above: Vec::new(),
            not_ours: not_ours
                .iter()
                .filter_map(|path| std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino())))
                .collect(),
        }
    }

    fn step(&mut self) -> Result<Option<Found>> {
        loop {
            let Some((folder, names)) = self.above.last_mut() else {
                let Some(tree) = self.trees.next() else { return Ok(None) };
                let full = tree.under(&self.request.root);
                // The top of a tree may be a link to where it really lies.
                let looked = std::fs::metadata(&full);
                if let Some(found) = self.found(PathBuf::from(tree.as_str()), looked, false)? {
                    return Ok(Some(found));
                }
                continue;
            };
            let Some(name) = names.pop() else {
                self.above.pop();
                continue;
            };
            let has_log = ["-wal", "-journal"].iter().any(|ending| {
                let log = databases::with(Path::new(&name), ending);
                names.binary_search_by(|one| log.as_os_str().cmp(one)).is_ok()
            });
            let path = folder.join(name);
            let looked = std::fs::symlink_metadata(self.request.root.join(&path));
            if let Some(found) = self.found(path, looked, has_log)? {
                return Ok(Some(found));
            }
        }
    }

    /// None when it vanished meanwhile or is not to be backed up.
    fn found(&mut self, path: PathBuf, looked: std::io::Result<Metadata>, has_log: bool) -> Result<Option<Found>> {
        let full = self.request.root.join(&path);
        let Some(meta) = unless_missing(looked).map_err(|e| BackupError::io("look at", &full, e))? else {
            return Ok(None);
        };
        if meta.is_dir() {
            if self.not_ours.contains(&(meta.dev(), meta.ino())) {
                return Ok(None);
            }
            self.above.push((path.clone(), names(&full)?));
        }
        Ok(Some(Found { path, meta, has_log }))
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// The trees of the request that are there, none within another, in the order of paths.
pub fn present(request: &Request) -> Result<Vec<RelPath>> {
    let mut trees = request.trees.clone();
    trees.sort_by(|a, b| Path::new(a.as_str()).cmp(Path::new(b.as_str())));
    trees.dedup();
    let mut there: Vec<RelPath> = Vec::new();
    for tree in trees {
        let nested = there
            .iter()
            .any(|above| Path::new(tree.as_str()).starts_with(above.as_str()));
        let full = tree.under(&request.root);
        let looked = unless_missing(std::fs::metadata(&full)).map_err(|e| BackupError::io("look at", &full, e))?;
        if !nested && looked.is_some() {
            there.push(tree);
        }
    }
    Ok(there)
}

/// The names in a folder, last first; none when it vanished.
fn names(folder: &Path) -> Result<Vec<OsString>> {
    let failed = |e| BackupError::io("list", folder, e);
    let Some(entries) = unless_missing(std::fs::read_dir(folder)).map_err(failed)? else {
        return Ok(Vec::new());
    };
    let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

pub fn unless_missing<T>(result: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match result {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
