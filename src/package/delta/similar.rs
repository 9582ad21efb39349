//! Finds the old file that a new one was made of when it has another path: by pieces of content that both have.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Pieces by which a file is known: those with the smallest hashes, so that two files choose the same ones.
const PIECES: usize = 32;

/// Fewer pieces in common are chance, or a licence at the top.
const LEAST_COMMON: usize = 3;

/// The hashes of pieces of 64 bytes by which a content is known, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sketch(Vec<u64>);

/// Makes a sketch of a content that comes in pieces.
pub(super) struct Sketching {
    smallest: BTreeSet<u64>,
    limit: u64,
    rolling: u64,
    seen: usize,
}

impl Sketching {
    pub fn new() -> Self {
        Self {
            smallest: BTreeSet::new(),
            limit: u64::MAX,
            rolling: 0,
            seen: 0,
        }
    }

    pub fn update(&mut self, content: &[u8]) {
        for byte in content {
            // A byte has been shifted out of the hash after 64 more.
            self.rolling = (self.rolling << 1).wrapping_add(GEAR[usize::from(*byte)]);
            self.seen += 1;
            if self.seen < 64 {
                continue;
            }
            let hash = self.rolling.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            if hash < self.limit && self.smallest.insert(hash) && self.smallest.len() > PIECES {
                self.smallest.pop_last();
                self.limit = self.smallest.last().copied().unwrap_or(u64::MAX);
            }
        }
    }

    pub fn finish(self) -> Sketch {
        Sketch(self.smallest.into_iter().collect())
    }
}

/// A number for each byte that says nothing about the number of the next.
const GEAR: [u64; 256] = {
    let mut gear = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        gear[byte] = mix(byte as u64 + 1);
        byte += 1;
    }
    gear
};

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// Old files by their pieces.
#[derive(Default)]
pub(super) struct Known(HashMap<u64, Vec<usize>>);

impl Known {
    pub fn add(&mut self, file: usize, sketch: &Sketch) {
        for piece in &sketch.0 {
            self.0.entry(*piece).or_default().push(file);
        }
    }

    /// The file with most pieces in common; of several the first.
    pub fn most_similar(&self, sketch: &Sketch) -> Option<usize> {
        let mut common: BTreeMap<usize, usize> = BTreeMap::new();
        for file in sketch.0.iter().filter_map(|piece| self.0.get(piece)).flatten() {
            *common.entry(*file).or_default() += 1;
        }
        let (file, count) = common
            .into_iter()
            .max_by_key(|(file, count)| (*count, usize::MAX - *file))?;
        (count >= LEAST_COMMON).then_some(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(content: &[u8]) -> Sketch {
        let mut sketching = Sketching::new();
        content.chunks(7).for_each(|piece| sketching.update(piece));
        sketching.finish()
    }

    #[test]
    fn an_edited_copy_is_recognised_and_a_stranger_is_not() {
        let text = |seed: u64| -> Vec<u8> {
            (0..600)
                .flat_map(|i| format!("{:x} ", mix(seed * 1000 + i)).into_bytes())
                .collect()
        };
        let mut known = Known::default();
        known.add(4, &sketch(&text(1)));
        known.add(5, &sketch(&text(2)));
        let mut edited = text(2);
        edited.splice(3000..3040, *b"edited");
        assert_eq!(known.most_similar(&sketch(&edited)), Some(5));
        assert_eq!(known.most_similar(&sketch(&text(3))), None);
        assert_eq!(sketch(b"short"), Sketch(Vec::new()));
    }
}
