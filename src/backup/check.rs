//! Reading blocks back: what was just written, and all or some of what there is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::chunk::{ChunkId, Chunking};
use super::cores::on_all_cores;
use super::repository::{BlockOpener, PackId, Packed, Repository, Written};
use super::{BackupError, Result};

/// Opens every block that was just written: a backup counts only when it can be decrypted again.
pub fn read_back(repository: &Repository, written: &Written) -> Result<()> {
    let mut packs: BTreeMap<PackId, Vec<_>> = BTreeMap::new();
    for block in &written.blocks {
        packs.entry(block.place.pack).or_default().push(block.place);
    }
    let packs: Vec<_> = packs.into_iter().collect();
    on_all_cores(
        &packs,
        || Ok(Vec::new()),
        |sealed: &mut Vec<u8>, (id, places)| {
            let pack = repository.pack(*id)?;
            for place in places {
                pack.block(place.number, place.at, place.stored, sealed)?;
            }
            Ok(())
        },
    )
}

/// The same for a pack that another run has written.
pub fn read_pack_back(repository: &Repository, packed: &Packed) -> Result<()> {
    let numbers: Vec<u32> = (0..).zip(&packed.blocks).map(|(number, _)| number).collect();
    on_all_cores(
        &numbers,
        || Ok((repository.pack(packed.id)?, Vec::new())),
        |(pack, sealed), number| {
            let block = &packed.blocks[*number as usize];
            pack.block(*number, block.at, block.stored, sealed)
        },
    )
}

/// The same by one thread.
pub fn opens(repository: &Repository, packed: &Packed) -> Result<()> {
    let (pack, mut sealed) = (repository.pack(packed.id)?, Vec::new());
    let mut blocks = (0..).zip(&packed.blocks);
    blocks.try_for_each(|(number, block)| pack.block(number, block.at, block.stored, &mut sealed))
}

/// Opens and decompresses a block and compares each of its chunks with its id.
pub struct Looker<'a> {
    opener: BlockOpener<'a>,
    chunking: &'a Chunking,
    packs: PathBuf,
}

impl<'a> Looker<'a> {
    pub fn new(repository: &'a Repository, chunking: &'a Chunking) -> Result<Self> {
        Ok(Self {
            opener: BlockOpener::new(repository)?,
            chunking,
            packs: repository.packs(),
        })
    }

    pub fn look(&mut self, packed: &Packed, number: u32) -> Result<()> {
        self.each(packed, number, &mut |_, _| Ok(()))
    }

    /// Calls `each` with every chunk of the block, after all of it was found to be right.
    pub fn each(
        &mut self,
        packed: &Packed,
        number: u32,
        each: &mut dyn FnMut(ChunkId, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let Some((place, block)) = packed.place(number).zip(packed.blocks.get(number as usize)) else {
            let problem = format!("it has no block {number}");
            return Err(BackupError::damaged(&packed.id.file_in(&self.packs), problem));
        };
        let plain = self.opener.open(&place)?;
        let chunks = || {
            let mut rest = plain;
            block.chunks.iter().map(move |(id, length)| {
                let (chunk, after) = rest.split_at((*length as usize).min(rest.len()));
                rest = after;
                (*id, chunk)
            })
        };
        for (id, chunk) in chunks() {
            if self.chunking.id(chunk) != id {
                let problem = format!("block {number}: a chunk of it is not what its name says");
                return Err(BackupError::damaged(&packed.id.file_in(&self.packs), problem));
            }
        }
        chunks().try_for_each(|(id, chunk)| each(id, chunk))
    }
}
