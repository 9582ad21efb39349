//! Pack files: sealed blocks of many chunks each, and at the end a sealed list of them, so that a pack explains itself.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::BlockPlace;
use super::coding::{Cursor, put_u32, put_u64};
use crate::backup::chunk::ChunkId;
use crate::backup::keys::{Fingerprint, Keyring, Master};
use crate::backup::{BackupError, Result};
use crate::crypt::{BlockCipher, random};
use crate::disk::NewFile;

pub(super) const MAGIC: &[u8; 8] = b"NLPACK02";
const HEAD: usize = 48;
/// The list is sealed under a number that no block reaches.
const LIST: u64 = u64::MAX;
/// Bytes of the length of the list, the last of the file.
const TAIL: u64 = 4;
/// No block is larger than this on disk.
pub(super) const LARGEST_BLOCK: u32 = 16 << 20;
const LARGEST_LIST: u32 = 256 << 20;
pub const ENDING: &str = "pack";

/// 32 random bytes: the name of the file, and the salt of the key that only this pack is sealed with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId(pub [u8; 32]);

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PackId {
    /// Of a file in the folder of packs.
    pub fn of_file(name: &str) -> Option<Self> {
        let text = name.strip_suffix(ENDING)?.strip_suffix('.')?;
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id).ok()?;
        (hex::encode(id) == text).then_some(Self(id))
    }

    pub fn file_in(self, packs: &Path) -> PathBuf {
        packs.join(format!("{self}.{ENDING}"))
    }
}

/// One block: a zstd frame of chunks one after the other, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedBlock {
    /// Where it lies in the file.
    pub at: u64,
    /// Bytes there, its tag included.
    pub stored: u32,
    /// Bytes of its chunks together.
    pub plain: u32,
    /// Its chunks and their lengths.
    pub chunks: Vec<(ChunkId, u32)>,
}

/// What a pack holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    pub id: PackId,
    /// Bytes of the file.
    pub length: u64,
    /// In the order of their numbers, which begin at zero.
    pub blocks: Vec<PackedBlock>,
}

impl Packed {
    /// Where its block of this number lies.
    pub fn place(&self, number: u32) -> Option<BlockPlace> {
        let block = self.blocks.get(number as usize)?;
        Some(BlockPlace {
            pack: self.id,
            number,
            at: block.at,
            stored: block.stored,
            plain: block.plain,
        })
    }
}

/// A pack being written.
pub struct PackWriter {
    file: NewFile,
    path: PathBuf,
    cipher: BlockCipher,
    head: [u8; HEAD],
    packed: Packed,
}

impl PackWriter {
    pub fn create(packs: &Path, master: &Master) -> Result<Self> {
        let id = PackId(random::<32>());
        let path = id.file_in(packs);
        let head = head(master.fingerprint(), id);
        let mut file = NewFile::create(&path, 0o600)?;
        file.write_all(&head).map_err(|e| BackupError::io("write", &path, e))?;
        Ok(Self {
            file,
            cipher: cipher(master, id),
            path,
            head,
            packed: Packed {
                id,
                length: HEAD as u64,
                blocks: Vec::new(),
            },
        })
    }

    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.packed.length
    }

    /// Takes the compressed bytes of a block, which become the sealed ones.
    pub fn add(&mut self, compressed: &mut Vec<u8>, plain: u32, chunks: Vec<(ChunkId, u32)>) -> Result<()> {
        let number = self.packed.blocks.len() as u64;
        self.cipher.seal(number, &self.head, compressed);
        self.write(compressed)?;
        let stored = u32::try_from(compressed.len()).unwrap_or(u32::MAX);
        self.packed.blocks.push(PackedBlock {
            at: self.packed.length,
            stored,
            plain,
            chunks,
        });
        self.packed.length += u64::from(stored);
        Ok(())
    }

    /// Writes the list and makes the pack durable under its name.
    pub fn finish(mut self) -> Result<Packed> {
        let mut list = encode(&self.packed.blocks);
        self.cipher.seal(LIST, &self.head, &mut list);
        let length = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.extend_from_slice(&length.to_be_bytes());
        self.write(&list)?;
        self.packed.length += list.len() as u64;
        self.file.commit()?;
        Ok(self.packed)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|e| BackupError::io("write", &self.path, e))
    }
}

/// A pack open for reading.
pub struct PackReader {
    file: File,
    path: PathBuf,
    cipher: BlockCipher,
    head: [u8; HEAD],
    id: PackId,
}

impl PackReader {
    pub fn open(packs: &Path, id: PackId, keyring: &Keyring) -> Result<Self> {
        let path = id.file_in(packs);
        let file = File::open(&path).map_err(|e| BackupError::io("open", &path, e))?;
        let mut found = [0; HEAD];
        file.read_exact_at(&mut found, 0)
            .map_err(|e| BackupError::reading(&path, e))?;
        let mut mark = [0; 8];
        mark.copy_from_slice(&found[8..16]);
        let mark = Fingerprint::from_bytes(mark);
        if found != head(mark, id) {
            return Err(BackupError::damaged(
                &path,
                "it does not begin as the pack of this name",
            ));
        }
        let Some(master) = keyring.find(mark) else {
            return Err(BackupError::OtherKey { path, mark });
        };
        Ok(Self {
            file,
            cipher: cipher(master, id),
            path,
            head: found,
            id,
        })
    }

