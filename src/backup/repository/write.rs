//! Putting chunks into packs: what is known is skipped, the rest is gathered into blocks that all cores compress and seal, each
//! into a pack of its own. The queue between is short, so that memory is bounded.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::pack::{PackWriter, Packed};
use super::{BlockPlace, ChunkPlace, Index, Repository};
use crate::backup::chunk::{ChunkId, Chunking};
use crate::backup::cores::locked;
use crate::backup::{BackupError, Result};
use crate::host;

/// Plain bytes of a block: enough for zstd to find what repeats, few enough to hold many.
const BLOCK: usize = 1 << 20;
/// A pack is finished when it has reached this size.
const PACK: u64 = 32 << 20;
/// Packs that one index speaks of: when so many are done an index is written, so that a killed run loses less.
const PACKS_AN_INDEX: usize = 16;
const LEVEL: i32 = 3;

/// Lists lie in blocks of their own, so that reading them does not drag content along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    Content,
    List,
}

impl Shelf {
    pub fn of(is_list: bool) -> Self {
        if is_list { Self::List } else { Self::Content }
    }
}

/// What was written into new packs.
#[derive(Debug, Default)]
pub struct Written {
    /// Bytes on disk.
    pub bytes: u64,
    pub blocks: Vec<WrittenBlock>,
}

#[derive(Debug)]
pub struct WrittenBlock {
    /// Its number in the index.
    block: u32,
    pub place: BlockPlace,
    /// Of the file of its pack.
    pack_length: u64,
}

pub struct ChunkWriter<'a> {
    /// Others are not written.
    only: Option<HashSet<ChunkId>>,
    known: &'a mut Index,
    chunking: &'a Chunking,
    repository: &'a Repository,
    shelves: [Filling; 2],
    full: SyncSender<Filling>,
    room: &'a Room,
}

/// A block being filled.
#[derive(Default)]
struct Filling {
    plain: Vec<u8>,
    chunks: Vec<(ChunkId, u32)>,
    /// Its number in the index, once it has a chunk.
    block: u32,
}

/// What the threads share.
struct Room {
    stopped: AtomicBool,
    /// Buffers to be used again.
    empty: Mutex<Vec<Vec<u8>>>,
    /// Finished packs that no index speaks of yet.
    done: Mutex<Vec<Packed>>,
    written: Mutex<Written>,
}

/// Runs `work` with a writer of chunks. When it returns everything it put is in durable packs with durable indexes, and `known`
/// knows where.
pub fn with_writer<T>(
    repository: &Repository,
    chunking: &Chunking,
    known: &mut Index,
    work: impl FnOnce(&mut ChunkWriter<'_>) -> Result<T>,
) -> Result<(T, Written)> {
    let room = Room {
        stopped: AtomicBool::new(false),
        empty: Mutex::default(),
        done: Mutex::default(),
        written: Mutex::default(),
    };
    let threads = host::cores();
    let (full, blocks) = sync_channel::<Filling>(threads);
    let blocks = Mutex::new(blocks);
    let (worked, sealed) = thread::scope(|scope| {
        let sealers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| seal_blocks(repository, &blocks, &room)))
            .collect();
        let mut writer = ChunkWriter {
            only: None,
            known: &mut *known,
            chunking,
            repository,
            shelves: Default::default(),
            full,
            room: &room,
        };
        let worked = work(&mut writer).and_then(|done| writer.finish().map(|()| done));
        if worked.is_err() {
            room.stopped.store(true, Ordering::Relaxed);
        }
        drop(writer);
        let mut sealed = Ok(());
        for sealer in sealers {
            let ended = sealer.join().unwrap_or_else(|_| Err(BackupError::Stopped));
            sealed = sealed.and(ended);
        }
        (worked, sealed)
    });
    // What stopped the sealers is the cause; that the writer then could not go on is not.
    sealed?;
    let worked = worked?;
    let done = room.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !done.is_empty() {
        repository.write_index(&done)?;
    }
    let written = room.written.into_inner().unwrap_or_else(PoisonError::into_inner);
    for one in &written.blocks {
        known.settle(one.block, one.place, one.pack_length);
    }
    Ok((worked, written))
}

