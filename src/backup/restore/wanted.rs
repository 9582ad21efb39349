//! What is restored, found in the list of entries.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Zeros;
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
    pub fn find(record: &Record, list: ListReader<'_>, paths: &[RelPath], zeros: &mut Zeros<'_>) -> Result<Self> {
        let is_wanted = |path: &Path| paths.iter().any(|one| path.starts_with(one.as_str()));
        let mut wanted = Self {
            units: BTreeMap::new(),
            above: BTreeMap::new(),
            room: BLOCK,
        };
        for listed in list {
            let (entry, chunks) = listed?;
            let path = entry.path.path();
            if is_wanted(&path) {
                let first = entry.content().and_then(|content| content.same_as.as_ref());
                let is_once_more = first.is_some_and(|first| is_wanted(&first.path()));
                let size = if is_once_more { 0 } else { zeros.solid(&entry, &chunks) };
                wanted.room += size.div_ceil(BLOCK) * BLOCK + BLOCK;
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
