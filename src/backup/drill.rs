//! A restore for practice: into scratch, compared, its databases opened, and forgotten but for the record of it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chunk::{ChunkId, Chunking};
use super::entry::{Entry, What};
use super::listing::ListReader;
use super::repository::{Index, Purpose, Repository};
use super::restore::{self, Wanted, Zeros};
use super::server::{DUMPS, Server};
use super::{BackupError, BackupId, Result};
use crate::{clock, disk, store};

/// What a drill found to be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drilled {
    pub id: BackupId,
    pub at: Timestamp,
    /// Files and links.
    pub files: u64,
    pub bytes: u64,
    /// That were opened and checked by SQLite, or restored beside the live one on its server.
    pub databases: u64,
    pub duration_ms: u64,
}

/// Restores all of a backup below `scratch`, reads every file back and compares it, has every SQLite database checked, and removes
/// it all. The backup then says when this was.
pub fn drill(
    repository: &Repository,
    id: &BackupId,
    scratch: &Path,
    now: Timestamp,
    servers: &[Server],
) -> Result<Drilled> {
    let _lock = repository.lock(Purpose::Read)?;
    let began = clock::monotonic();
    let snapshot = repository.snapshot(id)?;
    let (index, chunking) = (repository.index()?, repository.chunking());
    let list = || ListReader::open(repository, &index, &chunking, &snapshot);
    let mut paths = snapshot.record.trees.clone();
    if snapshot.record.dumps > 0 {
        // They need no room here: they go to their servers.
        paths.retain(|path| path.as_str() != DUMPS);
    }
    let wanted = Wanted::find(&snapshot.record, list()?, &paths, &mut Zeros::new(&index, &chunking))?;
    disk::create_dir_all(scratch)?;
    let free = disk::free_space(scratch)?;
    if wanted.room > free {
        return Err(BackupError::NoRoom {
            place: scratch.to_path_buf(),
            needed: wanted.room,
            free,
        });
    }
    let place = scratch.join("drill");
    let drilled = restore::fill(
        repository,
        &index,
        &chunking,
        list()?,
        &wanted,
        (&place, &restore::Settle::never()),
    )
    .and_then(|filled| {
        let mut databases = Vec::new();
        for listed in list()? {
            let (entry, chunks) = listed?;
            if wanted.has(&entry.path.path()) && compare(&index, &chunking, &place, &entry, &chunks)? {
                databases.push(place.join(entry.path.path()));
            }
        }
        // Only when all is compared: opening one may change what lies beside it.
        databases
            .iter()
            .try_for_each(|database| store::check_integrity(database))?;
        let on_servers = restore::drill_dumps(repository, &index, &chunking, list()?, servers)?;
        Ok(Drilled {
            id: id.clone(),
            at: now,
            files: filled.files,
            bytes: filled.bytes,
            databases: databases.len() as u64 + on_servers,
            duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    });
    let removed = disk::remove_tree(&place);
    let drilled = drilled?;
    removed?;
    repository.write_drill(id, &serde_json::to_vec(&drilled).unwrap_or_default())?;
    Ok(drilled)
}

/// An error when what was restored is not what the backup lists; true when it is a SQLite database.
fn compare(index: &Index, chunking: &Chunking, place: &Path, entry: &Entry, chunks: &[ChunkId]) -> Result<bool> {
    let full = place.join(entry.path.path());
    let differs = |how: &str| Err(BackupError::damaged(&full, format!("what was restored {how}")));
    let failed = |e| BackupError::io("read", &full, e);
    match &entry.what {
        What::Special => Ok(false),
        What::Folder if full.is_dir() => Ok(false),
        What::Folder => differs("is not a folder"),
        What::Link { target } => match std::fs::read_link(&full) {
            Ok(found) if found == target.path() => Ok(false),
            _ => differs("is not the link that was backed up"),
        },
        What::File(_) | What::Dump(_) => {
            let mut file = File::open(&full).map_err(failed)?;
            let (mut piece, mut head) = (Vec::new(), Vec::new());
            for id in chunks {
                let length = index.find(*id).map_or(0, |place| u64::from(place.length));
                piece.clear();
                Read::by_ref(&mut file)
                    .take(length)
                    .read_to_end(&mut piece)
                    .map_err(failed)?;
                if chunking.id(&piece) != *id {
                    return differs("is not what was backed up");
                }
                if head.is_empty() {
                    head.extend_from_slice(&piece[..piece.len().min(16)]);
                }
            }
            if file.read(&mut [0]).map_err(failed)? > 0 {
                return differs("is longer than what was backed up");
            }
            let marked = entry.content().is_some_and(|content| content.database);
            Ok(marked || head == b"SQLite format 3\0")
        }
    }
}
