//! Whole blocks of entrances, under a tree that knows what is asked for.
//!
//! Each place hangs at the few nodes of a tree over all blocks ([`segments`]) that make up its entrances: those above a block have
//! all that it may lead to. At a node they hang in the order of the least protocol that they ask for, and over all of them lies a
//! second tree, whose nodes know the least that is asked below. So of two windows of protocols, which fit when neither's least is
//! above what the other speaks, one half is the order and the other half is in the nodes: where a node's demands are met there is
//! a place below that is reached, and goes. Dates and schema levels are asked of the nodes too: each alone is as fast.

use std::ops::Range;

use super::{BLOCK, Seeker, add_up, cut, number};
use crate::plan::search::{Demand, Terrain};
use crate::plan::segments;

/// Places that hang side by side and have one leaf of the second tree.
const LEAF: u32 = 64;

pub struct Far {
    /// Blocks, the places of the first tree.
    blocks: u32,
    /// Where in `hung` the places of each node of the first tree begin, and at last where all end.
    starts: Vec<u32>,
    hung: Vec<u32>,
    /// The second tree, over `hung`: what the places below ask for, none where none wait. A node over n leaves is followed by the
    /// 2n - 2 below it, those of the first half first.
    nodes: Vec<Option<Demand>>,
}

impl Far {
    /// `order` has all places by the least protocol that they ask for.
    pub fn of(terrain: &impl Terrain, order: &[u32]) -> Self {
        let blocks = terrain.len().div_ceil(BLOCK);
        let nodes_of = |to: u32| {
            let entrances = terrain.entrances(to).into_iter();
            entrances.flat_map(move |stretch| segments::over(blocks, &cut(&stretch).0))
        };
        let mut starts = vec![0; 2 * blocks as usize + 1];
        for node in order.iter().flat_map(|to| nodes_of(*to)) {
            starts[node as usize] += 1;
        }
        add_up(&mut starts);
        let mut next = starts.clone();
        let mut hung = vec![0; starts[2 * blocks as usize] as usize];
        for (to, node) in order.iter().flat_map(|to| nodes_of(*to).map(move |node| (to, node))) {
            hung[next[node as usize] as usize] = *to;
            next[node as usize] += 1;
        }
        let leaves = hung.len().div_ceil(LEAF as usize);
        let mut far = Self {
            blocks,
            starts,
            hung,
            nodes: vec![None; (2 * leaves).saturating_sub(1)],
        };
        if leaves > 0 {
            far.gather(terrain, 0, 0..number(leaves));
        }
        far
    }

    pub fn look<T: Terrain>(&mut self, seeker: &mut Seeker<'_, T, impl FnMut(u32)>) {
        let leaves = number(self.hung.len().div_ceil(LEAF as usize));
        for node in segments::above(self.blocks, seeker.from / BLOCK) {
            let among = self.starts[node as usize]..self.starts[node as usize + 1];
            if !among.is_empty() {
                self.look_below(seeker, &among, 0, 0..leaves);
            }
        }
    }

    fn look_below<T: Terrain>(
        &mut self,
        seeker: &mut Seeker<'_, T, impl FnMut(u32)>,
        among: &Range<u32>,
        node: usize,
        leaves: Range<u32>,
    ) {
        let apart = leaves.end * LEAF <= among.start || among.end <= leaves.start * LEAF;
        let met = self.nodes[node].is_some_and(|demand| demand.is_met_by(&seeker.offer));
        if apart || !met {
            return;
        }
        if leaves.end - leaves.start == 1 {
            let hung = self.hung_at(leaves.start);
            for at in hung.start.max(among.start)..hung.end.min(among.end) {
                seeker.try_to_reach(self.hung[at as usize]);
            }
            self.nodes[node] = self.asked_for(seeker.terrain, hung, |to| seeker.waits(to));
            return;
        }
        let [first, second] = halves(node, leaves);
        self.look_below(seeker, among, first.0, first.1);
        self.look_below(seeker, among, second.0, second.1);
        self.nodes[node] = either(self.nodes[first.0], self.nodes[second.0]);
    }

    fn gather(&mut self, terrain: &impl Terrain, node: usize, leaves: Range<u32>) {
        if leaves.end - leaves.start == 1 {
            self.nodes[node] = self.asked_for(terrain, self.hung_at(leaves.start), |_| true);
            return;
        }
        let [first, second] = halves(node, leaves);
        self.gather(terrain, first.0, first.1);
        self.gather(terrain, second.0, second.1);
        self.nodes[node] = either(self.nodes[first.0], self.nodes[second.0]);
    }

    fn hung_at(&self, leaf: u32) -> Range<u32> {
        leaf * LEAF..number(self.hung.len()).min((leaf + 1) * LEAF)
    }

    fn asked_for(&self, terrain: &impl Terrain, hung: Range<u32>, waits: impl Fn(u32) -> bool) -> Option<Demand> {
        let places = self.hung[hung.start as usize..hung.end as usize].iter();
        let waiting = places.filter(|place| waits(**place));
        waiting.map(|place| terrain.demand(*place)).reduce(Demand::or)
    }
}

/// The two nodes below one.
fn halves(node: usize, leaves: Range<u32>) -> [(usize, Range<u32>); 2] {
    let middle = leaves.start.midpoint(leaves.end);
    let passed = 2 * (middle - leaves.start) as usize;
    [(node + 1, leaves.start..middle), (node + passed, middle..leaves.end)]
}

fn either(one: Option<Demand>, other: Option<Demand>) -> Option<Demand> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.or(other)),
        (one, other) => one.or(other),
    }
}
