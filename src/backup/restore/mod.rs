//! Restoring: unpack and check beside the place, then swap in by rename. An interrupted swap is marked and is finished by
//! restoring again.

mod dumps;
mod fill;
mod finish;
mod settle;
mod wanted;
mod zeros;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use dumps::{Dumps, drill_dumps};
pub use fill::fill;
pub use settle::Settle;
pub use wanted::Wanted;
pub use zeros::Zeros;

use dumps::{Dump, Loaded};

use super::entry::Entry;
use super::listing::ListReader;
use super::repository::{Purpose, Repository};
use super::server::{DUMPS, Server};
use super::{BackupError, BackupId, Restored, Result, Selection, list};
use crate::release::RelPath;
use crate::{disk, host};

/// In the place itself, to be on its file system.
const STAGING: &str = ".netlink-restore";
const NEW: &str = "new";
const MARK: &str = "swapping";
const MARK_LIMIT: u64 = 16 << 20;

/// Restores what `selection` names into `place`, most often the installation's root. Nothing there is touched before all that is
/// selected lies checked, unpacked and durable beside it.
pub fn restore(
    repository: &Repository,
    id: &BackupId,
    selection: &Selection,
    place: &Path,
    dumps: Dumps<'_>,
) -> Result<Restored> {
    let _lock = repository.lock(Purpose::Read)?;
    let snapshot = repository.snapshot(id)?;
    let mark = Mark::of(id, selection);
    mark.refuse_other(place)?;
    let (index, chunking) = (repository.index()?, repository.chunking());
    let list = || ListReader::open(repository, &index, &chunking, &snapshot);
    let to_servers = match (dumps, selection) {
        (Dumps::ToServers(servers), Selection::All) if snapshot.record.dumps > 0 => Some(servers),
        _ => None,
    };
    let found = to_servers.map_or(Ok(Vec::new()), |servers| {
        Dump::find(repository, &index, &chunking, list()?, servers)
    })?;
    let mut paths = mark.only.clone().unwrap_or_else(|| snapshot.record.trees.clone());
    paths.retain(|path| to_servers.is_none() || path.as_str() != DUMPS);
    let wanted = Wanted::find(&snapshot.record, list()?, &paths, &mut Zeros::new(&index, &chunking))?;
    refuse_in_the_way(&wanted, place, repository.dir())?;
    let free = disk::free_space(existing(place))? + left_over(place)?;
    if wanted.room > free {
        return Err(BackupError::NoRoom {
            place: place.to_path_buf(),
            needed: wanted.room,
            free,
        });
    }
    disk::create_dir_all(place)?;
    let staging = place.join(STAGING);
    disk::create_dir_all(&staging)?;
    disk::set_mode(&staging, 0o700)?;
    let new = staging.join(NEW);
    let staged = Settle::beside(&staging, |settle| {
        fill(repository, &index, &chunking, list()?, &wanted, (&new, settle))
    });
    let staged = staged.inspect_err(|_| {
        // The first error is the one to hear. A mark of an earlier restore keeps the folder.
        let _ = disk::remove_tree(&new);
        let _ = disk::remove_empty(&staging);
    })?;
    disk::sync_filesystem(&staging)?;
    let loaded = exchange_databases(found, &mark, place, &new)?;
    for (unit, entry) in &wanted.units {
        swap_in(&wanted, unit, entry, &new, place)?;
    }
    // The mark goes last: until then what is there is not known to be whole.
    disk::remove_tree(&new)?;
    disk::remove_file(&staging.join(MARK))?;
    disk::remove_tree(&staging)?;
    Ok(Restored {
        id: id.clone(),
        files: staged.files,
        bytes: staged.bytes,
        databases: loaded.count(),
        into: place.to_path_buf(),
        left: loaded.forget().err().map(|e| list::reason(&e)),
    })
}

