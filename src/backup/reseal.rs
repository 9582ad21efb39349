//! After the master key was rotated: what older keys have sealed is sealed anew, a piece at a time. Between two pieces others may
//! read and write. How far it is stands in the heads of the files alone, so that whoever goes on, after whatever end, does what is
//! left; and what is sealed anew is durable and read back before what it stands for goes.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::cores::{locked, on_all_cores};
use super::keys::Fingerprint;
use super::repository::{Index, PackId, Packed, Purpose, Repository, SealedFile, sealed_files};
use super::{BackupError, Result, adopt, check, list};
use crate::clock::Deadline;

/// How long others are kept out by one piece, but for one pack.
const PIECE: Duration = Duration::from_secs(5);
/// Longer than those who wait need to look again.
const GIVE_WAY: Duration = Duration::from_millis(120);
/// Packs that a piece may write before the old ones go, or a 64th of all: what it needs of room.
const PACKS_A_PIECE: usize = 16;

/// What a master key has sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealedBy {
    /// None for files that do not say, which are damaged.
    pub key: Option<Fingerprint>,
    pub files: u64,
    pub bytes: u64,
}

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Resealed {
    /// Done by this run, in files and their bytes.
    pub files: u64,
    pub bytes: u64,
    /// Not sealed with the current key.
    pub left_files: u64,
    pub left_bytes: u64,
    /// Why some of these cannot be sealed anew.
    pub problems: Vec<String>,
}

/// How much each key has sealed of the repository in `dir`; needs no key.
pub fn sealed_by(dir: &Path) -> Result<Vec<SealedBy>> {
    let mut by: BTreeMap<Option<Fingerprint>, SealedBy> = BTreeMap::new();
    for SealedFile { key, bytes, .. } in sealed_files(dir)? {
        let one = by.entry(key).or_insert(SealedBy {
            key,
            files: 0,
            bytes: 0,
        });
        one.files += 1;
        one.bytes += bytes;
    }
    Ok(by.into_values().collect())
}

/// Seals anew what is left, for so long, but at least a piece, or to the end. `heard` hears the bytes that are left after each piece.
pub fn reseal(repository: &Repository, limit: Option<Duration>, heard: &mut dyn FnMut(u64)) -> Result<Resealed> {
    let until = limit.map(Deadline::after);
    let mut problems = BTreeMap::new();
    let before = left(repository)?;
    let mut still = before.len();
    while still > 0 {
        let piece = until.map_or(PIECE, |until| until.left().min(PIECE));
        Piece::take(repository, &mut problems, piece)?.run()?;
        let after = left(repository)?;
        heard(bytes(&after));
        let nothing_can_be_done = after.iter().all(|file| problems.contains_key(&file.path)) || after.len() == still;
        if nothing_can_be_done || until.is_some_and(Deadline::has_passed) {
            break;
        }
        still = after.len();
        thread::sleep(GIVE_WAY);
    }
    let after = left(repository)?;
    Ok(Resealed {
        files: (before.len() - after.len().min(before.len())) as u64,
        bytes: bytes(&before).saturating_sub(bytes(&after)),
        left_files: after.len() as u64,
        left_bytes: bytes(&after),
        problems: problems.into_values().collect(),
    })
}

/// Files that are not sealed with the current key.
fn left(repository: &Repository) -> Result<Vec<SealedFile>> {
    let current = Some(repository.master().fingerprint());
    let mut files = sealed_files(repository.dir())?;
    files.retain(|file| file.key != current);
    Ok(files)
}

fn bytes(files: &[SealedFile]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// What is done without anybody else in between.
struct Piece<'a> {
    repository: &'a Repository,
    _lock: super::repository::RepositoryLock,
    deadline: Deadline,
    left: BTreeSet<PathBuf>,
    problems: &'a mut BTreeMap<PathBuf, String>,
}

/// A pack that has served.
struct Moved {
    from: PackId,
    /// None when all that it holds is in packs of the current key already: a killed run had sealed it anew.
    to: Option<Packed>,
}

impl<'a> Piece<'a> {
    fn take(repository: &'a Repository, problems: &'a mut BTreeMap<PathBuf, String>, length: Duration) -> Result<Self> {
        let lock = repository.lock(Purpose::Write)?;
        repository.remove_left_overs()?;
        Ok(Self {
            repository,
            _lock: lock,
            deadline: Deadline::after(length),
            left: left(repository)?.into_iter().map(|file| file.path).collect(),
            problems,
        })
    }

    fn run(mut self) -> Result<()> {
        self.documents()?;
        self.packs()
    }

    fn documents(&mut self) -> Result<()> {
        let folder = self.repository.dir().join("snapshots");
        let documents: Vec<PathBuf> = self.due(&folder);
        for path in documents {
            if self.deadline.has_passed() {
                break;
            }
            let sealed = self.repository.reseal_document(&path);
            self.note(&path, sealed)?;
        }
        Ok(())
    }

