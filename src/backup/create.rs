//! Making a backup: written under a temporary name, put in place, read back whole. Only then it counts.

use std::path::Path;

use super::format::Opened;
use super::{BackupError, BackupId, Key, Kind, Record, Request, Result, list, pack, read, restore};
use crate::disk;

/// How often a tree that changes too much while it is read is tried again.
const TRIES: u32 = 5;

/// Backs up what `request` names into `dir`. `progress` hears how much of the work is done; all of it is twice the trees' bytes,
/// because they are written and then read back. A backup made earlier for the same update is given back if it is whole.
pub fn create(dir: &Path, key: &Key, request: &Request, progress: &mut dyn FnMut(u64, u64)) -> Result<Record> {
    disk::create_dir_all(dir)?;
    list::remove_left_overs(dir)?;
    restore::refuse_interrupted(&request.root)?;
    let earlier = made_for(dir, key, &request.kind)?;
    for id in &earlier {
        if let Ok(record) = read::verify(dir, key, id) {
            return Ok(record);
        }
    }
    let id = free_id(dir, request)?;
    let record = write(dir, key, request, &id, progress)?;
    let bytes = record.bytes;
    let whole = Opened::open(dir, key, &id)
        .and_then(|opened| read::check(&opened, &mut |n| progress(bytes + n, 2 * bytes)))
        .and_then(|found| {
            let same = found == record;
            let differs = || BackupError::damaged(&id.file_in(dir), "it is not what was written");
            if same { Ok(()) } else { Err(differs()) }
        });
    if let Err(e) = whole {
        list::remove(dir, &id)?;
        return Err(e);
    }
    for damaged in &earlier {
        list::remove(dir, damaged)?;
    }
    Ok(record)
}

fn write(
    dir: &Path,
    key: &Key,
    request: &Request,
    id: &BackupId,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Record> {
    let mut tries = 1;
    loop {
        match pack::write(dir, key, request, id, progress) {
            Err(BackupError::Unsteady { .. }) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

/// Backups that an earlier try of the same update has made.
fn made_for(dir: &Path, key: &Key, kind: &Kind) -> Result<Vec<BackupId>> {
    let Kind::BeforeUpdate(update) = kind else {
        return Ok(Vec::new());
    };
    let listed = list::list(dir, key)?.into_iter();
    Ok(listed.filter(|one| one.is_for(update)).map(|one| one.id).collect())
}

fn free_id(dir: &Path, request: &Request) -> Result<BackupId> {
    let id = |n| {
        BackupId::new(request.version.as_ref(), request.created, n)
            .map_err(|e| BackupError::damaged(dir, e.to_string()))
    };
    let mut n = 1;
    while id(n)?.file_in(dir).exists() {
        n += 1;
    }
    id(n)
}
