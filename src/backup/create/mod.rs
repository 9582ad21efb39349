//! Making a backup: chunks into packs, their index, read back; then the snapshot that makes it count.

mod databases;
mod dump;
mod parent;
mod read;
mod walk;

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use databases::{Databases, Live};
use parent::Parent;
use read::{Reader, Reading};
use walk::{Found, Walk};

use super::chunk::{ChunkId, Chunking};
use super::entry::{Content, Entry, Name, Seen, What};
use super::listing::{ListReader, ListWriter, Lists};
use super::repository::{ChunkWriter, Index, Purpose, Repository, Snapshot, with_writer};
use super::server::DUMPS;
use super::verify::each_chunk_of;
use super::{BackupError, BackupId, Failure, Kind, Listed, Record, Request, Result, adopt, check, list, restore};
use crate::clock;
use crate::release::RelPath;

/// Backs up what `request` names. `progress` hears how many bytes of files are done, and of how many as far as that is known.
/// What an earlier try of the same step of an update has made is replaced: the product may have gone on writing since.
pub fn create(repository: &Repository, request: &Request, progress: &mut dyn FnMut(u64, u64)) -> Result<Record> {
    let _lock = repository.lock(Purpose::Write)?;
    restore::refuse_interrupted(&request.root)?;
    let id = free_id(repository, request)?;
    let made = make(repository, request, &id, progress);
    if let Err(error) = &made {
        // Whoever looks for the backup should find why there is none; on a full disk even that may not fit.
        // One that counts was made, and only what came after it failed.
        if repository.is_free(&id)? {
            let failure = Failure::of(&id, request, error);
            let _ = serde_json::to_vec(&failure).map(|json| repository.write_failure(&id, &json));
        }
    }
    made
}

