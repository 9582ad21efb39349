//! Cutting content into chunks, and naming a chunk by what is in it.

use std::borrow::Cow;
use std::fmt;

use fastcdc::v2020::{self, Normalization};

use super::keys::ChunkKey;

/// 128 bits of keyed BLAKE3: tells nothing without the key, and two contents with one name are as hard to make as a forged tag.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(pub [u8; 16]);

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// How the content of one repository is cut and named.
pub struct Chunking {
    key: [u8; 32],
    gear: (Cow<'static, [u64]>, Cow<'static, [u64]>),
}

/// Where to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Where the content itself says so: what is inserted moves no other cut. Bytes of a chunk on average.
    Content(usize),
    /// Every so many bytes: what is written in place touches nothing else.
    Runs(usize),
}

/// The largest chunk there is.
pub const LARGEST: usize = 4 << 20;
const RUN: usize = 8 << 10;
const AVERAGE: usize = 64 << 10;
const LARGE_AVERAGE: usize = 1 << 20;
/// Files beyond this size are cut into larger pieces, so that their lists stay short.
const LARGE: u64 = 8 << 30;

impl Chunking {
    pub fn new(key: &ChunkKey) -> Self {
        let seed = key.derive(b"netlink backup 2 chunk cuts");
        let key = key.derive(b"netlink backup 2 chunk ids");
        let mut number = [0; 8];
        number.copy_from_slice(&seed[..8]);
        Self {
            key: *key,
            gear: v2020::get_gear_with_seed(u64::from_be_bytes(number)),
        }
    }

    pub fn id(&self, chunk: &[u8]) -> ChunkId {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::keyed_hash(&self.key, chunk).as_bytes()[..16]);
        ChunkId(id)
    }

    /// Bytes of the first chunk of `content`; `content` is all that is left or at least [`Cut::most`] bytes.
    fn first(&self, cut: Cut, content: &[u8]) -> usize {
        match cut {
            Cut::Runs(run) => run.min(content.len()),
            Cut::Content(average) => {
                let (small, large) = v2020::select_masks(average, Normalization::Level1);
                let (_, length) = v2020::cut_gear(
                    content,
                    average / 4,
                    average,
                    average * 4,
                    small,
                    large,
                    small << 1,
                    large << 1,
                    &self.gear.0,
                    &self.gear.1,
                );
                length
            }
        }
    }
}

impl Cut {
    /// By the first bytes of a file and its size.
    pub fn of(head: &[u8], size: u64) -> Self {
        if is_written_in_pages(head) {
            return Self::pages(size);
        }
        Self::Content(if size > LARGE { LARGE_AVERAGE } else { AVERAGE })
    }

    /// For a file that is written page by page.
    pub fn pages(size: u64) -> Self {
        let mut run = RUN;
        while size / (run as u64) > 1 << 20 && run < LARGEST {
            run *= 2;
        }
        Self::Runs(run)
    }

    fn most(self) -> usize {
        match self {
            Self::Content(average) => average * 4,
            Self::Runs(run) => run,
        }
    }
}

/// Databases and disk images that change in place: SQLite, LMDB, QCOW2, InnoDB (its first page's type is a tablespace header).
fn is_written_in_pages(head: &[u8]) -> bool {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    at(0, b"SQLite format 3\0") || at(16, &[0xde, 0xc0, 0xef, 0xbe]) || at(0, b"QFI\xfb") || at(24, &[0, 8, 0, 0])
}

/// Takes content as it comes and gives out its chunks.
pub struct Cutter<'a> {
    chunking: &'a Chunking,
    cut: Cut,
    /// What was taken and not yet given out begins at `given`.
    held: Vec<u8>,
    given: usize,
}

impl<'a> Cutter<'a> {
    pub fn new(chunking: &'a Chunking, cut: Cut) -> Self {
        Self {
            chunking,
            cut,
            held: Vec::new(),
            given: 0,
        }
    }

    pub fn take<E>(&mut self, content: &[u8], each: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.given > 0 {
            self.held.drain(..self.given);
            self.given = 0;
        }
        self.held.extend_from_slice(content);
        self.give(self.cut.most(), each)
    }

    pub fn finish<E>(mut self, each: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.give(1, each)
    }

    fn give<E>(&mut self, least: usize, each: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        while self.held.len() - self.given >= least.max(1) {
            let left = &self.held[self.given..];
            let length = self.chunking.first(self.cut, left);
            each(&left[..length])?;
            self.given += length;
        }
        Ok(())
    }
}

/// The chunks of content that is all there.
pub fn each_chunk<E>(
    chunking: &Chunking,
    cut: Cut,
    mut content: &[u8],
    each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    while !content.is_empty() {
        let (chunk, rest) = content.split_at(chunking.first(cut, content));
        each(chunk)?;
        content = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    fn cut_whole(chunking: &Chunking, cut: Cut, content: &[u8]) -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        let taken: Result<(), Infallible> = each_chunk(chunking, cut, content, &mut |chunk| {
            chunks.push(chunk.to_vec());
            Ok(())
        });
        taken.unwrap();
        chunks
    }

    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        (0..length).map(|_| next()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn content_that_comes_in_pieces_is_cut_as_if_it_came_whole(length in 0..600_000_usize, piece in 1..200_000_usize, runs in any::<bool>()) {
            let chunking = Chunking::new(&ChunkKey::generate());
            let cut = if runs { Cut::Runs(8192) } else { Cut::Content(AVERAGE) };
            let content = noise(length, length as u64);
            let mut chunks: Vec<Vec<u8>> = Vec::new();
            let mut each = |chunk: &[u8]| -> Result<(), Infallible> { chunks.push(chunk.to_vec()); Ok(()) };
            let mut cutter = Cutter::new(&chunking, cut);
            for piece in content.chunks(piece) {
                cutter.take(piece, &mut each).unwrap();
            }
            cutter.finish(&mut each).unwrap();
            prop_assert_eq!(chunks.concat(), content.clone());
            prop_assert_eq!(chunks, cut_whole(&chunking, cut, &content));
        }
    }

    #[test]
    fn what_is_inserted_leaves_other_chunks_as_they_were() {
        let chunking = Chunking::new(&ChunkKey::generate());
        let mut content = noise(2_000_000, 7);
        let before = cut_whole(&chunking, Cut::of(&content, 1), &content);
        content.splice(700_000..700_000, *b"inserted");
        let after = cut_whole(&chunking, Cut::of(&content, 1), &content);
        let new = after.iter().filter(|chunk| !before.contains(chunk)).count();
        assert!(before.len() > 8 && new <= 2, "{new} of {}", after.len());
    }

    #[test]
    fn names_hang_on_the_key() {
        let (one, other) = (
            Chunking::new(&ChunkKey::generate()),
            Chunking::new(&ChunkKey::generate()),
        );
        assert_eq!(one.id(b"x"), one.id(b"x"));
        assert_ne!(one.id(b"x"), one.id(b"y"));
        assert_ne!(one.id(b"x"), other.id(b"x"));
    }

    #[test]
    fn databases_are_cut_by_pages_and_lists_stay_short() {
        assert_eq!(Cut::of(b"SQLite format 3\0rest", 1 << 20), Cut::Runs(8192));
        assert_eq!(Cut::of(b"plain", 1 << 20), Cut::Content(AVERAGE));
        for size in [1_u64 << 20, 1 << 33, 1 << 36, 1 << 41] {
            let Cut::Runs(run) = Cut::pages(size) else { panic!() };
            assert!(size / run as u64 <= 1 << 20 || run == LARGEST, "{size} {run}");
        }
    }
}
