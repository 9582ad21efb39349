//! Where the bytes of an old file stand: chains of the places with the same few bytes, for a look at any place of a new file.

/// Bytes that two places must have in common to be found by one another.
pub(super) const SEED: usize = 8;

/// Chains are followed no further; only in contents that repeat themselves is there more to be found.
const DEPTH: usize = 32;

/// A match as long as this is taken without a look for a longer one.
const LONG: usize = 4096;

const NOWHERE: u32 = u32::MAX;

/// Every `stride`-th place of `old` by the bytes that begin there.
pub(super) struct Index<'a> {
    old: &'a [u8],
    stride: usize,
    bits: u32,
    heads: Vec<u32>,
    next: Vec<u32>,
}

/// A piece of the old file that begins like the new one does at the place that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match {
    pub from: usize,
    pub length: usize,
}

impl<'a> Index<'a> {
    /// `old` must be shorter than 4 GiB; what is behind that is not found.
    pub(super) fn of(old: &'a [u8], stride: usize) -> Self {
        let places = (old.len() / stride + 1).min(NOWHERE as usize);
        let bits = (usize::BITS - places.leading_zeros()).clamp(8, 26);
        let mut index = Self {
            old,
            stride,
            bits,
            heads: vec![NOWHERE; 1 << bits],
            next: vec![NOWHERE; places],
        };
        for place in 0..places {
            let Some(seed) = seed(old, place * stride) else { break };
            let head = index.head(seed);
            index.next[place] = index.heads[head];
            index.heads[head] = place as u32;
        }
        index
    }

    /// Bytes of memory for an index of `old` bytes.
    pub(super) const fn memory(old: usize, stride: usize) -> usize {
        // Heads are at most twice the places, each of four bytes.
        12 * (old / stride + 1)
    }

    /// The longest match of what begins at `at` of `new`; of equally long ones the one nearest to `near`.
    pub(super) fn longest(&self, new: &[u8], at: usize, near: usize) -> Option<Match> {
        let mut place = self.heads[self.head(seed(new, at)?)];
        let mut best: Option<Match> = None;
        for _ in 0..DEPTH {
            if place == NOWHERE {
                break;
            }
            let from = place as usize * self.stride;
            let length = best.map_or(0, |best| best.length);
            // A longer match has the byte behind the best one in common.
            if length == 0 || self.old.get(from + length - 1) == new.get(at + length - 1) {
                let found = common(&self.old[from..], &new[at..]);
                let nearer = |best: Match| found == best.length && from.abs_diff(near) < best.from.abs_diff(near);
                if found >= SEED && best.is_none_or(|best| found > best.length || nearer(best)) {
                    best = Some(Match { from, length: found });
                }
                if found >= LONG {
                    break;
                }
            }
            place = self.next[place as usize];
        }
        best
    }

    fn head(&self, seed: u64) -> usize {
        (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.bits)) as usize
    }
}

fn seed(bytes: &[u8], at: usize) -> Option<u64> {
    let seed = bytes.get(at..at + SEED)?;
    seed.try_into().ok().map(u64::from_le_bytes)
}

/// How many bytes at the beginning are the same.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    let (a_words, _) = a.as_chunks::<8>();
    let (b_words, _) = b.as_chunks::<8>();
    let words = a_words.iter().zip(b_words);
    let mut same = 0;
    for (left, right) in words {
        let differing = u64::from_le_bytes(*left) ^ u64::from_le_bytes(*right);
        if differing != 0 {
            return same + (differing.trailing_zeros() / 8) as usize;
        }
        same += 8;
    }
    let rest = a[same..].iter().zip(&b[same..]);
    same + rest.take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_several_is_found_and_of_equals_the_nearest() {
        let old = b"0123456789abcdef--0123456789abXXXX--0123456789abcdef";
        let index = Index::of(old, 1);
        let found = |near| index.longest(b"..0123456789abcdef!", 2, near);
        assert_eq!(found(0), Some(Match { from: 0, length: 16 }));
        assert_eq!(found(40), Some(Match { from: 36, length: 16 }));
        assert_eq!(index.longest(b"nothing of it", 0, 0), None);
        assert_eq!(index.longest(b"0123", 0, 0), None, "too short to look for");
    }

    #[test]
    fn common_beginnings_of_any_length() {
        for length in 0..40 {
            let (mut a, b) = (vec![7; 40], vec![7; 40]);
            a[length] = 8;
            assert_eq!(common(&a, &b), length);
            assert_eq!(common(&b[..length], &b), length);
        }
    }
}