fn make(
    repository: &Repository,
    request: &Request,
    id: &BackupId,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Record> {
    let began = clock::monotonic();
    let chunking = repository.chunking();
    // Known before anything is read: a server that cannot be reached, a tool that is missing.
    request.servers.iter().try_for_each(|server| server.check().map(drop))?;
    repository.remove_left_overs()?;
    let mut known = repository.sound_index()?;
    adopt::adopt(repository, &mut known)?;
    let listed = list::of(repository)?;
    let earlier = earlier(&listed, request);
    let expected = earlier.as_ref().map_or(0, |earlier| earlier.record.size);
    let lists = earlier.as_ref().map(|earlier| known.only(earlier.lists()));
    let parent = match (&earlier, &lists) {
        (Some(earlier), Some(lists)) if !request.full => {
            let list = ListReader::open(repository, lists, &chunking, earlier)?;
            Parent::new(list, earlier.record.created)?
        }
        _ => None,
    };
    if parent.is_none() {
        // What cannot be read, or is not to be relied on, must not stand for what is written now.
        earlier
            .iter()
            .flat_map(Snapshot::lists)
            .for_each(|id| known.forget(*id));
    }
    let files = dump::trees_of_files(request, walk::present(request)?);
    let ((lists, counts), written) = with_writer(repository, &chunking, &mut known, |to| {
        let making = Making {
            request,
            to,
            parent,
            list: ListWriter::new(&chunking),
            reader: Reader::new(&chunking),
            chunking: &chunking,
            names: HashMap::new(),
            databases: Databases::of(request),
            counts: Counts::default(),
            progress: &mut |done| progress(done, expected.max(done)),
        };
        making.add_all(&files, &[repository.dir(), &request.backups, &request.scratch])
    })?;
    check::read_back(repository, &written)?;
    let record = Record {
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        new_bytes: written.bytes,
        ..counts.record(repository, request, id)
    };
    let Lists { entries, contents } = lists;
    let snapshot = Snapshot {
        record,
        entries,
        contents,
    };
    put_in_place(repository, &known, &chunking, &snapshot)?;
    for id in made_before(&listed, request) {
        repository.remove_snapshot(&id)?;
    }
    Ok(snapshot.record)
}

/// Makes the backup count, once both lists were read to their ends and all that they name is there.
fn put_in_place(repository: &Repository, known: &Index, chunking: &Chunking, snapshot: &Snapshot) -> Result<()> {
    read_lists_back(repository, known, chunking, snapshot)?;
    repository.write_snapshot(snapshot)?;
    let id = &snapshot.record.id;
    if repository.snapshot(id)? == *snapshot {
        return Ok(());
    }
    let path = repository.snapshot_path(id);
    repository.remove_snapshot(id)?;
    Err(BackupError::damaged(&path, "it is not what was written"))
}

fn read_lists_back(repository: &Repository, known: &Index, chunking: &Chunking, snapshot: &Snapshot) -> Result<()> {
    each_chunk_of(repository, known, chunking, snapshot, &mut |id| match known.find(id) {
        Some(_) => Ok(()),
        None => Err(BackupError::missing_chunk(repository.dir(), id)),
    })
}

/// The newest whole backup of the same place.
fn earlier(listed: &[(Listed, Option<Snapshot>)], request: &Request) -> Option<Snapshot> {
    let root = request.root.to_string_lossy();
    let mut whole = listed.iter().filter_map(|(_, snapshot)| snapshot.as_ref());
    whole.find(|snapshot| snapshot.record.root == root).cloned()
}

/// Backups that earlier tries of the same step have made: of the same update, before it left the same version.
fn made_before(listed: &[(Listed, Option<Snapshot>)], request: &Request) -> Vec<BackupId> {
    let Kind::BeforeUpdate(update) = &request.kind else {
        return Vec::new();
    };
    let same = |one: &&(Listed, Option<Snapshot>)| {
        one.0.is_for(update) && one.1.as_ref().is_some_and(|one| one.record.version == request.version)
    };
    listed.iter().filter(same).map(|one| one.0.id.clone()).collect()
}

fn free_id(repository: &Repository, request: &Request) -> Result<BackupId> {
    let mut n = 1;
    loop {
        let id = BackupId::new(request.version.as_ref(), request.created, n)
            .map_err(|e| BackupError::damaged(repository.dir(), e.to_string()))?;
        if repository.is_free(&id)? {
            return Ok(id);
        }
        n += 1;
    }
}

#[derive(Default)]
struct Counts {
    files: u64,
    bytes: u64,
    unsettled: u64,
    special: u64,
    outside: Vec<RelPath>,
    trees: Vec<RelPath>,
    dumps: u64,
}

impl Counts {
    /// What a backup says of itself, but for what is known at its end.
    fn record(self, repository: &Repository, request: &Request, id: &BackupId) -> Record {
        Record {
            id: id.clone(),
            kind: request.kind.clone(),
            version: request.version.clone(),
            by: request.by.clone(),
            root: request.root.to_string_lossy().into_owned(),
            created: request.created,
            duration_ms: 0,
            trees: self.trees,
            files: self.files,
            size: self.bytes,
            new_bytes: 0,
            unsettled: self.unsettled,
            special: self.special,
            outside: self.outside,
            dumps: self.dumps,
            key: repository.master().fingerprint(),
        }
    }
}

struct Making<'a, 'w> {
    request: &'a Request,
    to: &'a mut ChunkWriter<'w>,
    parent: Option<Parent<'a>>,
    list: ListWriter<'a>,
    reader: Reader<'a>,
    chunking: &'a Chunking,
    /// Files with several names, by device and inode: the first name.
    names: HashMap<(u64, u64), PathBuf>,
    databases: Databases,
    counts: Counts,
    progress: &'a mut dyn FnMut(u64),
}

impl Making<'_, '_> {
    /// Files and dumps in the order of their paths.
    fn add_all(mut self, trees: &[RelPath], not_ours: &[&Path]) -> Result<(Lists, Counts)> {
        let (before, after): (Vec<_>, Vec<_>) = trees.iter().cloned().partition(|tree| tree.as_str() < DUMPS);
        self.add_trees(&before, not_ours)?;
        self.add_dumps()?;
        self.add_trees(&after, not_ours)?;
        self.counts.outside = self.databases.outside;
        Ok((self.list.finish(self.to)?, self.counts))
    }

    fn add_trees(&mut self, trees: &[RelPath], not_ours: &[&Path]) -> Result<()> {
        for found in Walk::new(self.request, trees.to_vec(), not_ours) {
            let found = found?;
            self.add(&found)?;
            // One that vanishes before its turn is none.
            let tree = trees.iter().find(|tree| Path::new(tree.as_str()) == found.path);
            self.counts.trees.extend(tree.cloned());
        }
        Ok(())
    }

    fn add(&mut self, found: &Found) -> Result<()> {
        let Found { path, meta, .. } = found;
        if meta.is_file() && self.databases.is_beside(path) {
            return Ok(());
        }
        let full = self.request.root.join(path);
        if meta.is_dir() {
            let mut entry = Entry::of(path, meta, What::Folder);
            entry.set_attributes(&read::attributes(&full)?);
            return self.list.add(self.to, &entry, &[]);
        }
        if meta.is_symlink() {
            let target = walk::unless_missing(std::fs::read_link(&full));
            let Some(target) = target.map_err(|e| BackupError::io("read the link", &full, e))? else {
                return Ok(());
            };
            self.counts.files += 1;
            let what = What::Link {
                target: Name::of(&target),
            };
            return self.list.add(self.to, &Entry::of(path, meta, what), &[]);
        }
        if !meta.is_file() {
            self.counts.special += 1;
            return self.list.add(self.to, &Entry::of(path, meta, What::Special), &[]);
        }
        self.add_file(found, &full)
    }

    fn add_file(&mut self, found: &Found, full: &Path) -> Result<()> {
        let Found { path, meta, .. } = found;
        let live = self.databases.live(found, full);
        let mut seen = Seen::of(meta);
        if live != Live::No {
            seen.log = log_of(full);
        }
        let taken_over = match &mut self.parent {
            Some(parent) => parent.unchanged(path, meta, &seen)?,
            None => None,
        };
        if let Some((mut entry, chunks)) = taken_over
            && chunks.iter().all(|id| self.to.knows(*id))
        {
            if let What::File(content) = &mut entry.what {
                content.same_as = self.first_name(path, meta);
                if content.database {
                    self.databases.copied(path);
                }
            }
            (self.progress)(self.counts.bytes + entry.size());
            return self.add_entry(&entry, &chunks);
        }
        let done = self.counts.bytes;
        let mut read = 0;
        let progress = &mut *self.progress;
        let mut heard = |n| {
            read += n;
            progress(done + read);
        };
        let copied = self.reader.live(live, full, self.to, &mut heard)?;
        let copied = copied.map(|(size, chunks)| Reading {
            meta: meta.clone(),
            size,
            chunks,
            unsettled: false,
        });
        let database = copied.is_some();
        if database {
            self.databases.copied(path);
        }
        let reading = match copied {
            Some(copied) => Some(copied),
            None => self.reader.file(full, self.to, &mut heard)?,
        };
        match reading {
            Some(reading) => self.add_reading(path, full, reading, database, seen.log),
            None => Ok(()),
        }
    }

    fn add_reading(
        &mut self,
        path: &Path,
        full: &Path,
        reading: Reading,
        database: bool,
        log: Option<(u64, i64, u32)>,
    ) -> Result<()> {
        let Reading {
            meta,
            size,
            chunks,
            unsettled,
        } = reading;
        let content = Content {
            size,
            chunks: chunks.len() as u64,
            database,
            unsettled,
            sparse: meta.blocks() * 512 < meta.len(),
            same_as: self.first_name(path, &meta),
            seen: Seen { log, ..Seen::of(&meta) },
        };
        let mut entry = Entry::of(path, &meta, What::File(content));
        entry.set_attributes(&read::attributes(full)?);
        self.counts.unsettled += u64::from(unsettled);
        self.add_entry(&entry, &chunks)
    }

    fn add_entry(&mut self, entry: &Entry, chunks: &[ChunkId]) -> Result<()> {
        self.counts.files += 1;
        self.counts.bytes += entry.size();
        self.list.add(self.to, entry, chunks)
    }

    /// The earlier name of this file, if it has one.
    fn first_name(&mut self, path: &Path, meta: &Metadata) -> Option<Name> {
        if meta.nlink() < 2 {
            return None;
        }
        match self.names.entry((meta.dev(), meta.ino())) {
            std::collections::hash_map::Entry::Occupied(first) => Some(Name::of(first.get())),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(path.to_path_buf());
                None
            }
        }
    }
}

