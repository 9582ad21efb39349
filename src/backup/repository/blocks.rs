//! Reading chunks: a block is opened, checked and decompressed once for the chunks that are wanted of it.

use std::sync::Arc;

use super::pack::{LARGEST_BLOCK, PackId, PackReader};
use super::{BlockPlace, Index, Repository};
use crate::backup::chunk::{ChunkId, Chunking};
use crate::backup::{BackupError, Result};

/// Open packs that one reader keeps.
const OPEN: usize = 8;

/// Opens blocks; one for each thread that reads.
pub struct BlockOpener<'a> {
    repository: &'a Repository,
    zstd: zstd::bulk::Decompressor<'static>,
    sealed: Vec<u8>,
    open: Vec<(PackId, Arc<PackReader>)>,
    plain: Vec<u8>,
}

impl<'a> BlockOpener<'a> {
    pub fn new(repository: &'a Repository) -> Result<Self> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|e| BackupError::io("read", repository.dir(), e))?;
        Ok(Self {
            repository,
            zstd,
            sealed: Vec::new(),
            open: Vec::new(),
            plain: Vec::new(),
        })
    }

    /// The plain bytes of a block; authenticated, but not yet compared with the ids of its chunks.
    pub fn open(&mut self, place: &BlockPlace) -> Result<&[u8]> {
        let pack = self.pack(place.pack)?;
        pack.block(place.number, place.at, place.stored, &mut self.sealed)?;
        let wrong = |problem: &str| pack.damaged(&format!("block {}: {problem}", place.number));
        if place.plain > LARGEST_BLOCK {
            return Err(wrong("it is larger than any that is written"));
        }
        self.plain.resize(place.plain as usize, 0);
        let length = self.zstd.decompress_to_buffer(&self.sealed, &mut self.plain[..]);
        match length {
            Ok(length) if length == place.plain as usize => Ok(&self.plain),
            _ => Err(wrong("it does not decompress to what was packed")),
        }
    }

    fn pack(&mut self, id: PackId) -> Result<Arc<PackReader>> {
        if let Some(at) = self.open.iter().position(|(open, _)| *open == id) {
            return Ok(Arc::clone(&self.open[at].1));
        }
        let pack = Arc::new(self.repository.pack(id)?);
        if self.open.len() == OPEN {
            self.open.remove(0);
        }
        self.open.push((id, Arc::clone(&pack)));
        Ok(pack)
    }
}

/// Finds chunks by an index.
pub struct BlockReader<'a> {
    opener: BlockOpener<'a>,
    index: &'a Index,
    chunking: &'a Chunking,
    /// The last block, for chunks that come one after the other.
    last: Option<u32>,
}

impl<'a> BlockReader<'a> {
    pub fn new(repository: &'a Repository, index: &'a Index, chunking: &'a Chunking) -> Result<Self> {
        Ok(Self {
            opener: BlockOpener::new(repository)?,
            index,
            chunking,
            last: None,
        })
    }

    /// The plain bytes of a block of the index; authenticated, but not yet compared with the ids of its chunks.
    pub fn block(&mut self, number: u32) -> Result<&[u8]> {
        if self.last == Some(number) {
            return Ok(&self.opener.plain);
        }
        self.last = None;
        let Some(place) = self.index.block(number) else {
            let problem = "the index names a block that it does not place";
            return Err(BackupError::damaged(self.opener.repository.dir(), problem));
        };
        self.opener.open(&place)?;
        self.last = Some(number);
        Ok(&self.opener.plain)
    }

    /// The content of a chunk, compared with its id.
    pub fn chunk(&mut self, id: ChunkId) -> Result<&[u8]> {
        let dir = self.opener.repository.dir();
        let Some(place) = self.index.find(id) else {
            return Err(BackupError::missing_chunk(dir, id));
        };
        let chunking = self.chunking;
        let block = self.block(place.block)?;
        let chunk = block.get(place.at as usize..place.at as usize + place.length as usize);
        match chunk {
            Some(chunk) if chunking.id(chunk) == id => Ok(chunk),
            _ => Err(BackupError::damaged(
                dir,
                format!("chunk {id:?} is not what its name says"),
            )),
        }
    }
}
