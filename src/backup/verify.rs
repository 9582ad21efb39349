//! Looking for damage: every file of the repository against every other, and as many of its blocks as is wished.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;

use serde::Serialize;

use super::check::Looker;
use super::chunk::{ChunkId, Chunking};
use super::cores::on_all_cores;
use super::listing::ListReader;
use super::repository::{Index, PackId, Packed, Purpose, Repository, Snapshot};
use super::{BackupError, BackupId, Record, Result, list};
use crate::crypt::random;

/// How many of the blocks are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(u8);

impl Percent {
    pub const ALL: Self = Self(100);

    pub fn new(percent: u8) -> Option<Self> {
        (percent <= 100).then_some(Self(percent))
    }
}

/// What was looked at and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Backups that are whole, as far as was looked.
    pub whole: Vec<Record>,
    /// Backups that are not, with what they lack.
    pub damaged: Vec<DamagedBackup>,
    /// What is wrong with the files of the repository.
    pub problems: Vec<String>,
    pub blocks: u64,
    pub blocks_read: u64,
    /// Bytes on disk of the blocks that were read.
    pub bytes_read: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DamagedBackup {
    pub id: BackupId,
    pub problem: String,
}

impl Verified {
    /// Nothing was found to be wrong.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.problems.is_empty()
    }
}

/// Looks at one backup: every chunk it needs is read.
pub fn verify(repository: &Repository, id: &BackupId) -> Result<Record> {
    let _lock = repository.lock(Purpose::Read)?;
    let snapshot = repository.snapshot(id)?;
    let (index, chunking) = (repository.index()?, repository.chunking());
    let mut needed: BTreeMap<PackId, BTreeSet<u32>> = BTreeMap::new();
    each_chunk_of(repository, &index, &chunking, &snapshot, &mut |id| {
        let place = index.find(id).and_then(|place| index.block(place.block));
        match place {
            Some(place) => {
                needed.entry(place.pack).or_default().insert(place.number);
                Ok(())
            }
            None => Err(BackupError::missing_chunk(repository.dir(), id)),
        }
    })?;
    let packs: Vec<_> = needed.into_iter().collect();
    on_all_cores(
        &packs,
        || Looker::new(repository, &chunking),
        |looker, (id, numbers)| {
            let packed = repository.pack(*id)?.list()?;
            numbers.iter().try_for_each(|number| looker.look(&packed, *number))
        },
    )?;
    Ok(snapshot.record)
}

/// Looks at everything; finds what is wrong rather than ending at the first.
pub fn verify_all(repository: &Repository, percent: Percent) -> Result<Verified> {
    let _lock = repository.lock(Purpose::Read)?;
    Ok(examine(repository, percent)?.verified)
}

/// What [`examine`] found, for those who go on from it.
pub struct Examined {
    pub verified: Verified,
    pub packs: BTreeMap<PackId, Packed>,
    /// Chunks that backups need and that cannot be had.
    pub wanted: HashSet<ChunkId>,
    /// Chunks of the lists of backups.
    pub lists: HashSet<ChunkId>,
    /// Backups whose document cannot be read.
    pub unreadable: Vec<BackupId>,
    /// The same of the records of drills.
    pub unreadable_drills: Vec<BackupId>,
    /// Packs whose file is not what the index says.
    pub odd: BTreeSet<PackId>,
    /// Blocks that cannot be read, by pack; all of a pack that is missing or explains itself no more.
    pub bad_blocks: BTreeMap<PackId, BTreeSet<u32>>,
}

impl Examined {
    /// Everything of this pack is as it should be.
    pub fn is_sound(&self, packed: &Packed) -> bool {
        !self.odd.contains(&packed.id) && !self.bad_blocks.contains_key(&packed.id)
    }
}

pub fn examine(repository: &Repository, percent: Percent) -> Result<Examined> {
    let chunking = repository.chunking();
    let mut verified = Verified::default();
    verified.problems.extend(super::keys::problems(repository.dir())?);
    let packs = indexed_packs(repository, &mut verified.problems)?;
    let mut odd = BTreeSet::new();
    let mut index = Index::default();
    packs.values().for_each(|packed| index.add(packed));
    let bad_blocks = look_at_blocks(repository, &chunking, &packs, percent, &mut verified, &mut odd)?;
    let mut lost = HashSet::new();
    for (id, numbers) in &bad_blocks {
        let blocks = packs.get(id).map(|packed| &packed.blocks);
        for (_, block) in (0..)
            .zip(blocks.into_iter().flatten())
            .filter(|(n, _)| numbers.contains(n))
        {
            lost.extend(block.chunks.iter().map(|(id, _)| *id));
        }
    }
    let (mut wanted, mut lists, mut unreadable) = (HashSet::new(), HashSet::new(), Vec::new());
    for (listed, snapshot) in list::of(repository)? {
        lists.extend(snapshot.iter().flat_map(Snapshot::lists).copied());
        let found = match (snapshot, &listed.state) {
            (Some(snapshot), _) => whole(repository, &index, &chunking, &snapshot, &lost, &mut wanted),
            (None, super::State::Damaged(problem)) => {
                unreadable.push(listed.id.clone());
                Err(problem.clone())
            }
            (None, _) => continue,
        };
        match found {
            Ok(record) => verified.whole.push(record),
            Err(problem) => verified.damaged.push(DamagedBackup { id: listed.id, problem }),
        }
    }
    let mut unreadable_drills = Vec::new();
    for id in repository.drills()? {
        if let Err(e) = damage_of(repository.drill(&id).map(drop))? {
            verified.problems.push(list::reason(&e));
            unreadable_drills.push(id);
        }
    }
    Ok(Examined {
        verified,
        packs,
        wanted,
        lists,
        unreadable,
        unreadable_drills,
        odd,
        bad_blocks,
    })
}

