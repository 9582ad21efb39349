//! Reading one file into chunks: a copy that changed while it was read is noticed and read again.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::databases::Live;
use crate::backup::chunk::{ChunkId, Chunking, Cut, Cutter, each_chunk};
use crate::backup::repository::{ChunkWriter, Shelf};
use crate::backup::{BackupError, Result};
use crate::store::{self, SqliteFileError};

/// Files up to this size are read in one piece.
const SMALL: u64 = 1 << 20;
const PIECE: usize = 256 << 10;
/// How often a file is read that changes meanwhile.
const READINGS: u32 = 3;
/// A file larger than this is read again only once: it is most likely one that never holds still.
const LONG: u64 = 1 << 30;

/// What was read of a file.
pub struct Reading {
    /// Of the file, as it was after the last reading.
    pub meta: Metadata,
    pub size: u64,
    pub chunks: Vec<ChunkId>,
    pub unsettled: bool,
}

pub struct Reader<'a> {
    chunking: &'a Chunking,
    piece: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub fn new(chunking: &'a Chunking) -> Self {
        Self {
            chunking,
            piece: Vec::new(),
        }
    }

    /// None when the file is gone or has become something else.
    pub fn file(
        &mut self,
        full: &Path,
        to: &mut ChunkWriter<'_>,
        heard: &mut dyn FnMut(u64),
    ) -> Result<Option<Reading>> {
        let Some((mut file, mut meta)) = open(full)? else {
            return Ok(None);
        };
        let failed = |e| BackupError::io("read", full, e);
        let most = if meta.len() > LONG { 2 } else { READINGS };
        let mut readings = 1;
        loop {
            let (size, chunks) = self.read(full, &mut file, meta.len(), to, heard)?;
            let now = file.metadata().map_err(failed)?;
            let settled = state(&now) == state(&meta) && size == now.len();
            if settled || readings == most {
                let reading = Reading {
                    meta: now,
                    size,
                    chunks,
                    unsettled: !settled,
                };
                return Ok(Some(reading));
            }
            readings += 1;
            meta = now;
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
        }
    }

    /// Up to `size` bytes: what a log gains meanwhile belongs to the next backup.
    fn read(
        &mut self,
        full: &Path,
        file: &mut File,
        size: u64,
        to: &mut ChunkWriter<'_>,
        heard: &mut dyn FnMut(u64),
    ) -> Result<(u64, Vec<ChunkId>)> {
        let failed = |e| BackupError::io("read", full, e);
        let mut chunks = Vec::new();
        let mut put = |chunk: &[u8]| {
            chunks.push(to.put(Shelf::Content, chunk)?);
            Ok::<_, BackupError>(())
        };
        if size <= SMALL {
            self.piece.clear();
            file.take(size).read_to_end(&mut self.piece).map_err(failed)?;
            let cut = Cut::of(&self.piece, size);
            each_chunk(self.chunking, cut, &self.piece, &mut put)?;
            heard(self.piece.len() as u64);
            return Ok((self.piece.len() as u64, chunks));
        }
        let mut cutter: Option<Cutter<'_>> = None;
        let mut left = size;
        loop {
            self.piece.clear();
            let most = left.min(PIECE as u64);
            file.take(most).read_to_end(&mut self.piece).map_err(failed)?;
            left -= self.piece.len() as u64;
            heard(self.piece.len() as u64);
            let head = &self.piece;
            cutter
                .get_or_insert_with(|| Cutter::new(self.chunking, Cut::of(head, size)))
                .take(&self.piece, &mut put)?;
            if left == 0 || (self.piece.len() as u64) < most {
                break;
            }
        }
        if let Some(cutter) = cutter {
            cutter.finish(&mut put)?;
        }
        Ok((size - left, chunks))
    }

    /// A live database at one moment; none when it is none, or one that SQLite cannot open and that nobody said is one.
    pub fn live(
        &self,
        live: Live,
        full: &Path,
        to: &mut ChunkWriter<'_>,
        heard: &mut dyn FnMut(u64),
    ) -> Result<Option<(u64, Vec<ChunkId>)>> {
        match live {
            Live::No => Ok(None),
            Live::Named => self.database(full, to, heard).map(Some),
            Live::Found => match self.database(full, to, heard) {
                Err(BackupError::Database(SqliteFileError::Sqlite { .. })) => Ok(None),
                copied => copied.map(Some),
            },
        }
    }

    /// Its log included.
    fn database(
        &self,
        full: &Path,
        to: &mut ChunkWriter<'_>,
        heard: &mut dyn FnMut(u64),
    ) -> Result<(u64, Vec<ChunkId>)> {
        let size = std::fs::metadata(full).map_or(0, |meta| meta.len());
        let mut cutter = Cutter::new(self.chunking, Cut::pages(size));
        let (mut chunks, mut bytes) = (Vec::new(), 0);
        let mut put = |chunk: &[u8]| {
            chunks.push(to.put(Shelf::Content, chunk)?);
            Ok::<_, BackupError>(())
        };
        store::read_pages(full, &mut |page: &[u8]| {
            bytes += page.len() as u64;
            heard(page.len() as u64);
            cutter.take(page, &mut put)
        })?;
        cutter.finish(&mut put)?;
        Ok((bytes, chunks))
    }
}

/// What changes when a file is written to.
fn state(meta: &Metadata) -> (u64, i64, i64, i64, i64) {
    (
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ctime(),
        meta.ctime_nsec(),
    )
}

/// Opens a regular file; none when it is gone or has become something else, which must not be followed or hung on.
fn open(path: &Path) -> Result<Option<(File, Metadata)>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(e) => return Err(BackupError::io("open", path, e.into())),
    };
    let meta = file.metadata().map_err(|e| BackupError::io("look at", path, e))?;
    Ok(meta.is_file().then_some((file, meta)))
}

/// The extended attributes of a file or folder (of a link itself none), in order.
pub fn attributes(path: &Path) -> Result<Vec<(OsString, Vec<u8>)>> {
    let failed = |e: Errno| BackupError::io("read the attributes of", path, e.into());
    let mut names = Vec::with_capacity(1024);
    match rustix::fs::llistxattr(path, rustix::buffer::spare_capacity(&mut names)) {
        Ok(_) => {}
        Err(Errno::RANGE) => {
            names.reserve(64 << 10);
            rustix::fs::llistxattr(path, rustix::buffer::spare_capacity(&mut names)).map_err(failed)?;
        }
        Err(Errno::OPNOTSUPP | Errno::NOENT) => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    }
    let mut found = Vec::new();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = OsStr::from_bytes(name);
        let mut value = Vec::with_capacity(64 << 10);
        match rustix::fs::lgetxattr(path, name, rustix::buffer::spare_capacity(&mut value)) {
            Ok(_) => found.push((name.to_owned(), value)),
            // Gone meanwhile, or one that only its own program may read.
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::NOENT) => {}
            Err(e) => return Err(failed(e)),
        }
    }
    found.sort();
    Ok(found)
}
