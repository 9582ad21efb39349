//! Chunks of zeros, which become holes again.

use std::collections::HashMap;

use crate::backup::chunk::{ChunkId, Chunking};
use crate::backup::entry::Entry;
use crate::backup::repository::Index;

pub struct Zeros<'a> {
    index: &'a Index,
    chunking: &'a Chunking,
    /// Ids of chunks of zeros, by length.
    ids: HashMap<u32, ChunkId>,
}

impl<'a> Zeros<'a> {
    pub fn new(index: &'a Index, chunking: &'a Chunking) -> Self {
        Self {
            index,
            chunking,
            ids: HashMap::new(),
        }
    }

    pub fn are(&mut self, id: ChunkId, length: u32) -> bool {
        let chunking = self.chunking;
        let zeros = self.ids.entry(length);
        *zeros.or_insert_with(|| chunking.id(&vec![0; length as usize])) == id
    }

    /// Bytes of an entry that are no hole.
    pub fn solid(&mut self, entry: &Entry, chunks: &[ChunkId]) -> u64 {
        if !entry.content().is_some_and(|content| content.sparse) {
            return entry.size();
        }
        let mut solid = 0;
        for id in chunks {
            let length = self.index.find(*id).map_or(0, |place| place.length);
            solid += if self.are(*id, length) { 0 } else { u64::from(length) };
        }
        solid
    }
}
