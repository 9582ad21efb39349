//! Files that a release on this disk has already: shared with it where that is possible, else copied. What was taken counts only
//! once it was read where it lies now.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::base::{Base, open_plain};
use super::{PackageError, io_at};
use crate::crypt::{Digest, Hasher};
use crate::disk::TreeWriter;
use crate::release::{FileEntry, FileKind};

/// Bytes read at a time.
const CHUNK: usize = 128 << 10;

/// How a tree is written.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// A release on this disk whose files are taken over where they are the same.
    pub like: Option<&'a Path>,
    /// Where blocks cannot be shared, files are. Whoever then writes into one of them writes into both releases.
    pub hard_links: bool,
    /// The tree outlives a power cut.
    pub durable: bool,
}

impl Default for Manner<'_> {
    fn default() -> Self {
        Self {
            like: None,
            hard_links: false,
            durable: true,
        }
    }
}

/// Takes files of an old tree over into a new one.
pub(super) struct Taking<'a> {
    base: &'a Base,
    tree: TreeWriter,
    dest: &'a Path,
    buffer: Vec<u8>,
    reflinks: bool,
    hard_links: bool,
}

/// What to take, and with which permission bits and size.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub entry: &'a FileEntry,
    pub mode: u32,
    pub size: u64,
}

impl<'a> Taking<'a> {
    pub fn new(base: &'a Base, tree: TreeWriter, dest: &'a Path, hard_links: bool) -> Self {
        Self {
            base,
            tree,
            dest,
            buffer: vec![0; CHUNK],
            reflinks: true,
            hard_links,
        }
    }

    /// Whether it is worth asking to share anything more.
    pub fn can_share(&self) -> bool {
        self.reflinks || self.hard_links
    }

    /// The digest of the new file, made of the old file `same`; none when its size is another.
    pub fn take(&mut self, wanted: Wanted<'_>, same: &FileEntry) -> Result<Option<Digest>, PackageError> {
        if self.share(wanted, same)? {
            return self.digest(wanted);
        }
        self.copy(wanted, same)
    }

    /// As [`Self::take`], but without a copy: the outer none, with nothing made, where the file cannot be shared.
    pub fn take_shared(
        &mut self,
        wanted: Wanted<'_>,
        same: &FileEntry,
    ) -> Result<Option<Option<Digest>>, PackageError> {
        if self.share(wanted, same)? {
            return self.digest(wanted).map(Some);
        }
        Ok(None)
    }

    /// Takes back what was taken and is not what it should be.
    pub fn drop_again(&self, wanted: Wanted<'_>) -> Result<(), PackageError> {
        Ok(self.tree.remove(wanted.entry.path.as_ref())?)
    }

    fn share(&mut self, wanted: Wanted<'_>, same: &FileEntry) -> Result<bool, PackageError> {
        let path: &Path = wanted.entry.path.as_ref();
        // There is nothing in an empty file to be shared.
        if wanted.size == 0 {
            return Ok(false);
        }
        if self.reflinks {
            let source = self.base.open_file(same)?;
            if self.tree.file(path, wanted.mode)?.share(&source)? {
                return Ok(true);
            }
            // Where one file cannot share, no other can.
            self.reflinks = false;
            self.tree.remove(path)?;
        }
        if !self.hard_links {
            return Ok(false);
        }
        if !self.tree.hard_link(path, &self.base.path_of(same))? {
            self.hard_links = false;
            return Ok(false);
        }
        let full = wanted.entry.path.under(self.dest);
        let meta = io_at("look at", &full, full.symlink_metadata())?;
        if meta.is_file() && meta.permissions().mode() & 0o7777 == wanted.mode {
            return Ok(true);
        }
        self.tree.remove(path)?;
        Ok(false)
    }

    fn digest(&mut self, wanted: Wanted<'_>) -> Result<Option<Digest>, PackageError> {
        let path = wanted.entry.path.under(self.dest);
        self.read(open_plain(&path)?, &path, wanted.size, &mut |_| Ok(()))
    }

    fn copy(&mut self, wanted: Wanted<'_>, same: &FileEntry) -> Result<Option<Digest>, PackageError> {
        let source = self.base.open_file(same)?;
        let mut out = self.tree.file(wanted.entry.path.as_ref(), wanted.mode)?;
        let path = wanted.entry.path.under(self.dest);
        self.read(source, &path, wanted.size, &mut |bytes| {
            io_at("write", &path, out.write_all(bytes))
        })
    }

    fn read(
        &mut self,
        mut file: File,
        path: &Path,
        size: u64,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), PackageError>,
    ) -> Result<Option<Digest>, PackageError> {
        let mut hasher = Hasher::default();
        let mut left = size;
        loop {
            let count = io_at("read", path, file.read(&mut self.buffer))?;
            if count == 0 {
                return Ok((left == 0).then(|| hasher.finish()));
            }
            let Some(rest) = left.checked_sub(count as u64) else {
                return Ok(None);
            };
            left = rest;
            hasher.update(&self.buffer[..count]);
            sink(&self.buffer[..count])?;
        }
    }
}

/// A file to be taken over, and the old one that it is the same as.
pub(super) type Same<'a> = (Wanted<'a>, &'a FileEntry);

/// Fewer bytes than these are not worth a thread.
const WORTH_THREADS: u64 = 32 << 20;
const MOST_THREADS: usize = 4;

/// Takes all `files` over, copying what cannot be shared, and does `meanwhile` what else there is to do; much of it goes on at
/// once. `took` hears the bytes of each file.
pub(super) fn take_all(
    taking: Taking<'_>,
    files: &[Same<'_>],
    meanwhile: impl FnOnce(&mut dyn FnMut(u64)) -> Result<(), PackageError>,
    took: &mut dyn FnMut(u64),
) -> Result<(), PackageError> {
    if files.iter().map(|(wanted, _)| wanted.size).sum::<u64>() < WORTH_THREADS {
        meanwhile(took)?;
        let mut taking = taking;
        return files.iter().try_for_each(|file| {
            took(taking.one(*file)?);
            Ok(())
        });
    }
    let threads = thread::available_parallelism().map_or(1, |all| all.get().min(MOST_THREADS));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (tell, told) = mpsc::channel();
        for _ in 0..threads {
            let (mut taking, tell, next) = (taking.beside(), tell.clone(), &next);
            scope.spawn(move || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let taken = taking.one(*file);
                    // Nobody goes on after a failure.
                    if taken.is_err() {
                        next.store(files.len(), Ordering::Relaxed);
                    }
                    if tell.send(taken).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        let done = meanwhile(took);
        if done.is_err() {
            next.store(files.len(), Ordering::Relaxed);
        }
        let taken = told.iter().try_for_each(|size| {
            took(size?);
            Ok(())
        });
        done.and(taken)
    })
}

impl Taking<'_> {
    fn beside(&self) -> Self {
        Self::new(self.base, self.tree.beside(), self.dest, self.hard_links)
    }

    fn one(&mut self, (wanted, same): Same<'_>) -> Result<u64, PackageError> {
        let found = self.take(wanted, same)?;
        match wanted.entry.kind {
            FileKind::File { sha256, .. } if found == Some(sha256) => Ok(wanted.size),
            _ => Err(PackageError::PatchBase {
                problem: format!("`{}` is not what it was when it was installed", same.path),
            }),
        }
    }
}
