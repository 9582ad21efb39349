//! Letting old backups go, and then what no backup needs any more.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::chunk::{ChunkId, Chunking};
use super::repository::{BlockReader, Index, Packed, Purpose, Repository, Shelf, with_writer};
use super::verify::each_chunk_of;
use super::{BackupError, BackupId, Listed, Result, adopt, list};

/// Which backups stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// All that are younger than so many days.
    pub days: u64,
    /// The newest so many.
    pub last: u32,
    /// The newest of each of the last so many days, weeks, months that have one.
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
    /// Those that a way back needs.
    pub needed: BTreeSet<BackupId>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    pub removed: Vec<BackupId>,
    pub kept: usize,
    /// On disk.
    pub freed_bytes: u64,
    /// Why data that no backup needs stays: something is damaged, and what it needed cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

/// Packs of which less than this part is needed are written anew without the rest.
const WORTH_KEEPING: f64 = 0.7;

/// Removes the backups of `root` that `keep` does not keep, then what no backup of anybody needs. The new index is durable before
/// anything that it does not speak of goes.
pub fn prune(repository: &Repository, root: &str, keep: &Keep, now: Timestamp) -> Result<Pruned> {
    let _lock = repository.lock(Purpose::Write)?;
    repository.remove_left_overs()?;
    let listed = list::list(repository)?;
    let removed = expired(&listed, root, keep, now);
    for id in &removed {
        repository.remove_snapshot(id)?;
    }
    let swept = sweep(repository)?;
    Ok(Pruned {
        kept: listed.len() - removed.len(),
        removed,
        freed_bytes: swept.as_ref().copied().unwrap_or(0),
        left: swept.err(),
    })
}

/// The backups of `root` that [`prune`] would remove.
pub fn expired(listed: &[Listed], root: &str, keep: &Keep, now: Timestamp) -> Vec<BackupId> {
    let own = |one: &&Listed| one.record().is_none_or(|record| record.root == root);
    let candidates: Vec<&Listed> = listed.iter().filter(own).collect();
    let kept = kept(&candidates, keep, now);
    let gone = candidates.iter().filter(|one| !kept.contains(&one.id));
    gone.map(|one| one.id.clone()).collect()
}

/// Of `listed`, newest first, those that stay. The newest that is whole always does; of failed and damaged ones only age counts.
fn kept(listed: &[&Listed], keep: &Keep, now: Timestamp) -> BTreeSet<BackupId> {
    let mut kept = keep.needed.clone();
    let hours = i64::try_from(keep.days.saturating_mul(24)).unwrap_or(i64::MAX / 3600);
    let retention = SignedDuration::from_secs(hours.saturating_mul(3600));
    let limit = now
        .checked_sub(retention)
        .map(|limit| limit.to_zoned(TimeZone::UTC).strftime("%Y%m%d_%H%M%S").to_string())
        .unwrap_or_default();
    let young = |one: &&&Listed| one.id.moment().0 >= limit.as_str();
    kept.extend(listed.iter().filter(young).map(|one| one.id.clone()));
    let whole: Vec<_> = listed.iter().filter(|one| one.record().is_some()).collect();
    let last = usize::try_from(keep.last.max(1)).unwrap_or(usize::MAX);
    kept.extend(whole.iter().take(last).map(|one| one.id.clone()));
    for (count, period) in [
        (keep.daily, "%Y-%m-%d"),
        (keep.weekly, "%G-%V"),
        (keep.monthly, "%Y-%m"),
    ] {
        let mut seen = HashSet::new();
        for one in &whole {
            let Some(record) = one.record() else { continue };
            let period = record.created.to_zoned(TimeZone::UTC).strftime(period).to_string();
            if seen.len() < count as usize && seen.insert(period) {
                kept.insert(one.id.clone());
            }
        }
    }
    kept
}