/// All packs that the indexes speak of.
fn indexed_packs(repository: &Repository, problems: &mut Vec<String>) -> Result<BTreeMap<PackId, Packed>> {
    let mut packs = BTreeMap::new();
    for name in repository.index_names()? {
        match repository.read_index(&name) {
            Ok(some) => packs.extend(some.into_iter().map(|packed| (packed.id, packed))),
            Err(e) if e.is_damage() => problems.push(list::reason(&e)),
            Err(e) => return Err(e),
        }
    }
    for (id, _) in repository.pack_files()? {
        if packs.contains_key(&id) {
            continue;
        }
        // A killed run leaves packs that no index speaks of; they must be whole all the same.
        match repository.pack(id).and_then(|pack| pack.list()) {
            Ok(packed) => {
                packs.insert(id, packed);
            }
            Err(e) if e.is_damage() => problems.push(list::reason(&e)),
            Err(e) => return Err(e),
        }
    }
    Ok(packs)
}

fn look_at_blocks(
    repository: &Repository,
    chunking: &Chunking,
    packs: &BTreeMap<PackId, Packed>,
    percent: Percent,
    verified: &mut Verified,
    odd: &mut BTreeSet<PackId>,
) -> Result<BTreeMap<PackId, BTreeSet<u32>>> {
    let odd = Mutex::new(odd);
    let bad: Mutex<BTreeMap<PackId, BTreeSet<u32>>> = Mutex::default();
    let seen = Mutex::new(verified);
    let packs: Vec<&Packed> = packs.values().collect();
    on_all_cores(
        &packs,
        || Looker::new(repository, chunking),
        |looker, packed| {
            let mut found = Verified::default();
            let mut numbers = BTreeSet::new();
            if let Err(e) = damage_of(same_as_file(repository, packed))? {
                found.problems.push(list::reason(&e));
                super::cores::locked(&odd).insert(packed.id);
                if repository.pack(packed.id).is_err() {
                    numbers.extend((0..).zip(&packed.blocks).map(|(number, _): (u32, _)| number));
                }
            }
            for (number, block) in (0..).zip(&packed.blocks) {
                found.blocks += 1;
                if numbers.contains(&number) || u16::from(random::<1>()[0]) * 100 >= u16::from(percent.0) * 256 {
                    continue;
                }
                found.blocks_read += 1;
                found.bytes_read += u64::from(block.stored);
                if let Err(e) = damage_of(looker.look(packed, number))? {
                    found.problems.push(list::reason(&e));
                    numbers.insert(number);
                }
            }
            if !numbers.is_empty() {
                super::cores::locked(&bad).insert(packed.id, numbers);
            }
            let mut verified = super::cores::locked(&seen);
            verified.problems.append(&mut found.problems);
            verified.blocks += found.blocks;
            verified.blocks_read += found.blocks_read;
            verified.bytes_read += found.bytes_read;
            Ok(())
        },
    )?;
    Ok(bad.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Sets damage apart from what may be otherwise the next time.
fn damage_of(looked: Result<()>) -> Result<std::result::Result<(), BackupError>> {
    match looked {
        Err(e) if !e.is_damage() => Err(e),
        looked => Ok(looked),
    }
}

/// What the index says of a pack is what the pack says of itself, and its file has the right length.
fn same_as_file(repository: &Repository, packed: &Packed) -> Result<()> {
    let pack = repository.pack(packed.id)?;
    let found = pack.list()?;
    if found != *packed {
        return Err(pack.damaged("it is not the one that the index speaks of"));
    }
    Ok(())
}

fn whole(
    repository: &Repository,
    index: &Index,
    chunking: &Chunking,
    snapshot: &Snapshot,
    lost: &HashSet<ChunkId>,
    wanted: &mut HashSet<ChunkId>,
) -> std::result::Result<Record, String> {
    let mut missing = HashSet::new();
    let looked = each_chunk_of(repository, index, chunking, snapshot, &mut |id| {
        let place = index.find(id).and_then(|place| index.block(place.block));
        if place.is_none() || lost.contains(&id) {
            missing.insert(id);
        }
        Ok(())
    });
    wanted.extend(&missing);
    looked.map_err(|e| list::reason(&e))?;
    match missing.len() {
        0 => Ok(snapshot.record.clone()),
        1 => Err("a chunk that it needs is missing or damaged".into()),
        n => Err(format!("{n} chunks that it needs are missing or damaged")),
    }
}

/// Every chunk that a backup needs: of its lists and of its files.
pub fn each_chunk_of(
    repository: &Repository,
    index: &Index,
    chunking: &Chunking,
    snapshot: &Snapshot,
    each: &mut dyn FnMut(ChunkId) -> Result<()>,
) -> Result<()> {
    snapshot.lists().try_for_each(|id| each(*id))?;
    for listed in ListReader::open(repository, index, chunking, snapshot)? {
        let (_, chunks) = listed?;
        chunks.into_iter().try_for_each(&mut *each)?;
    }
    Ok(())
}
