//! After damage: what cannot be read any more is dropped, what the live files still have is put back, and the backups that lose
//! something are named.

use std::collections::{BTreeSet, HashSet};

use serde::Serialize;

use super::check::Looker;
use super::chunk::{ChunkId, Chunking};
use super::create::put_files;
use super::repository::{Index, Packed, Purpose, Repository, Shelf, sealed_files, with_writer};
use super::verify::{DamagedBackup, Examined, Percent, examine};
use super::{BackupError, BackupId, Request, Result};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Repaired {
    /// What was wrong.
    pub problems: Vec<String>,
    /// Chunks that could not be read, and of these those that the live files still had.
    pub lost_chunks: usize,
    pub healed_chunks: usize,
    /// Backups that were damaged and are whole again.
    pub healed: Vec<BackupId>,
    /// Backups that stay damaged; what is whole of them can be restored with `--only`.
    pub damaged: Vec<DamagedBackup>,
    /// Backups whose document cannot be read: it was removed.
    pub removed: Vec<BackupId>,
    /// Live files that could not be read, and so could heal nothing.
    pub unread: Vec<String>,
}

/// Repairs the repository; `live` names the files that may still have what was lost.
pub fn repair(repository: &Repository, live: &Request) -> Result<Repaired> {
    let _lock = repository.lock(Purpose::Write)?;
    repository.remove_left_overs()?;
    refuse_other_key(repository)?;
    let before = examine(repository, Percent::ALL)?;
    if before.verified.is_whole() {
        return Ok(Repaired::default());
    }
    let names = repository.index_names()?;
    let chunking = repository.chunking();
    let (sound, hurt): (Vec<&Packed>, Vec<&Packed>) = before.packs.values().partition(|packed| before.is_sound(packed));
    let mut known = Index::default();
    sound.iter().for_each(|packed| known.add(packed));
    rescue(repository, &chunking, &mut known, &before, &hurt)?;
    let wanted: HashSet<ChunkId> = before
        .wanted
        .iter()
        .copied()
        .filter(|id| known.find(*id).is_none())
        .collect();
    let lost_chunks = wanted.len();
    let (healed_chunks, unread) = put_back(repository, &chunking, &mut known, live, wanted)?;
    let sound: Vec<Packed> = sound.into_iter().cloned().collect();
    repository.write_indexes(&sound)?;
    // From here on everything that can be had is where the new indexes say.
    for name in &names {
        repository.remove_index(name)?;
    }
    let kept: HashSet<_> = repository.sound_index()?.packs().keys().copied().collect();
    for (id, _) in repository.pack_files()? {
        if !kept.contains(&id) {
            repository.remove_pack(id)?;
        }
    }
    let mut removed = Vec::new();
    for id in &before.unreadable {
        repository.remove_snapshot(id)?;
        removed.push(id.clone());
    }
    for id in &before.unreadable_drills {
        repository.remove_drill(id)?;
    }
    let after = examine(repository, Percent::new(0).unwrap_or(Percent::ALL))?;
    let still: BTreeSet<&BackupId> = after.verified.damaged.iter().map(|backup| &backup.id).collect();
    let was = before.verified.damaged.iter().map(|backup| backup.id.clone());
    Ok(Repaired {
        healed: was.filter(|id| !still.contains(id) && !removed.contains(id)).collect(),
        damaged: after.verified.damaged.clone(),
        problems: before.verified.problems,
        lost_chunks,
        healed_chunks,
        removed,
        unread,
    })
}

/// One file that names an unknown key is damaged there. Several that name the same are sealed with a key whose slot is missing,
/// and may be opened again when that is put back.
fn refuse_other_key(repository: &Repository) -> Result<()> {
    let mut seen = HashSet::new();
    for file in sealed_files(repository.dir())? {
        let unknown = file.key.filter(|key| repository.keyring().find(*key).is_none());
        if let Some(mark) = unknown
            && !seen.insert(mark)
        {
            let path = file.path;
            return Err(BackupError::OtherKey { path, mark });
        }
    }
    Ok(())
}

/// Writes anew what can still be read of packs that are hurt.
fn rescue(
    repository: &Repository,
    chunking: &Chunking,
    known: &mut Index,
    before: &Examined,
    hurt: &[&Packed],
) -> Result<()> {
    let mut looker = Looker::new(repository, chunking)?;
    with_writer(repository, chunking, known, |to| {
        for packed in hurt {
            let bad = before.bad_blocks.get(&packed.id);
            for (number, _) in (0_u32..).zip(&packed.blocks) {
                if bad.is_some_and(|bad| bad.contains(&number)) {
                    continue;
                }
                looker.each(packed, number, &mut |id, chunk| {
                    let shelf = Shelf::of(before.lists.contains(&id));
                    to.put(shelf, chunk).map(drop)
                })?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// Writes those of the wanted chunks that the live files have; returns how many these were, and which files could not be read.
fn put_back(
    repository: &Repository,
    chunking: &Chunking,
    known: &mut Index,
    live: &Request,
    wanted: HashSet<ChunkId>,
) -> Result<(usize, Vec<String>)> {
    let all: Vec<ChunkId> = wanted.iter().copied().collect();
    let (unread, _) = with_writer(repository, chunking, known, |to| {
        to.limit_to(wanted);
        put_files(repository, chunking, live, to)
    })?;
    Ok((all.iter().filter(|id| known.find(**id).is_some()).count(), unread))
}
