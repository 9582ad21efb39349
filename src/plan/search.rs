//! The best chain of moves through a stretch of releases.
//!
//! Places are numbered along the way from 0, where one is, to the last, where one wants to be; every move leads to a higher
//! number. Best is: fewest moves; then the highest channels of the places between, compared from the first on; then the newest.
//!
//! First, in order, each place gets its least number of moves: one more than the best of those it may be entered from. Then the
//! places of equal distance are ranked among each other, distance by distance, by the ranks of where they were best entered
//! from: whole chains are compared without ever being written out. Whom a place may be entered from is asked of a tree over all
//! places before it, whose nodes know the extremes below them; so both passes take n log n steps where rules are ranges.

use std::ops::Range;

use crate::version::Channel;

/// Extremes of some places: what a rule needs in order to say that none of them can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extremes {
    pub first_released: i64,
    pub highest_protocol: u32,
    pub lowest_min_protocol: u32,
    pub highest_schema: u32,
}

impl Extremes {
    const OF_NONE: Self = Self {
        first_released: i64::MAX,
        highest_protocol: 0,
        lowest_min_protocol: u32::MAX,
        highest_schema: 0,
    };

    fn with(self, other: Self) -> Self {
        Self {
            first_released: self.first_released.min(other.first_released),
            highest_protocol: self.highest_protocol.max(other.highest_protocol),
            lowest_min_protocol: self.lowest_min_protocol.min(other.lowest_min_protocol),
            highest_schema: self.highest_schema.max(other.highest_schema),
        }
    }
}

/// The stretch that is searched.
pub trait Terrain {
    /// Number of places; at least two.
    fn len(&self) -> u32;
    /// Stretches of places outside of which none leads to `to`; all below `to`.
    fn entrances(&self, to: u32) -> Vec<Range<u32>>;
    fn permits(&self, from: u32, to: u32) -> bool;
    fn extremes(&self, place: u32) -> Extremes;
    /// False only if none of the places with these extremes leads to `to`.
    fn may_permit(&self, any_of: &Extremes, to: u32) -> bool;
    fn channel(&self, place: u32) -> Channel;
    /// Smaller for newer releases.
    fn age(&self, place: u32) -> u32;
}

/// The places of the best chain with both ends, or the farthest place that can be reached.
pub fn best_chain(terrain: &impl Terrain) -> Result<Vec<u32>, u32> {
    let goal = terrain.len() - 1;
    if terrain.permits(0, goal) {
        return Ok(vec![0, goal]);
    }
    let distances = distances(terrain);
    if distances[goal as usize] == NEVER {
        let farthest = distances.iter().rposition(|distance| *distance != NEVER);
        return Err(farthest.and_then(|place| u32::try_from(place).ok()).unwrap_or(0));
    }
    Ok(ranked_chain(terrain, &distances))
}

/// All places that can be reached.
pub fn reachable(terrain: &impl Terrain) -> Vec<bool> {
    distances(terrain)
        .into_iter()
        .map(|distance| distance != NEVER)
        .collect()
}

const NEVER: u32 = u32::MAX;

fn distances(terrain: &impl Terrain) -> Vec<u32> {
    let mut tree = Tree::over(Places::All(terrain.len()));
    let mut distances = vec![NEVER; terrain.len() as usize];
    distances[0] = 0;
    tree.set(0, 0, terrain.extremes(0));
    for to in 1..terrain.len() {
        if let Some((before, _)) = tree.best(terrain, to) {
            distances[to as usize] = before + 1;
            tree.set(to, before + 1, terrain.extremes(to));
        }
    }
    distances
}

/// A place's standing among those of the same distance; smaller is better.
#[derive(Clone, Copy)]
struct Standing {
    channels: u32,
    ages: u32,
    before: u32,
}

fn ranked_chain(terrain: &impl Terrain, distances: &[u32]) -> Vec<u32> {
    let goal = terrain.len() - 1;
    let far = distances[goal as usize];
    let mut layers: Vec<Vec<u32>> = vec![Vec::new(); far as usize];
    for (place, distance) in (0..goal).zip(distances) {
        if let Some(layer) = layers.get_mut(*distance as usize) {
            layer.push(place);
        }
    }
    let start = Standing {
        channels: 0,
        ages: 0,
        before: 0,
    };
    let mut standings = vec![start; goal as usize + 1];
    for at in 1..layers.len() {
        let tree = tree_of(terrain, &layers[at - 1], &standings);
        for place in &layers[at] {
            if let Some((_, before)) = tree.best(terrain, *place) {
                standings[*place as usize].before = before;
            }
        }
        rank(terrain, &layers[at], &mut standings);
    }
    let last = layers.last().map(|layer| tree_of(terrain, layer, &standings));
    let mut chain = vec![goal];
    chain.extend(last.and_then(|tree| tree.best(terrain, goal)).map(|(_, before)| before));
    while let Some(place) = chain.last().copied().filter(|place| *place != 0) {
        chain.push(standings[place as usize].before);
    }
    chain.reverse();
    chain
}

