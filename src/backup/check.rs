//! Reading blocks back: what was just written, and all or some of what there is.

use std::collections::BTreeMap;

use super::chunk::Chunking;
use super::cores::on_all_cores;
use super::repository::{PackId, PackReader, Packed, PackedBlock, Repository, Written};
use super::{BackupError, Result};

/// Opens every block that was just written: a backup counts only when it can be decrypted again.
pub fn read_back(repository: &Repository, written: &Written) -> Result<()> {
    let mut packs: BTreeMap<PackId, Vec<_>> = BTreeMap::new();
    for (_, place) in &written.blocks {
        packs.entry(place.pack).or_default().push(*place);
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

/// One block to look at.
pub struct Look<'a> {
    pub pack: PackId,
    pub number: u32,
    pub block: &'a PackedBlock,
}

/// Opens and decompresses a block and compares each of its chunks with its id.
pub struct Looker<'a> {
    repository: &'a Repository,
    chunking: &'a Chunking,
    zstd: zstd::bulk::Decompressor<'static>,
    open: Option<(PackId, PackReader)>,
    sealed: Vec<u8>,
    plain: Vec<u8>,
}

impl<'a> Looker<'a> {
    pub fn new(repository: &'a Repository, chunking: &'a Chunking) -> Result<Self> {
        let zstd = zstd::bulk::Decompressor::new().map_err(|e| BackupError::io("read", repository.dir(), e))?;
        Ok(Self {
            repository,
            chunking,
            zstd,
            open: None,
            sealed: Vec::new(),
            plain: Vec::new(),
        })
    }

    pub fn look(&mut self, look: &Look<'_>) -> Result<()> {
        self.each(look, &mut |_| Ok(()))
    }

    /// Calls `each` with every chunk of the block, after all of it was found to be right.
    pub fn each(&mut self, look: &Look<'_>, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if self.open.as_ref().is_none_or(|(id, _)| *id != look.pack) {
            self.open = Some((look.pack, self.repository.pack(look.pack)?));
        }
        let Some((_, pack)) = &self.open else { return Ok(()) };
        let block = look.block;
        pack.block(look.number, block.at, block.stored, &mut self.sealed)?;
        let wrong = |problem: &str| pack.damaged(&format!("block {}: {problem}", look.number));
        if block.plain > super::repository::LARGEST_BLOCK {
            return Err(wrong("it is larger than any that is written"));
        }
        self.plain.resize(block.plain as usize, 0);
        let length = self.zstd.decompress_to_buffer(&self.sealed, &mut self.plain[..]);
        if !length.is_ok_and(|length| length == block.plain as usize) {
            return Err(wrong("it does not decompress to what was packed"));
        }
        let mut at = 0;
        for (id, length) in &block.chunks {
            let end = at + *length as usize;
            if self.chunking.id(&self.plain[at..end]) != *id {
                return Err(wrong("a chunk of it is not what its name says"));
            }
            at = end;
        }
        let mut rest = &self.plain[..];
        for (_, length) in &block.chunks {
            let (chunk, after) = rest.split_at(*length as usize);
            each(chunk)?;
            rest = after;
        }
        Ok(())
    }
}
