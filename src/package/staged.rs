//! Release trees on disk against their manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{MANIFEST_LIMIT, PackageError, io_at, list};
use crate::crypt::DigestReader;
use crate::disk::{self, Entry, EntryKind};
use crate::named;
use crate::release::{FileKind, MANIFEST_NAME, ReleaseManifest};

/// A release tree whose every byte was checked against its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Staged {
    manifest: ReleaseManifest,
    dir: PathBuf,
}

impl Staged {
    pub fn manifest(&self) -> &ReleaseManifest {
        &self.manifest
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Checks an existing tree in full: changed and missing files are errors. What a product or its dependencies have put
    /// beside them while it ran is not: it must not bar the way back to it.
    pub fn check(dir: &Path) -> Result<Self, PackageError> {
        let manifest = manifest_of(dir)?;
        let report = compare(dir, &manifest)?;
        if !report.is_as_published() {
            let dir = dir.to_path_buf();
            return Err(PackageError::Damaged { dir, report });
        }
        Ok(Self::trusted(dir, manifest))
    }

    pub(super) fn trusted(dir: &Path, manifest: ReleaseManifest) -> Self {
        let dir = dir.to_path_buf();
        Self { manifest, dir }
    }
}

/// How a tree differs from its manifest; paths relative to the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeReport {
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    pub extra: Vec<String>,
}

impl TreeReport {
    pub fn is_clean(&self) -> bool {
        self.is_as_published() && self.extra.is_empty()
    }

    /// Every file that the publisher signed is there and what it was.
    pub fn is_as_published(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty()
    }
}

impl fmt::Display for TreeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            ("changed", &self.changed),
            ("missing", &self.missing),
            ("extra", &self.extra),
        ]
        .iter()
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(what, paths)| some_of(what, paths))
        .collect();
        f.write_str(if parts.is_empty() { "no difference" } else { "" })?;
        f.write_str(&parts.join("; "))
    }
}

/// The first few paths by name, the others by their number.
fn some_of(what: &str, paths: &[String]) -> String {
    let shown = paths.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(5) {
        0 => format!("{what}: {shown}"),
        more => format!("{what}: {shown} and {more} more"),
    }
}

/// Compares a release tree with the manifest in it, hashing every file.
pub fn verify_tree(dir: &Path) -> Result<TreeReport, PackageError> {
    compare(dir, &manifest_of(dir)?)
}

/// The manifest of a release tree.
pub fn manifest_of(dir: &Path) -> Result<ReleaseManifest, PackageError> {
    let path = dir.join(MANIFEST_NAME);
    let json = disk::read_limited(&path, MANIFEST_LIMIT)?;
    let fail = |problem: String| PackageError::Manifest {
        path: path.clone(),
        problem,
    };
    let manifest: ReleaseManifest = named::from_json(&json).map_err(|e| fail(e.to_string()))?;
    list::check(&manifest.files).map_err(|f| fail(format!("`{}`: {}", f.path, f.problem)))?;
    Ok(manifest)
}

/// Whether every listed file is there with its size; a quick look that hashes nothing.
pub fn looks_whole(dir: &Path, manifest: &ReleaseManifest) -> bool {
    manifest.files.iter().all(|entry| {
        let Ok(meta) = entry.path.under(dir).symlink_metadata() else {
            return false;
        };
        match entry.kind {
            FileKind::File { size, .. } => meta.is_file() && meta.len() == size,
            FileKind::Link { .. } => meta.is_symlink(),
        }
    })
}

fn compare(dir: &Path, manifest: &ReleaseManifest) -> Result<TreeReport, PackageError> {
    let mut report = TreeReport::default();
    let mut listed: BTreeMap<&Path, &FileKind> = manifest
        .files
        .iter()
        .map(|entry| (entry.path.as_ref(), &entry.kind))
        .collect();
    let folders: BTreeSet<&Path> = listed.keys().flat_map(|path| path.ancestors().skip(1)).collect();
    for found in disk::walk(dir)? {
        let shown = found.path.display().to_string();
        match listed.remove(found.path.as_path()) {
            Some(kind) => {
                if !is_as_listed(dir, &found, kind)? {
                    report.changed.push(shown);
                }
            }
            None if found.path == Path::new(MANIFEST_NAME) => {}
            None if found.kind == EntryKind::Folder && folders.contains(found.path.as_path()) => {}
            None => report.extra.push(shown),
        }
    }
    report.missing = listed.keys().map(|path| path.display().to_string()).collect();
    Ok(report)
}

fn is_as_listed(dir: &Path, found: &Entry, listed: &FileKind) -> Result<bool, PackageError> {
    match (listed, &found.kind) {
        (FileKind::Link { target }, EntryKind::Link(points_to)) => Ok(Path::new(target) == points_to),
        (FileKind::File { mode, size, sha256 }, EntryKind::File) => {
            if found.mode != *mode || found.size != *size {
                return Ok(false);
            }
            let path = dir.join(&found.path);
            let mut content = DigestReader::new(io_at("open", &path, File::open(&path))?);
            io_at("read", &path, io::copy(&mut content, &mut io::sink()))?;
            Ok(content.finish().2 == *sha256)
        }
        _ => Ok(false),
    }
}
