//! A tree that is filled from an archive of others. Files come first and links last, so that nothing is ever written through a link.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::super::{PackageError, SOURCE_NAME, io_at, list};
use super::{ForeignOptions, UnpackedForeign, refused, unreadable};
use crate::component::COMPONENT_NAME;
use crate::crypt::Hasher;
use crate::disk::{DiskError, TreeWriter};
use crate::release::{FileEntry, FileKind, RelPath};

const CHUNK: usize = 64 << 10;
/// Folders above a file.
const DEPTH: usize = 64;
/// What a publisher writes by hand or this program does: an archive must not bring its own.
const RESERVED: [&str; 2] = [SOURCE_NAME, COMPONENT_NAME];

pub(super) struct Filling<'a> {
    tree: TreeWriter,
    work: PathBuf,
    options: &'a ForeignOptions<'a>,
    files: Vec<FileEntry>,
    names: HashSet<String>,
    entries: usize,
    /// Bytes that may still come.
    left: u64,
}

impl<'a> Filling<'a> {
    pub fn new(work: &Path, options: &'a ForeignOptions<'a>) -> Result<Self, PackageError> {
        Ok(Self {
            tree: TreeWriter::fresh(work)?,
            work: work.to_path_buf(),
            options,
            files: Vec::new(),
            names: HashSet::new(),
            entries: 0,
            left: options.limits.unpacked,
        })
    }

    /// Counts something that the archive has, folders too.
    pub fn count(&mut self) -> Result<(), PackageError> {
        self.entries += 1;
        let limit = self.options.limits.files;
        if self.entries > limit {
            return Err(refused(format!("it has more than {limit} entries (`max_files`)")));
        }
        Ok(())
    }

    /// Writes a file. Of the mode only whether it is executable counts.
    pub fn file(&mut self, name: &str, mode: Option<u32>, content: &mut dyn Read) -> Result<(), PackageError> {
        let path = self.path(name)?;
        let is_program = || Path::new(path.as_str()).file_name() == Some(self.options.program.as_ref());
        let mode = match mode {
            Some(mode) if mode & 0o7000 != 0 => {
                return Err(refused(format!("`{path}` has a setuid, setgid or sticky bit")));
            }
            Some(mode) if mode & 0o111 != 0 => 0o755,
            None if is_program() => 0o755,
            _ => 0o644,
        };
        let mut out = self.tree.file(path.as_ref(), mode).map_err(|e| of_place(&path, e))?;
        let mut hasher = Hasher::default();
        let mut chunk = vec![0; CHUNK];
        let mut size = 0;
        loop {
            let n = match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(unreadable(e)),
            };
            let too_much = || refused("it unpacks to more than may come of it (`max_unpacked_mib`)");
            self.left = self.left.checked_sub(n as u64).ok_or_else(too_much)?;
            hasher.update(&chunk[..n]);
            io_at("write", &path.under(&self.work), out.write_all(&chunk[..n]))?;
            size += n as u64;
        }
        let sha256 = hasher.finish();
        let kind = FileKind::File { mode, size, sha256 };
        self.files.push(FileEntry { path, kind });
        Ok(())
    }

    /// Notes a link; it is made when everything else is there.
    pub fn link(&mut self, name: &str, target: &str) -> Result<(), PackageError> {
        let path = self.path(name)?;
        let target = target.to_owned();
        self.files.push(FileEntry {
            path,
            kind: FileKind::Link { target },
        });
        Ok(())
    }

    /// A folder needs no entry in a list, but its name must be a possible one.
    pub fn folder(&mut self, name: &str) -> Result<(), PackageError> {
        match plain(name) {
            "" | "." => Ok(()),
            name => checked(name).map(drop),
        }
    }

    fn path(&mut self, name: &str) -> Result<RelPath, PackageError> {
        let path = checked(plain(name))?;
        if !self.names.insert(path.to_string()) {
            return Err(refused(format!("it has `{path}` twice")));
        }
        Ok(path)
    }

    /// Makes the links, when the whole list is one that a package may have.
    pub fn finish(mut self, strip: bool) -> Result<UnpackedForeign, PackageError> {
        if self.files.is_empty() {
            return Err(refused("it has no files"));
        }
        let top = if strip { single_top(&self.files) } else { None };
        let links: Vec<(RelPath, String)> = self.files.iter().filter_map(link_of).collect();
        if let Some(top) = &top {
            for entry in &mut self.files {
                entry.path = checked(&entry.path.as_str()[top.len() + 1..])?;
            }
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        list::check(&self.files).map_err(|fault| refused(format!("`{}`: {}", fault.path, fault.problem)))?;
        let taken = |entry: &&FileEntry| {
            RESERVED
                .iter()
                .any(|name| entry.path.as_str().eq_ignore_ascii_case(name))
        };
        if let Some(entry) = self.files.iter().find(taken) {
            return Err(refused(format!(
                "it brings `{}`, which is written by the publisher alone",
                entry.path
            )));
        }
        for (path, target) in links {
            self.tree
                .link(path.as_ref(), Path::new(&target))
                .map_err(|e| of_place(&path, e))?;
        }
        Ok(UnpackedForeign {
            tree: top.map_or(self.work.clone(), |top| self.work.join(top)),
            files: self.files,
        })
    }
}

fn link_of(entry: &FileEntry) -> Option<(RelPath, String)> {
    match &entry.kind {
        FileKind::Link { target } => Some((entry.path.clone(), target.clone())),
        FileKind::File { .. } => None,
    }
}

/// The folder that everything lies in.
fn single_top(files: &[FileEntry]) -> Option<String> {
    let (top, _) = files.first()?.path.as_str().split_once('/')?;
    let is_in = |entry: &FileEntry| {
        let rest = entry.path.as_str().strip_prefix(top);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    files.iter().all(is_in).then(|| top.to_owned())
}

/// Without what many archives put around names.
fn plain(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    name.strip_suffix('/').unwrap_or(name)
}

fn checked(name: &str) -> Result<RelPath, PackageError> {
    let path: RelPath = name
        .parse()
        .map_err(|_| refused(format!("{name:?} is not a path inside a tree")))?;
    if path.as_str().matches('/').count() > DEPTH {
        return Err(refused(format!("{name:?} lies more than {DEPTH} folders deep")));
    }
    Ok(path)
}

/// What the file system says when names contradict each other.
fn of_place(path: &RelPath, error: DiskError) -> PackageError {
    match error.source.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
            refused(format!("`{path}` is both a file and a folder"))
        }
        io::ErrorKind::InvalidFilename => refused(format!("a name in `{path}` is too long")),
        _ => error.into(),
    }
}