/// Refuses paths that are not in the backup, and anything else than what was cut off half-way: as far as that can be told without
/// reading any content.
pub fn refuse_restore(repository: &Repository, id: &BackupId, selection: &Selection, place: &Path) -> Result<()> {
    let _lock = repository.lock(Purpose::Read)?;
    let snapshot = repository.snapshot(id)?;
    let mark = Mark::of(id, selection);
    mark.refuse_other(place)?;
    let (index, chunking) = (repository.index()?, repository.chunking());
    let list = ListReader::open(repository, &index, &chunking, &snapshot)?;
    let paths = mark.only.unwrap_or_else(|| snapshot.record.trees.clone());
    Wanted::find(&snapshot.record, list, &paths, &mut Zeros::new(&index, &chunking)).map(drop)
}

/// Whether the files of a backup were being put in place when that was cut off.
pub fn is_half_restored(place: &Path) -> bool {
    place.join(STAGING).join(MARK).exists()
}

/// The databases on servers alone. On an error those that were not exchanged yet are as they were; the same again goes on.
pub fn restore_dumps(repository: &Repository, id: &BackupId, servers: &[Server]) -> Result<u64> {
    let _lock = repository.lock(Purpose::Read)?;
    let snapshot = repository.snapshot(id)?;
    let (index, chunking) = (repository.index()?, repository.chunking());
    let list = ListReader::open(repository, &index, &chunking, &snapshot)?;
    let loaded = Loaded::load(Dump::find(repository, &index, &chunking, list, servers)?)?;
    loaded.exchange(&mut false)?;
    loaded.forget()?;
    Ok(loaded.count())
}

/// What an earlier try has left, which goes first.
fn left_over(place: &Path) -> Result<u64> {
    let new = place.join(STAGING).join(NEW);
    Ok(if disk::exists(&new)? { disk::tree_size(&new)? } else { 0 })
}

/// Loads what goes to servers and puts it in place there, once it is marked that a restore has begun to change things. On an error
/// before that nothing has changed, and what lies staged in `new` is forgotten.
fn exchange_databases<'a>(dumps: Vec<Dump<'a>>, mark: &Mark, place: &Path, new: &Path) -> Result<Loaded<'a>> {
    let staging = place.join(STAGING);
    let was_marked = Mark::read(place)?.is_some();
    let undo = |_: &BackupError| {
        // The first error is the one to hear. A restore that was interrupted before stays to be finished.
        let _ = disk::remove_tree(new);
        if !was_marked {
            let _ = disk::remove_tree(&staging);
        }
    };
    let loaded = Loaded::load(dumps).inspect_err(undo)?;
    mark.write(&staging)?;
    let mut begun = false;
    loaded.exchange(&mut begun).inspect_err(|e| {
        // The database from before may be all that there is of it.
        if !begun && !e.is_half_done() {
            let _ = loaded.forget();
            undo(e);
        }
    })?;
    Ok(loaded)
}

