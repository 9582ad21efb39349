//! What is restored, found in the list of entries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::backup::entry::{Entry, What};
use crate::backup::listing::ListReader;
use crate::backup::{BackupError, Record, Result};
use crate::release::RelPath;

const BLOCK: u64 = 4096;

pub struct Wanted {
    /// The files and folders that are swapped in, each as one.
    pub units: BTreeMap<PathBuf, Entry>,
    /// Folders above units, made if they are missing.
    pub above: BTreeMap<PathBuf, Entry>,
    /// Bytes on disk, roughly.
    pub room: u64,
}

impl Wanted {
    pub fn find(record: &Record, list: ListReader<'_>, paths: &[RelPath]) -> Result<Self> {
        let mut wanted = Self {
            units: BTreeMap::new(),
            above: BTreeMap::new(),
            room: BLOCK,
        };
        for listed in list {
            let (entry, _) = listed?;
            let path = entry.path.path();
            if paths.iter().any(|one| path.starts_with(one)) {
                wanted.room += entry.size().div_ceil(BLOCK) * BLOCK + BLOCK;
            }
            if paths.iter().any(|one| Path::new(one.as_str()) == path) {
                if entry.what == What::Special {
                    return Err(BackupError::Special { path });
                }
                wanted.units.insert(path, entry);
            } else if entry.is_folder() && paths.iter().any(|one| Path::new(one.as_str()).starts_with(&path)) {
                wanted.above.insert(path, entry);
            }
        }
        match paths
            .iter()
            .find(|path| !wanted.units.contains_key(Path::new(path.as_str())))
        {
            None => Ok(wanted),
            Some(missing) => Err(BackupError::NotInBackup {
                id: record.id.clone(),
                path: missing.clone(),
            }),
        }
    }

    /// Whether this entry belongs to what is swapped in.
    pub fn has(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.units.contains_key(above))
    }
}
