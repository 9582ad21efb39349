//! How a new file is made of an old one: pieces that are mostly the same as an old piece, and what stands between them.
//!
//! The way of bsdiff: a match is followed beyond its end for as long as at least half of the bytes agree, so that a program
//! whose addresses have all moved is still one long piece. What differs within a piece is written as a difference.

use super::index::{Index, SEED, common};

/// First `copy` bytes that are much like those at `from` of the old file, then `extra` bytes of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub from: usize,
    pub copy: usize,
    pub extra: usize,
}

impl Move {
    /// The beginning of the move, no part of it longer than `most`.
    pub fn first(self, most: usize) -> Self {
        let copy = self.copy.min(most);
        let extra = if copy < self.copy { 0 } else { self.extra.min(most) };
        Self { copy, extra, ..self }
    }

    /// What is left of the move behind its `beginning`.
    pub fn behind(self, beginning: Self) -> Self {
        Self {
            from: self.from + beginning.copy,
            copy: self.copy - beginning.copy,
            extra: self.extra - beginning.extra,
        }
    }
}

/// A match must agree in this many bytes more than going on as before would.
const GAIN: usize = 8;

/// Shorter matches cost more than they save.
const LEAST: usize = SEED + 4;

/// Where going on as before agrees in so many bytes, nothing else is looked for.
const PLAIN: usize = 32;

/// A match is followed backwards no further: the piece before it comes from the other side.
const BACK: usize = 16 << 10;

/// The old and the new bytes, and how far the new ones are described.
struct Walk<'a> {
    old: &'a [u8],
    new: &'a [u8],
    moves: Vec<Move>,
    /// Where the piece begins that is not described yet, in the new file and in the old.
    begin: usize,
    from: usize,
}

/// Moves that give all of `new`, in order.
pub(super) fn moves(index: &Index<'_>, old: &[u8], new: &[u8]) -> Vec<Move> {
    let mut walk = Walk {
        old,
        new,
        moves: Vec::new(),
        begin: 0,
        from: 0,
    };
    let mut at = 0;
    while let Some((place, from, length)) = walk.next_match(index, at) {
        walk.close(place, Some(from));
        at = place + length;
    }
    walk.close(new.len(), None);
    walk.moves
}

impl Walk<'_> {
    /// The old byte that goes with a new one when all goes on as before.
    fn aligned(&self, at: usize) -> usize {
        at - self.begin + self.from
    }

    fn agrees(&self, at: usize) -> bool {
        self.old.get(self.aligned(at)) == Some(&self.new[at])
    }

    /// The next place from `at` on with a match that is clearly better than going on as before: place, old place, length.
    fn next_match(&self, index: &Index<'_>, mut at: usize) -> Option<(usize, usize, usize)> {
        // Bytes of at..counted that agree when all goes on as before.
        let (mut score, mut counted) = (0usize, at);
        while at < self.new.len() {
            if let Some(rest) = self.old.get(self.aligned(at)..) {
                let plain = common(rest, &self.new[at..]);
                if plain >= PLAIN {
                    at += plain;
                    (score, counted) = (0, at);
                    continue;
                }
            }
            if let Some(found) = index.longest(self.new, at, self.aligned(at)) {
                let end = at + found.length;
                score += (counted..end).filter(|i| self.agrees(*i)).count();
                counted = counted.max(end);
                if found.length >= LEAST && found.length > score + GAIN {
                    return Some((at, found.from, found.length));
                }
            }
            if counted > at {
                score -= usize::from(self.agrees(at));
            }
            at += 1;
            counted = counted.max(at);
        }
        None
    }

    /// Describes everything up to the match of `place` with `from`, or up to the end.
    fn close(&mut self, place: usize, from: Option<usize>) {
        let mut ahead = self.ahead(place);
        let mut back = from.map_or(0, |from| self.back(place, from));
        let overlap = (self.begin + ahead).saturating_sub(place - back);
        if let Some(from) = from.filter(|_| overlap > 0) {
            let kept = self.best_cut(self.begin + ahead - overlap, overlap, (place, from));
            ahead = ahead - overlap + kept;
            back -= kept;
        }
        let next = place - back;
        self.moves.push(Move {
            from: self.from,
            copy: ahead,
            extra: next - (self.begin + ahead),
        });
        self.begin = next;
        self.from = from.map_or(self.from, |from| from - back);
    }

    /// How far the last piece goes on, at most to `place`: the length at which most of it agrees.
    fn ahead(&self, place: usize) -> usize {
        let most = (place - self.begin).min(self.old.len() - self.from);
        let (old, new) = (&self.old[self.from..][..most], &self.new[self.begin..][..most]);
        best_length(old.iter().zip(new).map(|(a, b)| a == b))
    }

    /// The same backwards from a match.
    fn back(&self, place: usize, from: usize) -> usize {
        let most = (place - self.begin).min(from).min(BACK);
        let (old, new) = (&self.old[from - most..from], &self.new[place - most..place]);
        best_length(old.iter().rev().zip(new.iter().rev()).map(|(a, b)| a == b))
    }

    /// Two pieces claim the `overlap` bytes from `at` on: how many of them go to the first. When both agree as well, all of
    /// them: what is described already is not gone over again with each further match.
    fn best_cut(&self, at: usize, overlap: usize, (place, from): (usize, usize)) -> usize {
        let (mut score, mut best, mut cut) = (0i64, 0i64, 0);
        for i in 0..overlap {
            let new = self.new[at + i];
            score += i64::from(self.old[self.aligned(at + i)] == new);
            score -= i64::from(self.old[from - (place - (at + i))] == new);
            if score >= best {
                (best, cut) = (score, i + 1);
            }
        }
        cut
    }
}

