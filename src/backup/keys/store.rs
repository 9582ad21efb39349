//! The folder `keys` of a repository: a file for each slot, named by a hash of its bytes so that every flipped bit is found
//! without opening it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::lock::{FolderLock, lock_folder};
use super::slot::{FILE_LIMIT, Slot, Wrapping, file_name};
use super::wrap::all_marks;
use super::{Fingerprint, Keyring, KeysError, Kind, PublicHalf, Result, SlotId};
use crate::disk;

/// More is no folder of slots.
const ENTRIES: usize = 200;

/// A slot that cannot be used, or something that is no slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damaged {
    pub path: PathBuf,
    pub problem: String,
}

/// What can be said of a slot without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: SlotId,
    pub kind: Kind,
    pub label: String,
    pub created: Timestamp,
    pub by: String,
    /// The fingerprints of the master keys that it holds, the current one first.
    pub masters: Vec<Fingerprint>,
    /// Whom a recipient's slot is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<PublicHalf>,
    /// It opens only what was sealed before the master key was last rotated.
    pub behind: bool,
    /// A rotation of it was cut off: what opened it before still does. Rotating it again ends that.
    pub unfinished: bool,
}

/// A slot and where it lies.
#[derive(Debug, Clone)]
pub struct Stored {
    pub path: PathBuf,
    pub slot: Slot,
}

/// Everything in the folder.
#[derive(Debug, Default)]
pub struct Loaded {
    pub slots: Vec<Stored>,
    pub damaged: Vec<Damaged>,
}

/// The folder with nobody else changing it.
pub struct Writable {
    folder: PathBuf,
    _lock: FolderLock,
}

/// Whether the repository has any slot, damaged ones included.
pub fn exists(dir: &Path) -> Result<bool> {
    let loaded = load(dir)?;
    Ok(!loaded.slots.is_empty() || !loaded.damaged.is_empty())
}

/// What is damaged. Every change of a slot's file is found; a file that was taken away is not missed.
pub fn check(dir: &Path) -> Result<Vec<Damaged>> {
    Ok(load(dir)?.damaged)
}

/// The slots, oldest first. Their words are as their files have them; only who opens the repository can tell whether they are true.
pub fn list(dir: &Path) -> Result<Vec<Listed>> {
    Ok(listed(&load(dir)?.slots))
}

/// Slots that nobody made who had this ring. Those that say they hold newer keys besides cannot be judged with it.
pub fn strangers(dir: &Path, ring: &Keyring) -> Result<Vec<SlotId>> {
    let slots = load(dir)?.slots;
    let all = all_marks(ring);
    let is_newer = |masters: &[Fingerprint]| masters.len() > all.len() && masters.ends_with(&all);
    let others = slots
        .iter()
        .filter(|one| !one.slot.is_of(ring) && !is_newer(&one.slot.head.all_masters()));
    Ok(others.map(|one| one.slot.head.id).collect())
}

pub fn folder(dir: &Path) -> PathBuf {
    dir.join("keys")
}

pub fn load(dir: &Path) -> Result<Loaded> {
    let folder = folder(dir);
    let failed = |e| KeysError::io("list", &folder, e);
    let entries = match std::fs::read_dir(&folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Loaded::default()),
        other => other.map_err(failed)?,
    };
    let mut paths = entries
        .take(ENTRIES + 1)
        .map(|entry| Ok(entry.map_err(failed)?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    if paths.len() > ENTRIES {
        return Err(KeysError::TooMany {
            path: folder,
            limit: ENTRIES,
        });
    }
    paths.retain(|path| !is_part(path));
    paths.sort();
    let mut loaded = Loaded::default();
    for path in paths {
        match read(&path) {
            Ok(Some(slot)) => loaded.slots.push(Stored { path, slot }),
            Ok(None) => {}
            Err(KeysError::Damaged { path, problem }) => loaded.damaged.push(Damaged { path, problem }),
            Err(other) => return Err(other),
        }
    }
    loaded
        .slots
        .sort_by_key(|one| (one.slot.head.created, one.slot.head.id));
    Ok(loaded)
}

pub fn listed(slots: &[Stored]) -> Vec<Listed> {
    let mut files = BTreeMap::<SlotId, usize>::new();
    for one in slots {
        *files.entry(one.slot.head.id).or_default() += 1;
    }
    let newest = slots
        .iter()
        .map(|one| one.slot.head.all_masters().len())
        .max()
        .unwrap_or(0);
    slots
        .iter()
        .map(|one| one_of(&one.slot, newest, files.get(&one.slot.head.id) > Some(&1)))
        .collect()
}

fn one_of(slot: &Slot, newest: usize, unfinished: bool) -> Listed {
    let head = &slot.head;
    Listed {
        id: head.id,
        kind: head.kind,
        label: head.label.clone(),
        created: head.created,
        by: head.by.clone(),
        masters: head.masters.clone(),
        recipient: match &head.wrapping {
            Wrapping::Hpke { recipient, .. } if head.kind == Kind::Recipient => Some(*recipient),
            _ => None,
        },
        behind: head.all_masters().len() < newest,
        unfinished,
    }
}

/// One slot; none when it was taken away meanwhile.
fn read(path: &Path) -> Result<Option<Slot>> {
    let damaged = |problem: String| KeysError::Damaged {
        path: path.to_path_buf(),
        problem,
    };
    let is_file = std::fs::symlink_metadata(path).map(|meta| meta.is_file());
    match is_file {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(false) => return Err(damaged("it is not a file".into())),
        _ => {}
    }
    let bytes = match disk::read_limited(path, FILE_LIMIT) {
        Err(e) if e.is_missing() => return Ok(None),
        Err(e) if e.source.kind() == ErrorKind::FileTooLarge => return Err(damaged(e.source.to_string())),
        other => other?,
    };
    let expected = file_name(&bytes);
    if path.file_name().and_then(|name| name.to_str()) != Some(expected.as_str()) {
        return Err(damaged("its bytes are not those that its name stands for".into()));
    }
    Slot::parse(&bytes).map(Some).map_err(damaged)
}

impl Writable {
    /// Makes the folder where it is missing, waits for others, and clears away what the killed have left.
    pub fn take(dir: &Path) -> Result<Self> {
        let folder = folder(dir);
        disk::create_dir_all(&folder)?;
        let lock = lock_folder(&folder)?;
        let entries = std::fs::read_dir(&folder).map_err(|e| KeysError::io("list", &folder, e))?;
        for path in entries.take(ENTRIES).filter_map(|entry| Some(entry.ok()?.path())) {
            if is_part(&path) {
                disk::remove_file(&path)?;
            }
        }
        Ok(Self { folder, _lock: lock })
    }

    /// Writes a slot and reads it back.
    pub fn put(&self, slot: &Slot) -> Result<Stored> {
        let bytes = slot.bytes();
        let path = self.folder.join(file_name(&bytes));
        let damaged = |problem: &str| KeysError::Damaged {
            path: path.clone(),
            problem: problem.to_owned(),
        };
        disk::write_atomic(&path, &bytes, 0o600)?;
        let slot = read(&path)?.filter(|read| read == slot);
        let slot = slot.ok_or_else(|| damaged("it reads back otherwise than it was written"))?;
        Ok(Stored { path, slot })
    }

    pub fn remove(&self, stored: &Stored) -> Result<()> {
        Ok(disk::remove_file(&stored.path)?)
    }
}

fn is_part(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(disk::PART)
}
