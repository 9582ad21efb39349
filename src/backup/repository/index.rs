//! Where each chunk of a repository lies, in memory: some 40 bytes a chunk.

use std::collections::HashMap;

use super::pack::{PackId, Packed};
use crate::backup::chunk::ChunkId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkPlace {
    /// Into [`Index::block`].
    pub block: u32,
    /// Where it begins in the block's plain bytes.
    pub at: u32,
    pub length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockPlace {
    pub pack: PackId,
    pub number: u32,
    pub at: u64,
    pub stored: u32,
    pub plain: u32,
}

#[derive(Default)]
pub struct Index {
    /// Those whose packs are not finished yet have no place.
    blocks: Vec<Option<BlockPlace>>,
    /// Bytes of each pack's file.
    packs: HashMap<PackId, u64>,
    chunks: Table,
}

impl Index {
    /// Takes in what a pack holds. A chunk that is known already keeps its place.
    pub fn add(&mut self, pack: &Packed) {
        if self.packs.insert(pack.id, pack.length).is_some() {
            return;
        }
        self.chunks
            .reserve(pack.blocks.iter().map(|block| block.chunks.len()).sum());
        for (number, packed) in (0..).zip(&pack.blocks) {
            let block = self.new_block();
            self.blocks[block as usize] = pack.place(number);
            let mut at = 0;
            for (id, length) in &packed.chunks {
                self.chunks.insert(
                    *id,
                    ChunkPlace {
                        block,
                        at,
                        length: *length,
                    },
                );
                at += length;
            }
        }
    }

    /// The number of a block that is still being filled.
    pub fn new_block(&mut self) -> u32 {
        self.blocks.push(None);
        u32::try_from(self.blocks.len() - 1).unwrap_or(u32::MAX)
    }

    /// Notes a chunk of a block that is still being filled; false when it is known already.
    pub fn note(&mut self, id: ChunkId, place: ChunkPlace) -> bool {
        self.chunks.insert(id, place)
    }

    /// Says where a block that was being filled has come to lie.
    pub fn settle(&mut self, block: u32, place: BlockPlace, pack_length: u64) {
        self.packs.insert(place.pack, pack_length);
        self.blocks[block as usize] = Some(place);
    }

    pub fn find(&self, id: ChunkId) -> Option<ChunkPlace> {
        self.chunks.find(id)
    }

    /// From now on it is as if this chunk were nowhere.
    pub fn forget(&mut self, id: ChunkId) {
        self.chunks.forget(id);
    }

    /// An index of these chunks alone, for one who reads them while this one is added to.
    pub fn only<'a>(&self, ids: impl Iterator<Item = &'a ChunkId>) -> Self {
        let mut some = Self {
            blocks: self.blocks.clone(),
            packs: self.packs.clone(),
            chunks: Table::default(),
        };
        for id in ids {
            if let Some(place) = self.find(*id) {
                some.chunks.insert(*id, place);
            }
        }
        some
    }

    pub fn block(&self, block: u32) -> Option<BlockPlace> {
        self.blocks.get(block as usize).copied().flatten()
    }

    pub fn packs(&self) -> &HashMap<PackId, u64> {
        &self.packs
    }
}

/// The block of a chunk that was forgotten; no index has so many.
const FORGOTTEN: u32 = u32::MAX;

/// Open addressing over a plain list: ids are as good as random, so their first bytes are the hash.
#[derive(Default)]
struct Table {
    entries: Vec<(ChunkId, ChunkPlace)>,
    /// One more than the entry's number; zero is free. Its length is a power of two and at least twice that of the entries.
    slots: Vec<u32>,
}

impl Table {
    fn reserve(&mut self, more: usize) {
        self.entries.reserve(more);
        self.grow_to(self.entries.len() + more);
    }

    fn grow_to(&mut self, count: usize) {
        let wanted = (count * 2).next_power_of_two().max(64);
        if wanted <= self.slots.len() {
            return;
        }
        self.slots = vec![0; wanted];
        for number in 0..self.entries.len() {
            let slot = self.slot(self.entries[number].0);
            self.slots[slot] = u32::try_from(number + 1).unwrap_or(0);
        }
    }

    fn insert(&mut self, id: ChunkId, place: ChunkPlace) -> bool {
        self.grow_to(self.entries.len() + 1);
        let slot = self.slot(id);
        if let Some(number) = self.slots[slot].checked_sub(1) {
            let entry = &mut self.entries[number as usize];
            let was_forgotten = entry.1.block == FORGOTTEN;
            if was_forgotten {
                entry.1 = place;
            }
            return was_forgotten;
        }
        self.entries.push((id, place));
        self.slots[slot] = u32::try_from(self.entries.len()).unwrap_or(0);
        true
    }

    fn find(&self, id: ChunkId) -> Option<ChunkPlace> {
        if self.slots.is_empty() {
            return None;
        }
        match self.slots[self.slot(id)] {
            0 => None,
            number => Some(self.entries[number as usize - 1].1).filter(|place| place.block != FORGOTTEN),
        }
    }

    fn forget(&mut self, id: ChunkId) {
        if self.find(id).is_some() {
            let number = self.slots[self.slot(id)] as usize;
            self.entries[number - 1].1.block = FORGOTTEN;
        }
    }

    /// The slot that has this id, or the free one where it belongs.
    fn slot(&self, id: ChunkId) -> usize {
        let mask = self.slots.len() - 1;
        let mut first = [0; 8];
        first.copy_from_slice(&id.0[..8]);
        let mut slot = usize::try_from(u64::from_le_bytes(first) & mask as u64).unwrap_or(0);
        loop {
            match self.slots[slot] {
                0 => return slot,
                number if self.entries[number as usize - 1].0 == id => return slot,
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_table_is_a_map_that_keeps_the_first(keys in prop::collection::vec((0_u8..200, prop::bool::weighted(0.2)), 0..400)) {
            let (mut table, mut model) = (Table::default(), HashMap::new());
            for (n, (key, forgets)) in keys.iter().enumerate() {
                // Many share their first bytes, as ids never would.
                let mut id = [0; 16];
                id[0] = key % 4;
                id[15] = *key;
                let place = ChunkPlace { block: n as u32, at: 0, length: 1 };
                if *forgets {
                    model.remove(key);
                    table.forget(ChunkId(id));
                    continue;
                }
                let new = !model.contains_key(key);
                model.entry(*key).or_insert(place);
                prop_assert_eq!(table.insert(ChunkId(id), place), new);
            }
            for key in 0..200_u8 {
                let mut id = [0; 16];
                id[0] = key % 4;
                id[15] = key;
                prop_assert_eq!(table.find(ChunkId(id)), model.get(&key).copied());
            }
        }
    }
}
