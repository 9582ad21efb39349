//! What the files of a repository are sealed with, as their heads say: readable without any key.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::open::{DOCUMENT_ENDINGS, INDEX_ENDING, names};
use super::{document, pack};
use crate::backup::keys::Fingerprint;
use crate::backup::{BackupError, Result};

/// A pack, an index or a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    pub path: PathBuf,
    pub bytes: u64,
    /// None when it does not begin as such a file does.
    pub key: Option<Fingerprint>,
}

/// All packs, indexes and documents in `dir`, in order.
pub fn sealed_files(dir: &Path) -> Result<Vec<SealedFile>> {
    let mut found = Vec::new();
    for folder in ["packs", "index", "snapshots"].map(|name| dir.join(name)) {
        let mut names = names(&folder)?;
        names.retain(|name| is_sealed(Path::new(name)));
        names.sort();
        for name in names {
            found.extend(head_of(folder.join(name))?);
        }
    }
    Ok(found)
}

fn is_sealed(name: &Path) -> bool {
    let ending = name.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        [pack::ENDING, INDEX_ENDING].contains(&ending) || DOCUMENT_ENDINGS.iter().any(|(one, _)| *one == ending)
    })
}

/// None when it was taken away meanwhile.
fn head_of(path: PathBuf) -> Result<Option<SealedFile>> {
    let failed = |e| BackupError::io("read", &path, e);
    let file = match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let bytes = file.metadata().map_err(failed)?.len();
    let mut head = Vec::with_capacity(16);
    file.take(16).read_to_end(&mut head).map_err(failed)?;
    let key = head.split_first_chunk::<8>().and_then(|(magic, mark)| {
        let mark = Fingerprint::from_bytes(mark.try_into().ok()?);
        [pack::MAGIC, document::MAGIC].contains(&magic).then_some(mark)
    });
    Ok(Some(SealedFile { path, bytes, key }))
}