    /// Packs of older keys and the indexes that speak of them.
    fn packs(&mut self) -> Result<()> {
        let repository = self.repository;
        let mut known = repository.sound_index()?;
        adopt::adopt(repository, &mut known)?;
        let older: BTreeSet<PackId> = self
            .due(&repository.packs())
            .iter()
            .filter_map(|path| of_path(path))
            .collect();
        let mut indexes = Vec::new();
        for name in repository.index_names()? {
            match repository.read_index(&name) {
                Ok(packs) => indexes.push((name, packs)),
                Err(e) if e.is_damage() => self.note(&repository.index_path(&name), Err(e))?,
                Err(e) => return Err(e),
            }
        }
        let (mut fresh, mut turn) = (Index::default(), BTreeMap::new());
        for packed in indexes.iter().flat_map(|(_, packs)| packs) {
            if older.contains(&packed.id) {
                turn.insert(packed.id, packed);
            } else if self.is_current(packed, &known) {
                fresh.add(packed);
            }
        }
        for id in older.iter().filter(|id| !turn.contains_key(*id)) {
            let path = id.file_in(&repository.packs());
            let error = BackupError::damaged(&path, "no index speaks of it, and it does not explain itself");
            self.note(&path, Err(error))?;
        }
        let turn: Vec<&Packed> = turn.into_values().collect();
        let most = PACKS_A_PIECE.max(turn.len() / 64).min(turn.len());
        let moved = self.seal_anew(&turn[..most], &fresh)?;
        self.put_in_place(&indexes, &older, &moved)
    }

    fn seal_anew(&mut self, packs: &[&Packed], fresh: &Index) -> Result<Vec<Moved>> {
        let (repository, deadline) = (self.repository, self.deadline);
        let (moved, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let began = AtomicBool::new(false);
        on_all_cores(
            packs,
            || Ok(()),
            |(), packed| {
                // However slow the disk is, one pack is done each time.
                if began.swap(true, Ordering::Relaxed) && deadline.has_passed() {
                    return Ok(());
                }
                let from = packed.id;
                let mut chunks = packed.blocks.iter().flat_map(|block| &block.chunks);
                if chunks.all(|(id, _)| fresh.find(*id).is_some()) {
                    locked(&moved).push(Moved { from, to: None });
                    return Ok(());
                }
                match sealed_anew(repository, packed) {
                    Ok(to) => locked(&moved).push(Moved { from, to: Some(to) }),
                    Err(e) if e.is_damage() => locked(&failed).push((from, e)),
                    Err(e) => return Err(e),
                }
                Ok(())
            },
        )?;
        for (id, error) in failed.into_inner().unwrap_or_default() {
            self.note(&id.file_in(&repository.packs()), Err(error))?;
        }
        Ok(moved.into_inner().unwrap_or_default())
    }

    /// New indexes first; from then on everything is where they say, and what they do not speak of goes.
    fn put_in_place(&self, indexes: &[(String, Vec<Packed>)], older: &BTreeSet<PackId>, moved: &[Moved]) -> Result<()> {
        let repository = self.repository;
        let gone: HashSet<PackId> = moved.iter().map(|one| one.from).collect();
        let is_older = |name: &str| self.left.contains(&repository.index_path(name));
        let waits = |packed: &Packed| older.contains(&packed.id) && !gone.contains(&packed.id);
        let due = indexes.iter().filter(|(name, packs)| {
            packs.iter().any(|packed| gone.contains(&packed.id)) || is_older(name) && !packs.iter().any(waits)
        });
        let due: Vec<_> = due.collect();
        let stay = due
            .iter()
            .flat_map(|(_, packs)| packs)
            .filter(|packed| !gone.contains(&packed.id));
        let new = moved.iter().filter_map(|one| one.to.as_ref());
        let all: BTreeMap<PackId, &Packed> = stay.chain(new).map(|packed| (packed.id, packed)).collect();
        let all: Vec<Packed> = all.into_values().cloned().collect();
        repository.write_indexes(&all)?;
        for (name, _) in due {
            repository.remove_index(name)?;
        }
        gone.iter().try_for_each(|id| repository.remove_pack(*id))
    }

    fn is_current(&self, packed: &Packed, known: &Index) -> bool {
        known.packs().contains_key(&packed.id) && !self.left.contains(&packed.id.file_in(&self.repository.packs()))
    }

    /// Files in `folder` that wait for their turn.
    fn due(&self, folder: &Path) -> Vec<PathBuf> {
        let waits = |path: &&PathBuf| path.parent() == Some(folder) && !self.problems.contains_key(*path);
        self.left.iter().filter(waits).cloned().collect()
    }

    /// Damage stays where it is, for `repair`; anything else ends the run.
    fn note(&mut self, path: &Path, done: Result<()>) -> Result<()> {
        match done {
            Err(e) if e.is_damage() => {
                self.problems.insert(path.to_path_buf(), list::reason(&e));
                Ok(())
            }
            done => done,
        }
    }
}

fn sealed_anew(repository: &Repository, packed: &Packed) -> Result<Packed> {
    let new = repository.reseal_pack(packed)?;
    check::opens(repository, &new)?;
    Ok(new)
}

fn of_path(pack: &Path) -> Option<PackId> {
    PackId::of_file(pack.file_name()?.to_str()?)
}
