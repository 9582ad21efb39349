//! The places that nobody has reached yet, found by who leads to them.
//!
//! The entrances of a place are ranges of places, which are cut into blocks: what fills whole blocks is [`far`], the pieces at the
//! ends are [`near`]. Who looks for places to reach goes through the few near ones of its own block, and through a tree of the far
//! ones that knows what they ask for. Together n places with one entrance each take n log² n steps, whatever their windows of
//! protocols.

mod far;
mod near;

use std::ops::Range;

use self::far::Far;
use self::near::Near;
use super::search::{Offer, Terrain};

/// Places of one block.
const BLOCK: u32 = 64;

pub struct Waiting<'t, T> {
    terrain: &'t T,
    waits: Vec<bool>,
    near: Near,
    far: Far,
}

impl<'t, T: Terrain> Waiting<'t, T> {
    /// All places but the first.
    pub fn of(terrain: &'t T) -> Self {
        let mut order: Vec<u32> = (1..terrain.len()).collect();
        order.sort_by_key(|place| terrain.demand(*place).least_protocol);
        Self {
            terrain,
            waits: vec![true; terrain.len() as usize],
            near: Near::of(terrain),
            far: Far::of(terrain, &order),
        }
    }

    /// Takes out all places that this one leads to, and tells each.
    pub fn reached_from(&mut self, from: u32, reach: impl FnMut(u32)) {
        let mut seeker = Seeker {
            terrain: self.terrain,
            from,
            offer: self.terrain.offer(from),
            waits: &mut self.waits,
            reach,
        };
        self.near.look(&mut seeker);
        self.far.look(&mut seeker);
    }
}

/// Who looks for places to reach.
struct Seeker<'w, T, F> {
    terrain: &'w T,
    from: u32,
    offer: Offer,
    waits: &'w mut [bool],
    reach: F,
}

impl<T: Terrain, F: FnMut(u32)> Seeker<'_, T, F> {
    fn waits(&self, to: u32) -> bool {
        self.waits[to as usize]
    }

    /// Reaches a place one of whose entrances one is in, if nothing else stands in the way.
    fn try_to_reach(&mut self, to: u32) {
        let open = self.waits(to) && self.terrain.demand(to).is_met_by(&self.offer);
        if open && self.terrain.permits(self.from, to) {
            self.waits[to as usize] = false;
            (self.reach)(to);
        }
    }
}

/// Whole blocks of a stretch, and its pieces at both ends.
fn cut(stretch: &Range<u32>) -> (Range<u32>, [Range<u32>; 2]) {
    let (first, last) = (stretch.start.div_ceil(BLOCK), stretch.end / BLOCK);
    if first > last {
        return (0..0, [stretch.clone(), 0..0]);
    }
    (first..last, [stretch.start..first * BLOCK, last * BLOCK..stretch.end])
}

/// Makes of the number of entries of each list where each list begins, and at last where all end.
fn add_up(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += std::mem::replace(count, sum);
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_its_blocks_and_its_pieces() {
        for (start, end) in (0..200).flat_map(|end| (0..end).map(move |start| (start, end))) {
            let (blocks, [one, other]) = cut(&(start..end));
            let whole = blocks.flat_map(|block| block * BLOCK..(block + 1) * BLOCK);
            let mut all: Vec<u32> = one.chain(whole).chain(other).collect();
            all.sort_unstable();
            assert!(all.into_iter().eq(start..end), "{start}..{end}");
        }
    }
}
