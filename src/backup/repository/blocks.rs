//! Reading chunks: a block is opened, checked and decompressed once for the chunks that are wanted of it.

use std::sync::Arc;

use super::pack::{LARGEST_BLOCK, PackId, PackReader};
use super::{Index, Repository};
use crate::backup::Result;
use crate::backup::chunk::{ChunkId, Chunking};

/// Open packs that one reader keeps.
const OPEN: usize = 8;

/// One for each thread that reads.
pub struct BlockReader<'a> {
    repository: &'a Repository,
    index: &'a Index,
    chunking: &'a Chunking,
    zstd: zstd::bulk::Decompressor<'static>,
    sealed: Vec<u8>,
    open: Vec<(PackId, Arc<PackReader>)>,
    /// The last block, for chunks that come one after the other.
    last: Option<u32>,
    plain: Vec<u8>,
}

impl<'a> BlockReader<'a> {
    pub fn new(repository: &'a Repository, index: &'a Index, chunking: &'a Chunking) -> Result<Self> {
        let zstd =
            zstd::bulk::Decompressor::new().map_err(|e| crate::backup::BackupError::io("read", repository.dir(), e))?;
        Ok(Self {
            repository,
            index,
            chunking,
            zstd,
            sealed: Vec::new(),
            open: Vec::new(),
            last: None,
            plain: Vec::new(),
        })
    }

    /// The plain bytes of a block; authenticated, but not yet compared with the ids of its chunks.
    pub fn block(&mut self, number: u32) -> Result<&[u8]> {
        if self.last == Some(number) {
            return Ok(&self.plain);
        }
        self.last = None;
        let Some(place) = self.index.block(number) else {
            let problem = "the index names a block that it does not place";
            return Err(crate::backup::BackupError::damaged(self.repository.dir(), problem));
        };
        let pack = self.pack(place.pack)?;
        pack.block(place.number, place.at, place.stored, &mut self.sealed)?;
        let wrong = |problem: &str| pack.damaged(&format!("block {}: {problem}", place.number));
        if place.plain > LARGEST_BLOCK {
            return Err(wrong("it is larger than any that is written"));
        }
        self.plain.resize(place.plain as usize, 0);
        let length = self.zstd.decompress_to_buffer(&self.sealed, &mut self.plain[..]);
        match length {
            Ok(length) if length == place.plain as usize => {}
            _ => return Err(wrong("it does not decompress to what was packed")),
        }
        self.last = Some(number);
        Ok(&self.plain)
    }

    /// The content of a chunk, compared with its id.
    pub fn chunk(&mut self, id: ChunkId) -> Result<&[u8]> {
        let Some(place) = self.index.find(id) else {
            return Err(crate::backup::BackupError::MissingChunk {
                dir: self.repository.dir().to_path_buf(),
                id: hex::encode(id.0),
            });
        };
        let chunking = self.chunking;
        let dir = self.repository.dir();
        let block = self.block(place.block)?;
        let chunk = block.get(place.at as usize..place.at as usize + place.length as usize);
        match chunk {
            Some(chunk) if chunking.id(chunk) == id => Ok(chunk),
            _ => Err(crate::backup::BackupError::damaged(
                dir,
                format!("chunk {id:?} is not what its name says"),
            )),
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
