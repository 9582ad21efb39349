//! The two lists of a backup: its entries, a line of JSON each in the order of their paths, and the chunks of its files. Both are
//! kept as chunks themselves, so that a backup of what has hardly changed hardly adds anything.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use super::chunk::{ChunkId, Chunking, Cut, Cutter};
use super::entry::Entry;
use super::repository::{BlockReader, ChunkWriter, Index, Repository, Shelf, Snapshot};
use super::{BackupError, Result};
use crate::named;
use crate::release::RelPath;

/// A line longer than this is neither written nor read: two paths of 4096 bytes and several attributes of 64 KiB, in hex.
const LINE_LIMIT: u64 = 1 << 20;
const CUT: Cut = Cut::Content(64 << 10);
const ID: usize = 16;

pub struct ListWriter<'a> {
    entries: Cutter<'a>,
    contents: Cutter<'a>,
    lists: Lists,
    bytes: Vec<u8>,
}

/// The chunks of both lists.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Lists {
    pub entries: Vec<ChunkId>,
    pub contents: Vec<ChunkId>,
}

impl<'a> ListWriter<'a> {
    pub fn new(chunking: &'a Chunking) -> Self {
        Self {
            entries: Cutter::new(chunking, CUT),
            contents: Cutter::new(chunking, CUT),
            lists: Lists::default(),
            bytes: Vec::new(),
        }
    }

    pub fn add(&mut self, to: &mut ChunkWriter<'_>, entry: &Entry, chunks: &[ChunkId]) -> Result<()> {
        self.bytes.clear();
        serde_json::to_writer(&mut self.bytes, entry)
            .map_err(|e| BackupError::io("describe", &entry.path.path(), e.into()))?;
        self.bytes.push(b'\n');
        if self.bytes.len() as u64 > LINE_LIMIT {
            return Err(BackupError::AttributesTooLong {
                path: entry.path.path(),
            });
        }
        let lists = &mut self.lists;
        self.entries.take(&self.bytes, &mut |chunk| {
            lists.entries.push(to.put(Shelf::List, chunk)?);
            Ok::<_, BackupError>(())
        })?;
        self.bytes.clear();
        chunks.iter().for_each(|id| self.bytes.extend_from_slice(&id.0));
        self.contents.take(&self.bytes, &mut |chunk| {
            lists.contents.push(to.put(Shelf::List, chunk)?);
            Ok::<_, BackupError>(())
        })
    }

    pub fn finish(self, to: &mut ChunkWriter<'_>) -> Result<Lists> {
        let mut lists = self.lists;
        self.entries.finish(&mut |chunk| {
            lists.entries.push(to.put(Shelf::List, chunk)?);
            Ok::<_, BackupError>(())
        })?;
        self.contents.finish(&mut |chunk| {
            lists.contents.push(to.put(Shelf::List, chunk)?);
            Ok::<_, BackupError>(())
        })?;
        Ok(lists)
    }
}

/// Gives the entries one by one, each with the chunks of its content.
pub struct ListReader<'a> {
    entries: BufReader<Stream<'a>>,
    contents: BufReader<Stream<'a>>,
    path: PathBuf,
    order: Order,
}

/// An entry with its chunks.
pub type Listed = (Entry, Vec<ChunkId>);

impl<'a> ListReader<'a> {
    pub fn open(
        repository: &'a Repository,
        index: &'a Index,
        chunking: &'a Chunking,
        snapshot: &Snapshot,
    ) -> Result<Self> {
        let stream = |chunks: Vec<ChunkId>| {
            Ok::<_, BackupError>(BufReader::with_capacity(
                64 << 10,
                Stream {
                    blocks: BlockReader::new(repository, index, chunking)?,
                    chunks: chunks.into_iter(),
                    held: Vec::new(),
                    given: 0,
                    failed: None,
                },
            ))
        };
        Ok(Self {
            entries: stream(snapshot.entries.clone())?,
            contents: stream(snapshot.contents.clone())?,
            path: repository.snapshot_path(&snapshot.record.id),
            order: Order::of(&snapshot.record.trees),
        })
    }