/// Ranks the places of one distance by the chains that lead there, themselves included.
fn rank(terrain: &impl Terrain, layer: &[u32], standings: &mut [Standing]) {
    let keys: Vec<_> = layer
        .iter()
        .map(|place| {
            let before = standings[standings[*place as usize].before as usize];
            let channels = (before.channels, std::cmp::Reverse(terrain.channel(*place)));
            (channels, (before.ages, terrain.age(*place)))
        })
        .collect();
    let channels = dense(keys.iter().map(|(channels, _)| *channels));
    let ages = dense(keys.iter().map(|(_, ages)| *ages));
    for (at, place) in layer.iter().enumerate() {
        let standing = &mut standings[*place as usize];
        (standing.channels, standing.ages) = (channels[at], ages[at]);
    }
}

/// For each key the number of different ones before it.
fn dense<K: Ord + Copy>(keys: impl Iterator<Item = K>) -> Vec<u32> {
    let mut order: Vec<(K, usize)> = keys.zip(0..).collect();
    order.sort_unstable();
    let mut ranks = vec![0; order.len()];
    let mut rank = 0;
    for (at, (key, place)) in order.iter().enumerate() {
        rank += u32::from(at > 0 && order[at - 1].0 != *key);
        ranks[*place] = rank;
    }
    ranks
}

fn tree_of<'a>(terrain: &impl Terrain, layer: &'a [u32], standings: &[Standing]) -> Tree<'a> {
    let order = dense(layer.iter().map(|place| {
        let standing = standings[*place as usize];
        (standing.channels, standing.ages)
    }));
    let mut tree = Tree::over(Places::These(layer));
    for (slot, (place, key)) in (0..).zip(layer.iter().zip(order)) {
        tree.set(slot, key, terrain.extremes(*place));
    }
    tree
}

/// Which places the slots of a tree stand for.
enum Places<'a> {
    All(u32),
    These(&'a [u32]),
}

impl Places<'_> {
    fn len(&self) -> u32 {
        match self {
            Self::All(count) => *count,
            Self::These(places) => u32::try_from(places.len()).unwrap_or(u32::MAX),
        }
    }

    fn at(&self, slot: u32) -> u32 {
        match self {
            Self::All(_) => slot,
            Self::These(places) => places[slot as usize],
        }
    }

    fn slots(&self, stretch: &Range<u32>) -> Range<u32> {
        match self {
            Self::All(count) => stretch.start.min(*count)..stretch.end.min(*count),
            Self::These(places) => {
                let before = |end: u32| places.partition_point(|place| *place < end);
                let slot = |end| u32::try_from(before(end)).unwrap_or(u32::MAX);
                slot(stretch.start)..slot(stretch.end)
            }
        }
    }
}

/// Slots that one leaf of the tree holds.
const LEAF: u32 = 32;

/// The smallest key among the places that lead somewhere, found from the top down by what the nodes know of what is below.
struct Tree<'a> {
    places: Places<'a>,
    keys: Vec<u32>,
    /// Complete binary tree: node 1 is the root, node n has 2n and 2n + 1 below it; its lowest row are the leaves.
    nodes: Vec<(u32, Extremes)>,
}

impl<'a> Tree<'a> {
    fn over(places: Places<'a>) -> Self {
        let leaves = places.len().div_ceil(LEAF).next_power_of_two();
        Self {
            keys: vec![NEVER; places.len() as usize],
            nodes: vec![(NEVER, Extremes::OF_NONE); 2 * leaves as usize],
            places,
        }
    }

    fn set(&mut self, slot: u32, key: u32, extremes: Extremes) {
        self.keys[slot as usize] = key;
        let mut node = self.nodes.len() / 2 + (slot / LEAF) as usize;
        while node > 0 {
            let (least, known) = self.nodes[node];
            self.nodes[node] = (least.min(key), known.with(extremes));
            node /= 2;
        }
    }

    /// The smallest key with its place among those that lead to `to`.
    fn best(&self, terrain: &impl Terrain, to: u32) -> Option<(u32, u32)> {
        let mut found = None;
        for stretch in terrain.entrances(to) {
            let slots = self.places.slots(&stretch);
            if !slots.is_empty() {
                let all = u32::try_from(self.nodes.len() / 2).unwrap_or(u32::MAX) * LEAF;
                self.look(terrain, to, &slots, 1, 0..all, &mut found);
            }
        }
        found
    }

    fn look(
        &self,
        terrain: &impl Terrain,
        to: u32,
        wanted: &Range<u32>,
        node: usize,
        covers: Range<u32>,
        found: &mut Option<(u32, u32)>,
    ) {
        let (key, extremes) = &self.nodes[node];
        let better = |key: u32, found: &Option<(u32, u32)>| key != NEVER && found.is_none_or(|(best, _)| key < best);
        let apart = covers.end <= wanted.start || wanted.end <= covers.start;
        if apart || !better(*key, found) || !terrain.may_permit(extremes, to) {
            return;
        }
        if covers.end - covers.start > LEAF {
            let middle = covers.start.midpoint(covers.end);
            let mut below = [(2 * node, covers.start..middle), (2 * node + 1, middle..covers.end)];
            if self.nodes[2 * node + 1].0 < self.nodes[2 * node].0 {
                below.reverse();
            }
            for (node, covers) in below {
                self.look(terrain, to, wanted, node, covers, found);
            }
            return;
        }
        for slot in covers.start.max(wanted.start)..covers.end.min(wanted.end) {
            let key = self.keys[slot as usize];
            let place = self.places.at(slot);
            // What its levels and its date say is asked first: it is cheap, and often all.
            let may = || terrain.may_permit(&terrain.extremes(place), to) && terrain.permits(place, to);
            if better(key, found) && may() {
                *found = Some((key, place));
            }
        }
    }
}