impl ChunkWriter<'_> {
    /// From now on writes these chunks only.
    pub fn limit_to(&mut self, only: HashSet<ChunkId>) {
        self.only = Some(only);
    }

    pub fn knows(&self, id: ChunkId) -> bool {
        self.known.find(id).is_some()
    }

    pub fn put(&mut self, shelf: Shelf, chunk: &[u8]) -> Result<ChunkId> {
        let id = self.chunking.id(chunk);
        if self.knows(id) || self.only.as_ref().is_some_and(|only| !only.contains(&id)) {
            return Ok(id);
        }
        let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let at = self.shelves[shelf as usize].plain.len();
        if at > 0 && at + chunk.len() > BLOCK {
            self.send(shelf)?;
        }
        let filling = &mut self.shelves[shelf as usize];
        if filling.chunks.is_empty() {
            filling.block = self.known.new_block();
            if filling.plain.capacity() == 0 {
                filling.plain = locked(&self.room.empty)
                    .pop()
                    .unwrap_or_else(|| Vec::with_capacity(BLOCK));
            }
        }
        let place = ChunkPlace {
            block: filling.block,
            at: u32::try_from(filling.plain.len()).unwrap_or(u32::MAX),
            length,
        };
        self.known.note(id, place);
        filling.plain.extend_from_slice(chunk);
        filling.chunks.push((id, length));
        Ok(id)
    }

    fn send(&mut self, shelf: Shelf) -> Result<()> {
        let full = std::mem::take(&mut self.shelves[shelf as usize]);
        if full.chunks.is_empty() {
            return Ok(());
        }
        if self.room.stopped.load(Ordering::Relaxed) {
            return Err(BackupError::Stopped);
        }
        self.full.send(full).map_err(|_| BackupError::Stopped)
    }

    /// What is left is little: it is sealed here, so that a small backup is the work of one thread, one thing after the other.
    fn finish(&mut self) -> Result<()> {
        let mut sealing = Sealing::new(self.repository, self.room)?;
        for filling in std::mem::take(&mut self.shelves) {
            if !filling.chunks.is_empty() {
                sealing.seal(filling)?;
            }
        }
        sealing.finish()
    }
}

/// Until there are no more blocks, or somebody failed.
fn seal_blocks(repository: &Repository, blocks: &Mutex<Receiver<Filling>>, room: &Room) -> Result<()> {
    let sealed = Sealing::new(repository, room).and_then(|mut sealing| {
        loop {
            let next = locked(blocks).recv();
            match next {
                Ok(_) if room.stopped.load(Ordering::Relaxed) => {}
                Ok(filling) => sealing.seal(filling)?,
                Err(_) if room.stopped.load(Ordering::Relaxed) => return Ok(()),
                Err(_) => return sealing.finish(),
            }
        }
    });
    if sealed.is_err() {
        room.stopped.store(true, Ordering::Relaxed);
        // The one who fills waits for room in the queue; nobody but us makes any.
        while locked(blocks).recv().is_ok() {}
    }
    sealed
}

/// One thread's way of blocks into packs.
struct Sealing<'a> {
    repository: &'a Repository,
    room: &'a Room,
    packs: PathBuf,
    zstd: zstd::bulk::Compressor<'static>,
    compressed: Vec<u8>,
    /// The pack being written, and the numbers of its blocks in the index.
    open: Option<(PackWriter, Vec<u32>)>,
}

impl<'a> Sealing<'a> {
    fn new(repository: &'a Repository, room: &'a Room) -> Result<Self> {
        let packs = repository.packs();
        let zstd = zstd::bulk::Compressor::new(LEVEL).map_err(|e| BackupError::io("compress for", &packs, e))?;
        Ok(Self {
            repository,
            room,
            packs,
            zstd,
            compressed: Vec::new(),
            open: None,
        })
    }

    fn seal(&mut self, filling: Filling) -> Result<()> {
        self.compressed.clear();
        self.compressed
            .reserve(zstd::zstd_safe::compress_bound(filling.plain.len()) + 64);
        self.zstd
            .compress_to_buffer(&filling.plain, &mut self.compressed)
            .map_err(|e| BackupError::io("compress for", &self.packs, e))?;
        let (mut pack, mut numbers) = match self.open.take() {
            Some(open) => open,
            None => (PackWriter::create(&self.packs, self.repository.master())?, Vec::new()),
        };
        let plain = u32::try_from(filling.plain.len()).unwrap_or(u32::MAX);
        pack.add(&mut self.compressed, plain, filling.chunks)?;
        numbers.push(filling.block);
        let mut buffer = filling.plain;
        buffer.clear();
        locked(&self.room.empty).push(buffer);
        let is_full = pack.length() >= PACK;
        self.open = Some((pack, numbers));
        if is_full { self.finish() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<()> {
        match self.open.take() {
            Some((pack, numbers)) => finish_pack(self.repository, pack, &numbers, self.room),
            None => Ok(()),
        }
    }
}

fn finish_pack(repository: &Repository, pack: PackWriter, numbers: &[u32], room: &Room) -> Result<()> {
    let packed = pack.finish()?;
    {
        let mut written = locked(&room.written);
        written.bytes += packed.length;
        let placed = (0..).zip(numbers).filter_map(|(number, block)| {
            Some(WrittenBlock {
                block: *block,
                place: packed.place(number)?,
                pack_length: packed.length,
            })
        });
        written.blocks.extend(placed);
    }
    let indexed = {
        let mut done = locked(&room.done);
        done.push(packed);
        if done.len() >= PACKS_AN_INDEX {
            std::mem::take(&mut *done)
        } else {
            Vec::new()
        }
    };
    match indexed.is_empty() {
        true => Ok(()),
        false => repository.write_index(&indexed),
    }
}
