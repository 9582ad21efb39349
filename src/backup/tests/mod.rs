//! What a backup promises, tried on real files.
#![allow(clippy::disallowed_methods)]

mod again;
mod faults;
mod hostile;
mod live;
mod repairing;
mod rotating;
mod whole;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::keys::Keyring;
use super::*;
use crate::crypt::digest_of;
use crate::disk;

struct Place {
    dir: TempDir,
    repository: Repository,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("root/data/deep/er")).unwrap();
        fs::create_dir_all(dir.path().join("root/config")).unwrap();
        let home = dir.path().join("backups/own");
        Repository::make(&home).unwrap();
        let repository = Repository::open(&home, Keyring::generate()).unwrap();
        Self { dir, repository }
    }

    fn filled() -> Self {
        let place = Self::new();
        place.write("data/a", b"first");
        place.write("data/deep/er/b", &[7; 5000]);
        place.write("config/app.toml", b"x = 1\n");
        symlink("../a", place.root().join("data/deep/link")).unwrap();
        place
    }

    /// As every slot that is wrapped again then opens it.
    fn open_with(&mut self, ring: Keyring) {
        self.repository = Repository::open(self.repository.dir(), ring).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn write(&self, path: &str, content: &[u8]) {
        fs::write(self.root().join(path), content).unwrap();
    }

    fn request(&self, kind: Kind) -> Request {
        let paths = |all: &[&str]| all.iter().map(|path| path.parse().unwrap()).collect();
        Request {
            root: self.root(),
            trees: paths(&["data", "config", "not-there"]),
            databases: paths(&["data/app.db"]),
            servers: Vec::new(),
            scratch: self.dir.path().join("scratch"),
            kind,
            version: Some("0b1".parse().unwrap()),
            by: "a test".into(),
            created: "2026-01-31T12:00:00Z".parse().unwrap(),
            backups: self.dir.path().join("backups"),
            full: false,
        }
    }

    fn create(&self, kind: Kind) -> Result<Record> {
        create(&self.repository, &self.request(kind), &mut |_, _| {})
    }

    /// As if the files had last changed long before it began: what has not changed need not be read.
    fn create_later(&self) -> Record {
        let request = Request {
            created: "2100-01-01T00:00:00Z".parse().unwrap(),
            ..self.request(Kind::Manual)
        };
        create(&self.repository, &request, &mut |_, _| {}).unwrap()
    }

    fn restore(&self, id: &BackupId, selection: &Selection) -> Result<Restored> {
        restore(&self.repository, id, selection, &self.root(), Dumps::AsFiles)
    }

    fn verified(&self) -> Verified {
        verify_all(&self.repository, Percent::ALL).unwrap()
    }

    /// Every file of the repository but its lock.
    fn files(&self) -> Vec<PathBuf> {
        let entries = disk::walk(self.repository.dir()).unwrap();
        let files = entries.iter().filter(|entry| entry.kind == disk::EntryKind::File);
        let paths = files.map(|entry| self.repository.dir().join(&entry.path));
        paths.filter(|path| !path.ends_with("lock")).collect()
    }

    fn files_below(&self, folder: &str) -> Vec<PathBuf> {
        let folder = self.repository.dir().join(folder);
        self.files()
            .into_iter()
            .filter(|path| path.starts_with(&folder))
            .collect()
    }
}

fn only(paths: &[&str]) -> Selection {
    Selection::Only(paths.iter().map(|path| path.parse().unwrap()).collect())
}

/// Bytes that do not compress and differ by seed.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_be_bytes());
    let mut bytes = vec![0; length];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// Path, mode, time and content of everything.
fn picture(root: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, String)> {
    let entries = disk::walk(root).unwrap().into_iter();
    let shown = entries.map(|entry| {
        let full = root.join(&entry.path);
        let meta = fs::symlink_metadata(&full).unwrap();
        let content = match &entry.kind {
            disk::EntryKind::File => fs::read(&full).unwrap(),
            disk::EntryKind::Link(target) => target.as_os_str().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let time = (meta.mtime(), meta.mtime_nsec());
        (
            entry.path,
            (meta.mode(), time.0, time.1, digest_of(&content).to_string()),
        )
    });
    shown.collect()
}
