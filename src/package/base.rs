//! The files of a release tree on this disk, by their contents.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{MANIFEST_LIMIT, PackageError, io_at, list};
use crate::crypt::{Digest, digest_of};
use crate::disk;
use crate::named;
use crate::release::{FileEntry, FileKind, MANIFEST_NAME, ReleaseManifest};

/// A tree with its list; the contents are as listed only once somebody has looked.
pub(super) struct Base {
    dir: PathBuf,
    /// The manifest as it is written.
    json: Vec<u8>,
    files: Vec<FileEntry>,
    by_digest: HashMap<Digest, usize>,
}

impl Base {
    pub fn open(dir: &Path) -> Result<Self, PackageError> {
        let path = dir.join(MANIFEST_NAME);
        let json = disk::read_limited(&path, MANIFEST_LIMIT)?;
        let fail = |problem: String| PackageError::Manifest {
            path: path.clone(),
            problem,
        };
        let manifest: ReleaseManifest = named::from_json(&json).map_err(|e| fail(e.to_string()))?;
        list::check(&manifest.files).map_err(|f| fail(format!("`{}`: {}", f.path, f.problem)))?;
        let mut by_digest = HashMap::new();
        for (at, entry) in manifest.files.iter().enumerate() {
            if let FileKind::File { sha256, .. } = entry.kind {
                by_digest.entry(sha256).or_insert(at);
            }
        }
        Ok(Self {
            dir: dir.to_path_buf(),
            json,
            files: manifest.files,
            by_digest,
        })
    }

    pub fn manifest_digest(&self) -> Digest {
        digest_of(&self.json)
    }

    pub fn manifest_size(&self) -> u64 {
        self.json.len() as u64
    }

    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Where a file with this content lies, preferably `entry` itself.
    pub fn same_as(&self, entry: &FileEntry) -> Option<&FileEntry> {
        let FileKind::File { sha256, .. } = entry.kind else {
            return None;
        };
        let first = *self.by_digest.get(&sha256)?;
        let own = self.place_of(entry).filter(|at| is_content(&self.files[*at], sha256));
        self.files.get(own.unwrap_or(first))
    }

    /// The place of the file that has the path of `entry`.
    pub fn place_of(&self, entry: &FileEntry) -> Option<usize> {
        let at = self.files.binary_search_by(|old| old.path.cmp(&entry.path)).ok()?;
        matches!(self.files[at].kind, FileKind::File { .. }).then_some(at)
    }

    pub fn path_of(&self, entry: &FileEntry) -> PathBuf {
        entry.path.under(&self.dir)
    }

    /// Opens a file of the tree; where it is a link now nothing is opened.
    pub fn open_file(&self, entry: &FileEntry) -> Result<File, PackageError> {
        open_plain(&self.path_of(entry))
    }

    pub fn open_manifest(&self) -> Result<File, PackageError> {
        open_plain(&self.dir.join(MANIFEST_NAME))
    }
}

/// A file that has become a link or something else is not opened, nor waited for.
pub(super) fn open_plain(path: &Path) -> Result<File, PackageError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(Errno::LOOP) => {
            let problem = format!("{} is not a file any more", path.display());
            Err(PackageError::PatchBase { problem })
        }
        Err(e) => io_at("open", path, Err(e.into())),
    }
}

fn is_content(entry: &FileEntry, wanted: Digest) -> bool {
    matches!(entry.kind, FileKind::File { sha256, .. } if sha256 == wanted)
}