    fn read(&mut self) -> Result<Option<Listed>> {
        let mut line = Vec::new();
        let read = Read::by_ref(&mut self.entries)
            .take(LINE_LIMIT)
            .read_until(b'\n', &mut line);
        if let Err(e) = read {
            return Err(self.entries.get_mut().cause(&self.path, e));
        }
        if line.is_empty() {
            return self.at_end();
        }
        let wrong = |problem: &str| BackupError::damaged(&self.path, format!("its list of entries {problem}"));
        let entry: Entry = named::from_json(&line).map_err(|e| wrong(&format!("is not understood: {e}")))?;
        let path = entry.path.path();
        let same_as = entry.content().and_then(|content| content.same_as.as_ref());
        if !is_inside(&path) || same_as.is_some_and(|other| !is_inside(&other.path())) {
            return Err(wrong("names a path outside the installation"));
        }
        self.order.take(&path, entry.is_folder()).map_err(wrong)?;
        let mut chunks = Vec::new();
        for _ in 0..entry.chunks() {
            let mut id = [0; ID];
            if let Err(e) = self.contents.read_exact(&mut id) {
                return Err(self.contents.get_mut().cause(&self.path, e));
            }
            chunks.push(ChunkId(id));
        }
        Ok(Some((entry, chunks)))
    }

    fn at_end(&mut self) -> Result<Option<Listed>> {
        match self.contents.fill_buf().map(<[u8]>::is_empty) {
            Ok(true) => match self.order.missing() {
                None => Ok(None),
                Some(tree) => Err(BackupError::damaged(
                    &self.path,
                    format!("it lists nothing of its tree `{tree}`"),
                )),
            },
            Ok(false) => Err(BackupError::damaged(
                &self.path,
                "it lists chunks that belong to no file",
            )),
            Err(e) => Err(self.contents.get_mut().cause(&self.path, e)),
        }
    }
}

/// Folders come before what is in them, and all in the order of their paths, so that nothing is ever written through a link or over
/// something else.
struct Order {
    /// Trees that are still to come, last first.
    trees: Vec<RelPath>,
    /// The folders that the last entry lies in, itself included when it is one, each with the last name in it.
    folders: Vec<(PathBuf, OsString)>,
}

impl Order {
    fn of(trees: &[RelPath]) -> Self {
        let mut trees = trees.to_vec();
        trees.sort_by(|a, b| Path::new(b.as_str()).cmp(Path::new(a.as_str())));
        Self {
            trees,
            folders: Vec::new(),
        }
    }

    fn take(&mut self, path: &Path, is_folder: bool) -> std::result::Result<(), &'static str> {
        while self
            .folders
            .pop_if(|(folder, _)| path.parent() != Some(folder))
            .is_some()
        {}
        let name = path.file_name().unwrap_or_default();
        match self.folders.last_mut() {
            Some((_, last)) if name <= last.as_os_str() => return Err("is not in order"),
            Some((_, last)) => name.clone_into(last),
            None if self.trees.pop_if(|tree| Path::new(tree.as_str()) == path).is_some() => {}
            None => return Err("names something that lies in no folder of the backup"),
        }
        if is_folder {
            self.folders.push((path.to_path_buf(), OsString::new()));
        }
        Ok(())
    }

    fn missing(&self) -> Option<&RelPath> {
        self.trees.last()
    }
}

fn is_inside(path: &Path) -> bool {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    plain && !path.as_os_str().is_empty()
}

impl Iterator for ListReader<'_> {
    type Item = Result<Listed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Chunks one after the other as one stream.
struct Stream<'a> {
    blocks: BlockReader<'a>,
    chunks: std::vec::IntoIter<ChunkId>,
    held: Vec<u8>,
    given: usize,
    /// What an error of [`Read`] cannot carry.
    failed: Option<BackupError>,
}

impl Stream<'_> {
    fn cause(&mut self, path: &Path, error: io::Error) -> BackupError {
        self.failed.take().unwrap_or_else(|| BackupError::reading(path, error))
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.given == self.held.len() {
            let Some(id) = self.chunks.next() else { return Ok(0) };
            self.held.clear();
            self.given = 0;
            match self.blocks.chunk(id) {
                Ok(chunk) => self.held.extend_from_slice(chunk),
                Err(e) => {
                    self.failed = Some(e);
                    return Err(io::Error::other("a chunk of a list cannot be read"));
                }
            }
        }
        let n = buf.len().min(self.held.len() - self.given);
        buf[..n].copy_from_slice(&self.held[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}