/// The folder that is there and in which `place` is or will be.
fn existing(place: &Path) -> &Path {
    let found = place
        .ancestors()
        .find(|path| path.as_os_str().is_empty() || path.exists());
    found
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// An error when a restore into `place` was interrupted while it swapped.
pub fn refuse_interrupted(place: &Path) -> Result<()> {
    match Mark::read(place)? {
        None => Ok(()),
        Some(mark) => Err(interrupted(place, &mark)),
    }
}

/// Finds beforehand what a rename could not do or should not: other file systems, links in the path, the backups themselves.
fn refuse_in_the_way(wanted: &Wanted, place: &Path, dir: &Path) -> Result<()> {
    let Ok(real) = place.canonicalize() else { return Ok(()) };
    let backups = dir.canonicalize().map_err(|e| BackupError::io("look at", dir, e))?;
    let device = std::fs::metadata(&real)
        .map_err(|e| BackupError::io("look at", place, e))?
        .dev();
    let mounted = host::mount_points().map_err(|e| BackupError::io("list the file systems for", place, e))?;
    for (unit, entry) in &wanted.units {
        let in_the_way = |path: PathBuf, problem| Err(BackupError::InTheWay { path, problem });
        if backups.starts_with(real.join(unit)) {
            return in_the_way(place.join(unit), "the backups lie in it");
        }
        // What is replaced is removed: it must not reach into what is mounted there.
        if let Some(point) = mounted.iter().find(|point| point.starts_with(real.join(unit))) {
            return in_the_way(point.clone(), "another file system is mounted there; unmount it first");
        }
        for part in unit.ancestors().filter(|part| !part.as_os_str().is_empty()) {
            let path = place.join(part);
            let meta = match std::fs::symlink_metadata(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(|e| BackupError::io("look at", &path, e))?,
            };
            let must_be_folder = part != unit.as_path();
            if meta.is_symlink() && (must_be_folder || entry.is_folder()) {
                return in_the_way(path, "it is a symbolic link");
            }
            if must_be_folder && !meta.is_dir() {
                return in_the_way(path, "it is not a folder");
            }
            if meta.dev() != device {
                return in_the_way(path, "it is another file system than the folder that it lies in");
            }
        }
    }
    Ok(())
}

fn swap_in(wanted: &Wanted, unit: &Path, entry: &Entry, new: &Path, place: &Path) -> Result<()> {
    let mut missing: Vec<_> = unit
        .ancestors()
        .skip(1)
        .filter(|above| !above.as_os_str().is_empty() && !place.join(above).exists())
        .collect();
    missing.reverse();
    for above in missing {
        let folder = place.join(above);
        disk::create_dir_all(&folder)?;
        if let Some(entry) = wanted.above.get(above) {
            finish::folder(&folder, entry)?;
        }
    }
    let target = place.join(unit);
    if entry.content().is_some_and(|content| content.database) {
        // A log left of the old database would be replayed into the new one.
        for ending in ["-wal", "-shm", "-journal"] {
            let mut name = target.clone().into_os_string();
            name.push(ending);
            disk::remove_file(Path::new(&name))?;
        }
    }
    Ok(disk::exchange(&new.join(unit), &target)?)
}

/// Lies in the staging folder from before the first swap to after the last.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    backup: BackupId,
    only: Option<Vec<RelPath>>,
}

impl Mark {
    fn read(place: &Path) -> Result<Option<Self>> {
        let path = place.join(STAGING).join(MARK);
        let text = match disk::read_limited(&path, MARK_LIMIT) {
            Err(e) if e.is_missing() => return Ok(None),
            other => other?,
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|e| BackupError::damaged(&path, e.to_string()))
    }

    fn write(&self, staging: &Path) -> Result<()> {
        let path = staging.join(MARK);
        let json = serde_json::to_vec(self).map_err(|e| BackupError::io("write", &path, e.into()))?;
        Ok(disk::write_atomic(&path, &json, 0o600)?)
    }

    /// After an interrupted restore only the same one may go on, or one that replaces everything.
    fn of(id: &BackupId, selection: &Selection) -> Self {
        Self {
            backup: id.clone(),
            only: match selection {
                Selection::All => None,
                Selection::Only(paths) => Some(topmost(paths)),
            },
        }
    }

    fn refuse_other(&self, place: &Path) -> Result<()> {
        match Self::read(place)? {
            Some(other) if other != *self && self.only.is_some() => Err(interrupted(place, &other)),
            _ => Ok(()),
        }
    }
}

fn interrupted(place: &Path, mark: &Mark) -> BackupError {
    let only = mark.only.iter().flatten().map(|path| format!(" --only {path}"));
    BackupError::Interrupted {
        place: place.to_path_buf(),
        command: format!("netlink backup restore {}{}", mark.backup, only.collect::<String>()),
    }
}

/// Without repetitions and what lies in another of them.
fn topmost(paths: &[RelPath]) -> Vec<RelPath> {
    let mut paths = paths.to_vec();
    paths.sort();
    paths.dedup();
    let inside = |path: &RelPath| {
        let mut others = paths.iter().filter(|other| *other != path);
        others.any(|other| Path::new(path.as_str()).starts_with(other.as_str()))
    };
    paths.iter().filter(|path| !inside(path)).cloned().collect()
}
