//! Very many kinds of blocked moves, asked about as if they were one.
//!
//! A kind of move is a rectangle: places it leaves by places it leads to. The places led to fall apart into few nodes of a tree
//! over all places; each node keeps the places left for it, merged. So room and answers grow with the logarithm of the places
//! and not with how much the rectangles cover.

use std::ops::Range;

use super::super::segments;

/// Places left, and places led to.
pub(super) type Moves = (Range<u32>, Range<u32>);

#[derive(Debug, Default)]
pub(super) struct Screen {
    /// Places, the leaves of the tree.
    count: u32,
    /// Whether any of the moves leads to the place.
    entered: Vec<bool>,
    /// Whether anything is hung at the node.
    taken: Vec<bool>,
    /// (node, first place left, end), sorted; those of one node lie apart.
    hung: Vec<(u32, u32, u32)>,
}

impl Screen {
    /// Of moves among `count` places.
    pub fn of(count: u32, moves: &[Moves]) -> Self {
        if moves.is_empty() {
            return Self::default();
        }
        let mut entered = vec![false; count as usize];
        for to in merged(moves.iter().map(|(_, to)| to.clone()).collect()) {
            entered[to.start as usize..to.end as usize].fill(true);
        }
        let mut hung: Vec<(u32, u32, u32)> = Vec::new();
        for (from, to) in moves {
            hung.extend(segments::over(count, to).map(|node| (node, from.start, from.end)));
        }
        hung.sort_unstable();
        hung.dedup_by(|next, kept| {
            let touch = next.0 == kept.0 && next.1 <= kept.2;
            if touch {
                kept.2 = kept.2.max(next.2);
            }
            touch
        });
        hung.shrink_to_fit();
        let mut taken = vec![false; 2 * count as usize];
        hung.iter().for_each(|(node, ..)| taken[*node as usize] = true);
        Self {
            count,
            entered,
            taken,
            hung,
        }
    }

    pub fn holds(&self, from: u32, to: u32) -> bool {
        self.nodes_above(to).any(|node| {
            let before = self
                .hung
                .partition_point(|(of, start, _)| (*of, *start) <= (node, from));
            let nearest = before.checked_sub(1).map(|at| self.hung[at]);
            nearest.is_some_and(|(of, _, end)| of == node && from < end)
        })
    }

    /// The stretches without those places from which a move to `to` is held.
    pub fn cut(&self, to: u32, stretches: Vec<Range<u32>>) -> Vec<Range<u32>> {
        let mut held = Vec::new();
        for node in self.nodes_above(to) {
            let start = self.hung.partition_point(|(of, ..)| *of < node);
            let of_node = self.hung[start..].iter().take_while(|(of, ..)| *of == node);
            held.extend(of_node.map(|(_, start, end)| *start..*end));
        }
        if held.is_empty() {
            return stretches;
        }
        let held = merged(held);
        stretches.iter().flat_map(|stretch| without(stretch, &held)).collect()
    }

    fn nodes_above(&self, place: u32) -> impl Iterator<Item = u32> {
        let entered = self.entered.get(place as usize).copied().unwrap_or(false);
        let above = entered.then(|| segments::above(self.count, place));
        above.into_iter().flatten().filter(|node| self.taken[*node as usize])
    }
}

/// Ascending and apart.
fn merged(mut ranges: Vec<Range<u32>>) -> Vec<Range<u32>> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, kept| {
        let touch = next.start <= kept.end;
        if touch {
            kept.end = kept.end.max(next.end);
        }
        touch
    });
    ranges
}

/// What is left of the stretch without these, which are ascending and apart.
fn without(stretch: &Range<u32>, held: &[Range<u32>]) -> Vec<Range<u32>> {
    let first = held.partition_point(|one| one.end <= stretch.start);
    let mut left = Vec::new();
    let mut start = stretch.start;
    for one in held[first..].iter().take_while(|one| one.start < stretch.end) {
        left.push(start..one.start);
        start = one.end;
    }
    left.push(start..stretch.end);
    left.retain(|range| range.start < range.end);
    left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(count: u32) -> impl Strategy<Value = Range<u32>> {
        (0..=count, 0..=count).prop_map(|(a, b)| a.min(b)..a.max(b))
    }

    fn moves() -> impl Strategy<Value = (u32, Vec<Moves>)> {
        (1..40_u32).prop_flat_map(|count| {
            let moves = prop::collection::vec((range(count), range(count)), 0..12);
            (Just(count), moves)
        })
    }

    proptest! {
        #[test]
        fn it_holds_what_one_of_the_moves_holds((count, moves) in moves()) {
            let screen = Screen::of(count, &moves);
            for to in 0..count {
                let whole = 0..count;
                let left: Vec<u32> = screen.cut(to, vec![whole]).into_iter().flatten().collect();
                for from in 0..count {
                    let held = moves.iter().any(|(left, led)| left.contains(&from) && led.contains(&to));
                    prop_assert_eq!(screen.holds(from, to), held, "{} -> {}", from, to);
                    prop_assert_eq!(left.contains(&from), !held, "{} -> {}", from, to);
                }
            }
        }
    }
}