/// Size and time of the log beside a database. An empty one says nothing, and is what a mere reader leaves, this one too.
fn log_of(database: &Path) -> Option<(u64, i64, u32)> {
    let meta = std::fs::metadata(databases::with(database, "-wal")).ok()?;
    (meta.len() > 0).then(|| (meta.len(), meta.mtime(), super::entry::nanos(meta.mtime_nsec())))
}

/// Puts the content of all files that are there, for the chunks alone. Gives those that cannot be read, with the reason.
pub fn put_files(
    repository: &Repository,
    chunking: &Chunking,
    request: &Request,
    to: &mut ChunkWriter<'_>,
) -> Result<Vec<String>> {
    let (mut reader, mut unread) = (Reader::new(chunking), Vec::new());
    let mut databases = Databases::of(request);
    let trees = walk::present(request)?;
    for found in Walk::new(request, trees, &[repository.dir(), &request.backups, &request.scratch]) {
        let found = match found {
            Err(e @ BackupError::Io { .. }) => {
                unread.push(list::reason(&e));
                continue;
            }
            found => found?,
        };
        if !found.meta.is_file() || databases.is_beside(&found.path) {
            continue;
        }
        let full = request.root.join(&found.path);
        let read = match reader.live(databases.live(&found, &full), &full, to, &mut |_| {}) {
            Ok(None) => reader.file(&full, to, &mut |_| {}).map(drop),
            copied => copied.map(|_| databases.copied(&found.path)),
        };
        match read {
            // What fails elsewhere, where it is written, ends the work.
            Err(BackupError::Io { path, action, source }) if path == full => {
                unread.push(list::reason(&BackupError::io(action, &path, source)));
            }
            Err(e @ BackupError::Database(_)) => unread.push(list::reason(&e)),
            read => read?,
        }
    }
    Ok(unread)
}
