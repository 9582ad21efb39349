//! Making a backup: written under a temporary name, put in place, read back whole. Only then it counts.

use std::path::Path;

use super::format::Opened;
use super::{BackupError, BackupId, Key, Kind, Listed, Record, Request, Result, list, pack, read, restore};
use crate::disk;

/// How often a tree that changes too much while it is read is tried again.
const TRIES: u32 = 5;

/// Backs up what `request` names into `dir`. `progress` hears how much of the work is done; all of it is twice the trees' bytes,
/// because they are written and then read back. What an earlier try of the same step of an update has made is replaced: the
/// product may have gone on writing since.
pub fn create(dir: &Path, key: &Key, request: &Request, progress: &mut dyn FnMut(u64, u64)) -> Result<Record> {
    disk::create_dir_all(dir)?;
    list::remove_left_overs(dir)?;
    restore::refuse_interrupted(&request.root)?;
    let earlier = made_before(dir, key, request)?;
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
    for id in &earlier {
        list::remove(dir, id)?;
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

/// Backups that earlier tries of the same step have made: of the same update, before it left the same version.
fn made_before(dir: &Path, key: &Key, request: &Request) -> Result<Vec<BackupId>> {
    let Kind::BeforeUpdate(update) = &request.kind else {
        return Ok(Vec::new());
    };
    let same_version = |one: &Listed| {
        one.record
            .as_ref()
            .is_ok_and(|record| record.version == request.version)
    };
    let listed = list::list(dir, key)?.into_iter();
    let earlier = listed.filter(|one| one.is_for(update) && same_version(one));
    Ok(earlier.map(|one| one.id).collect())
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