/// Removes what no backup needs. Returns the bytes that this frees on disk, or why nothing may be removed now.
fn sweep(repository: &Repository) -> Result<std::result::Result<u64, String>> {
    let chunking = repository.chunking();
    let mut index = repository.sound_index()?;
    adopt::adopt(repository, &mut index)?;
    let packs = repository.indexed()?;
    let needed = match needed_chunks(repository, &index, &chunking) {
        Err(e) if e.is_damage() => return Ok(Err(list::reason(&e))),
        needed => needed?,
    };
    if let Some((id, _)) = repository
        .pack_files()?
        .iter()
        .find(|(id, _)| !index.packs().contains_key(id))
    {
        return Ok(Err(format!("no index speaks of pack {id}, and it is damaged")));
    }
    let names = repository.index_names()?;
    let is_needed = |packed: &Packed| needed_part(packed, &index, &needed);
    let (whole, rest): (Vec<_>, Vec<_>) = packs.into_iter().partition(|packed| is_needed(packed) >= WORTH_KEEPING);
    let before: u64 = pack_bytes(repository)?;
    if rest.is_empty() {
        return Ok(Ok(0));
    }
    match write_anew(repository, &chunking, &index, &whole, &rest, &needed) {
        Err(e) if e.is_damage() => return Ok(Err(list::reason(&e))),
        written => written?,
    }
    repository.write_indexes(&whole)?;
    // From here on everything that is needed is where the new indexes say.
    for name in &names {
        repository.remove_index(name)?;
    }
    let known = repository.sound_index()?;
    for (id, _) in repository.pack_files()? {
        if !known.packs().contains_key(&id) {
            repository.remove_pack(id)?;
        }
    }
    Ok(Ok(before.saturating_sub(pack_bytes(repository)?)))
}

/// Of all backups; an error when one of them lacks something, for then nothing can be told to be needless.
fn needed_chunks(repository: &Repository, index: &Index, chunking: &Chunking) -> Result<HashMap<ChunkId, Shelf>> {
    let mut needed = HashMap::new();
    for id in repository.backups()? {
        let snapshot = repository.snapshot(&id)?;
        needed.extend(snapshot.lists().map(|id| (*id, Shelf::List)));
        each_chunk_of(repository, index, chunking, &snapshot, &mut |id| {
            if index.find(id).is_none() {
                return Err(BackupError::missing_chunk(repository.dir(), id));
            }
            needed.entry(id).or_insert(Shelf::Content);
            Ok(())
        })?;
    }
    Ok(needed)
}

/// The part of a pack's bytes that is needed and not better had elsewhere.
fn needed_part(packed: &Packed, index: &Index, needed: &HashMap<ChunkId, Shelf>) -> f64 {
    let (mut all, mut used) = (0_u64, 0_u64);
    for (id, length) in packed.blocks.iter().flat_map(|block| &block.chunks) {
        all += u64::from(*length);
        let here = index
            .find(*id)
            .and_then(|place| index.block(place.block))
            .is_some_and(|place| place.pack == packed.id);
        used += if here && needed.contains_key(id) {
            u64::from(*length)
        } else {
            0
        };
    }
    if all == 0 { 0.0 } else { used as f64 / all as f64 }
}

/// Writes what is needed of `rest` into new packs, which have an index of their own.
fn write_anew(
    repository: &Repository,
    chunking: &Chunking,
    index: &Index,
    whole: &[Packed],
    rest: &[Packed],
    needed: &HashMap<ChunkId, Shelf>,
) -> Result<()> {
    let mut known = Index::default();
    whole.iter().for_each(|packed| known.add(packed));
    let mut reader = BlockReader::new(repository, index, chunking)?;
    with_writer(repository, chunking, &mut known, |to| {
        for (id, _) in rest
            .iter()
            .flat_map(|packed| &packed.blocks)
            .flat_map(|block| &block.chunks)
        {
            if let Some(shelf) = needed.get(id)
                && !to.knows(*id)
            {
                to.put(*shelf, reader.chunk(*id)?)?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn pack_bytes(repository: &Repository) -> Result<u64> {
    Ok(repository.pack_files()?.iter().map(|(_, length)| length).sum())
}
