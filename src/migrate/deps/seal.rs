//! What was in an environment when it was made, to tell later whether it still is. What programs add while they run, such as
//! compiled bytecode, is no difference.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::{DepsError, Packages};
use crate::crypt::{Digest, DigestReader};
use crate::disk::{self, Entry, EntryKind};

/// A record lists every file of an environment.
const RECORD_LIMIT: u64 = 256 << 20;
/// So many files are named, the others counted.
const NAMED: usize = 5;

#[derive(Debug, Serialize, Deserialize)]
pub struct Seal {
    pub inputs: Digest,
    pub packages: Packages,
    files: BTreeMap<String, Sealed>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Sealed {
    File { size: u64, sha256: Digest },
    Link { target: String },
}

impl Seal {
    pub fn of(dir: &Path, inputs: Digest, packages: Packages) -> Result<Self, DepsError> {
        let mut files = BTreeMap::new();
        for entry in entries(dir)? {
            if let Some(sealed) = sealed(dir, &entry)? {
                files.insert(entry.path.to_string_lossy().into_owned(), sealed);
            }
        }
        Ok(Self {
            inputs,
            packages,
            files,
        })
    }

    pub fn write(&self, path: &Path) -> Result<(), DepsError> {
        let json = serde_json::to_vec(self).map_err(|e| unreadable(path, &e))?;
        Ok(disk::write_atomic(path, &json, 0o644)?)
    }

    /// None when there is no such record.
    pub fn read(path: &Path) -> Result<Option<Self>, DepsError> {
        match disk::read_limited(path, RECORD_LIMIT) {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|e| unreadable(path, &e)),
            Err(e) if e.is_missing() => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// By sizes alone.
    pub fn looks_whole(&self, dir: &Path) -> bool {
        self.files.iter().all(|(path, sealed)| {
            let Ok(meta) = dir.join(path).symlink_metadata() else {
                return false;
            };
            match sealed {
                Sealed::File { size, .. } => meta.is_file() && meta.len() == *size,
                Sealed::Link { .. } => meta.is_symlink(),
            }
        })
    }

    /// Reads every file: which are changed or missing.
    pub fn differences(&self, dir: &Path) -> Result<Vec<String>, DepsError> {
        let mut missing: BTreeMap<&str, &Sealed> = self.files.iter().map(|(path, file)| (&**path, file)).collect();
        let mut changed = Vec::new();
        for entry in entries(dir)? {
            let path = entry.path.to_string_lossy().into_owned();
            let Some(wanted) = missing.remove(&*path) else { continue };
            if sealed(dir, &entry)?.as_ref() != Some(wanted) {
                changed.push(path);
            }
        }
        let missing: Vec<String> = missing.into_keys().map(str::to_owned).collect();
        let told = [("changed", changed), ("missing", missing)].into_iter();
        Ok(told
            .filter(|(_, paths)| !paths.is_empty())
            .map(|(what, paths)| some_of(what, &paths))
            .collect())
    }
}

fn some_of(what: &str, paths: &[String]) -> String {
    let named = paths
        .iter()
        .take(NAMED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match paths.len().saturating_sub(NAMED) {
        0 => format!("{what}: {named}"),
        more => format!("{what}: {named} and {more} more"),
    }
}

fn entries(dir: &Path) -> Result<Vec<Entry>, DepsError> {
    let mut entries = disk::walk(dir)?;
    entries.retain(|entry| !is_bytecode(&entry.path));
    Ok(entries)
}

fn is_bytecode(path: &Path) -> bool {
    let cached = |part: Component<'_>| part.as_os_str() == "__pycache__";
    path.extension().is_some_and(|ending| ending == "pyc") || path.components().any(cached)
}

fn sealed(dir: &Path, entry: &Entry) -> Result<Option<Sealed>, DepsError> {
    match &entry.kind {
        EntryKind::Link(target) => Ok(Some(Sealed::Link {
            target: target.to_string_lossy().into_owned(),
        })),
        EntryKind::File => {
            let path = dir.join(&entry.path);
            let hash = || {
                let mut content = DigestReader::new(File::open(&path)?);
                io::copy(&mut content, &mut io::sink())?;
                let (_, size, sha256) = content.finish();
                Ok(Sealed::File { size, sha256 })
            };
            hash().map(Some).map_err(|e: io::Error| unreadable(&path, &e))
        }
        EntryKind::Folder | EntryKind::Special => Ok(None),
    }
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> DepsError {
    DepsError::Record {
        path: path.to_path_buf(),
        problem: error.to_string(),
    }
}
