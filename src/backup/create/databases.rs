//! Which files are live SQLite databases: those that the product names, wherever links lead to them, and any other that has a log
//! beside it.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::walk::Found;
use crate::backup::Request;
use crate::release::RelPath;

/// What lies beside a database while it is used; all of it is in the copy at one moment.
pub const SIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

pub struct Databases {
    /// Below the root.
    named: BTreeSet<PathBuf>,
    /// Side files of those that were copied.
    beside: HashSet<PathBuf>,
    /// Named ones that a link leads to, out of the trees.
    pub outside: Vec<RelPath>,
}

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// Copied at one moment, or there is no backup.
    Named,
    /// Copied at one moment if SQLite can open it.
    Found,
    No,
}

impl Databases {
    pub fn of(request: &Request) -> Self {
        let mut databases = Self {
            named: BTreeSet::new(),
            beside: HashSet::new(),
            outside: Vec::new(),
        };
        for path in &request.databases {
            databases.name(request, path);
        }
        databases
    }

    fn name(&mut self, request: &Request, path: &RelPath) {
        let plain = PathBuf::from(path.as_str());
        let full = path.under(&request.root);
        let Ok(real) = full.canonicalize() else {
            self.with_side_files(plain);
            return;
        };
        // Below a tree that is a link itself the walk finds it under its own name.
        let found = request.trees.iter().find_map(|tree| {
            let below = real.strip_prefix(tree.under(&request.root).canonicalize().ok()?).ok()?;
            Some(Path::new(tree.as_str()).join(below))
        });
        match found {
            Some(found) => self.with_side_files(found),
            None => self.outside.push(path.clone()),
        }
    }

    fn with_side_files(&mut self, database: PathBuf) {
        self.copied(&database);
        self.named.insert(database);
    }

    /// From now on what lies beside it is left out.
    pub fn copied(&mut self, database: &Path) {
        self.beside.extend(SIDE.map(|ending| with(database, ending)));
    }

    pub fn is_beside(&self, path: &Path) -> bool {
        self.beside.contains(path)
    }

    pub fn live(&self, found: &Found, full: &Path) -> Live {
        if self.named.contains(&found.path) {
            return Live::Named;
        }
        match found.has_log && is_sqlite(full) {
            true => Live::Found,
            false => Live::No,
        }
    }
}

pub fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn is_sqlite(path: &Path) -> bool {
    let mut head = [0; 16];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == *b"SQLite format 3\0"
}