    /// Reads and opens a block into `into`, which then holds its compressed bytes.
    pub fn block(&self, number: u32, at: u64, stored: u32, into: &mut Vec<u8>) -> Result<()> {
        if stored > LARGEST_BLOCK {
            return Err(self.damaged("a block of it is larger than any that is written"));
        }
        self.sealed(u64::from(number), at, stored, into)
    }

    /// The list at its end.
    pub fn list(&self) -> Result<Packed> {
        let io = |e| BackupError::reading(&self.path, e);
        let length = self.file.metadata().map_err(io)?.len();
        let tail_at = length.checked_sub(TAIL).ok_or_else(|| self.damaged("it is cut off"))?;
        let mut tail = [0; 4];
        self.file.read_exact_at(&mut tail, tail_at).map_err(io)?;
        let stored = u32::from_be_bytes(tail);
        let at = tail_at.checked_sub(u64::from(stored)).filter(|at| *at >= HEAD as u64);
        let at = at.filter(|_| stored <= LARGEST_LIST);
        let at = at.ok_or_else(|| self.damaged("the list of its blocks is cut off"))?;
        let mut list = Vec::new();
        self.sealed(LIST, at, stored, &mut list)?;
        let blocks = decode(&list).ok_or_else(|| self.damaged("the list of its blocks is not understood"))?;
        let end = blocks
            .last()
            .map_or(HEAD as u64, |last| last.at + u64::from(last.stored));
        if end != at {
            return Err(self.damaged("its blocks do not fill it"));
        }
        Ok(Packed {
            id: self.id,
            length,
            blocks,
        })
    }

    /// The same blocks in a new pack that `master` seals.
    pub fn reseal(&self, packs: &Path, master: &Master) -> Result<Packed> {
        let mut new = PackWriter::create(packs, master)?;
        let mut block = Vec::new();
        for (number, packed) in (0..).zip(self.list()?.blocks) {
            self.block(number, packed.at, packed.stored, &mut block)?;
            new.add(&mut block, packed.plain, packed.chunks)?;
        }
        new.finish()
    }

    pub fn damaged(&self, problem: &str) -> BackupError {
        BackupError::damaged(&self.path, problem)
    }

    fn sealed(&self, number: u64, at: u64, stored: u32, into: &mut Vec<u8>) -> Result<()> {
        into.clear();
        into.resize(stored as usize, 0);
        self.file
            .read_exact_at(into, at)
            .map_err(|e| BackupError::reading(&self.path, e))?;
        let opened = self.cipher.open(number, &self.head, into);
        opened.map_err(|forged| match number {
            LIST => self.damaged(&format!("the list of its blocks: {forged}")),
            n => self.damaged(&format!("block {n}: {forged}")),
        })
    }
}

fn head(mark: Fingerprint, id: PackId) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(MAGIC);
    head[8..16].copy_from_slice(&mark.bytes());
    head[16..].copy_from_slice(&id.0);
    head
}

fn cipher(master: &Master, id: PackId) -> BlockCipher {
    BlockCipher::new(&master.derive(&id.0, b"netlink backup 2 pack"))
}

/// Blocks as both a pack's list and an index have them: their number, then for each its stored and plain bytes, the number of
/// its chunks, and of each its id and length. All numbers big-endian.
pub fn encode(blocks: &[PackedBlock]) -> Vec<u8> {
    let mut out = Vec::with_capacity(blocks.iter().map(|block| 12 + 20 * block.chunks.len()).sum::<usize>() + 4);
    put_u32(&mut out, blocks.len());
    for block in blocks {
        out.extend_from_slice(&block.stored.to_be_bytes());
        out.extend_from_slice(&block.plain.to_be_bytes());
        put_u32(&mut out, block.chunks.len());
        for (id, length) in &block.chunks {
            out.extend_from_slice(&id.0);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out
}

fn decode(list: &[u8]) -> Option<Vec<PackedBlock>> {
    let mut cursor = Cursor::new(list);
    let blocks = decode_blocks(&mut cursor)?;
    cursor.is_at_end().then_some(blocks)
}

pub fn decode_blocks(cursor: &mut Cursor<'_>) -> Option<Vec<PackedBlock>> {
    let count = cursor.u32()?;
    let mut at = HEAD as u64;
    let mut blocks = Vec::new();
    for _ in 0..count {
        let (stored, plain, chunks) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
        let mut block = PackedBlock {
            at,
            stored,
            plain,
            chunks: Vec::new(),
        };
        let mut sum = 0_u32;
        for _ in 0..chunks {
            let chunk = (ChunkId(cursor.array()?), cursor.u32()?);
            sum = sum.checked_add(chunk.1)?;
            block.chunks.push(chunk);
        }
        if sum != plain {
            return None;
        }
        at = at.checked_add(u64::from(stored))?;
        blocks.push(block);
    }
    Some(blocks)
}

/// An index has of each pack its id, its length and its blocks.
pub fn encode_index(packs: &[Packed]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u32(&mut out, packs.len());
    for pack in packs {
        out.extend_from_slice(&pack.id.0);
        put_u64(&mut out, pack.length);
        out.extend_from_slice(&encode(&pack.blocks));
    }
    out
}

pub fn decode_index(content: &[u8]) -> Option<Vec<Packed>> {
    let mut cursor = Cursor::new(content);
    let count = cursor.u32()?;
    let mut packs = Vec::new();
    for _ in 0..count {
        let (id, length) = (PackId(cursor.array()?), cursor.u64()?);
        let blocks = decode_blocks(&mut cursor)?;
        packs.push(Packed { id, length, blocks });
    }
    cursor.is_at_end().then_some(packs)
}