/// The length at which twice the agreeing bytes less the length is largest.
fn best_length(agree: impl Iterator<Item = bool>) -> usize {
    let (mut score, mut best, mut length) = (0i64, 0i64, 0);
    for (at, agrees) in agree.enumerate() {
        score += if agrees { 1 } else { -1 };
        if score > best {
            (best, length) = (score, at + 1);
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Puts the new file together again, with the differences that the moves leave.
    fn check(old: &[u8], new: &[u8], stride: usize) -> Vec<Move> {
        let moves = moves(&Index::of(old, stride), old, new);
        let mut at = 0;
        for one in &moves {
            assert!(one.from + one.copy <= old.len(), "{one:?}");
            at += one.copy + one.extra;
        }
        assert_eq!(at, new.len());
        moves
    }

    #[test]
    fn an_insertion_costs_what_was_inserted() {
        let old: Vec<u8> = (0..4000u32)
            .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let mut new = old.clone();
        new.splice(8000..8000, *b"something new");
        let extra: usize = check(&old, &new, 1).iter().map(|one| one.extra).sum();
        assert!(extra <= 13 + 8, "{extra}");
    }

    #[test]
    fn a_piece_goes_on_over_scattered_differences() {
        let old: Vec<u8> = (0..4000u32)
            .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let mut new = old.clone();
        new.iter_mut().step_by(7).for_each(|b| *b = b.wrapping_add(3));
        let moves = check(&old, &new, 1);
        assert!(moves.iter().map(|one| one.extra).sum::<usize>() < 16, "{moves:?}");
    }

    #[test]
    fn contents_that_repeat_themselves_take_no_longer() {
        let (old, new) = (vec![0; 1 << 20], vec![0; 3 << 20]);
        check(&old, &new, 1);
        let mut new = vec![0; 1 << 20];
        new.iter_mut().step_by(33).for_each(|b| *b = 1);
        check(&old, &new, 1);
        new.iter_mut().step_by(7).for_each(|b| *b = 2);
        check(&old, &new, 1);
    }

    proptest! {
        #[test]
        fn moves_give_the_whole_of_the_new_file(
            old in prop::collection::vec(0u8..4, 0..400),
            new in prop::collection::vec(0u8..4, 0..400),
            stride in 1usize..5,
        ) {
            check(&old, &new, stride);
        }
    }
}
