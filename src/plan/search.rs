//! The best chain of moves through a stretch of releases.
//!
//! Places are numbered along the way from 0, where one is, to the last, where one wants to be; every move leads to a higher
//! number. Best is: fewest moves; then the highest channels of the places between, compared from the first on; then the newest.
//!
//! Places are reached layer by layer, those of one number of moves after the other. Within a layer they are asked whom they lead
//! to in the order of the chains that lead to them, best first: so whoever reaches a place first reaches it best, and whole
//! chains are compared without ever being written out. Each place is taken from among the [`Waiting`] once.

use std::cmp::Reverse;
use std::ops::Range;

use super::waiting::Waiting;
use crate::version::Channel;

/// What a release brings along that the next one may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub released: i64,
    pub protocol: u32,
    pub min_protocol: u32,
    pub schema: u32,
}

/// What a release asks of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    pub released_by: i64,
    /// The least that the one before must speak.
    pub least_protocol: u32,
    /// The most that it may call its least.
    pub most_min_protocol: u32,
    pub least_schema: u32,
}

/// The stretch that is searched.
pub trait Terrain {
    /// Number of places; at least two.
    fn len(&self) -> u32;
    /// Stretches of places outside of which none leads to `to`; all below `to`.
    fn entrances(&self, to: u32) -> Vec<Range<u32>>;
    fn offer(&self, place: u32) -> Offer;
    /// None leads to `to` whose offer does not meet this.
    fn demand(&self, to: u32) -> Demand;
    fn permits(&self, from: u32, to: u32) -> bool;
    fn channel(&self, place: u32) -> Channel;
    /// Smaller for newer releases.
    fn age(&self, place: u32) -> u32;
}

/// The places of the best chain with both ends, where there is one.
pub fn best_chain(terrain: &impl Terrain) -> Option<Vec<u32>> {
    let goal = terrain.len() - 1;
    if terrain.permits(0, goal) {
        return Some(vec![0, goal]);
    }
    let before = flood(terrain);
    if before[goal as usize] == NOBODY {
        return None;
    }
    let mut chain = vec![goal];
    while let Some(place) = chain.last().copied().filter(|place| *place != 0) {
        chain.push(before[place as usize]);
    }
    chain.reverse();
    Some(chain)
}

/// Which places can be reached, where the last one cannot.
pub fn reachable(terrain: &impl Terrain) -> Vec<bool> {
    let mut reached: Vec<bool> = flood(terrain).into_iter().map(|before| before != NOBODY).collect();
    reached[0] = true;
    reached
}

/// A place of the layer, with the standing among it of the chain that leads there; smaller is better.
#[derive(Clone, Copy)]
struct Reached {
    place: u32,
    channels: u32,
    ages: u32,
}

const NOBODY: u32 = u32::MAX;

/// For each place the one before it on the best chain that leads there, until the last place is reached.
fn flood(terrain: &impl Terrain) -> Vec<u32> {
    let goal = terrain.len() - 1;
    let mut waiting = Waiting::of(terrain);
    let mut before = vec![NOBODY; terrain.len() as usize];
    let mut layer = vec![Reached {
        place: 0,
        channels: 0,
        ages: 0,
    }];
    while !layer.is_empty() && before[goal as usize] == NOBODY {
        let mut next = Vec::new();
        for from in &layer {
            waiting.reached_from(from.place, |to| {
                before[to as usize] = from.place;
                next.push((to, from));
            });
        }
        layer = ranked(terrain, &next);
    }
    before
}

/// The places of a layer by the chains that lead there, themselves included, best first.
fn ranked(terrain: &impl Terrain, layer: &[(u32, &Reached)]) -> Vec<Reached> {
    let channels = dense(
        layer
            .iter()
            .map(|(to, from)| (from.channels, Reverse(terrain.channel(*to)))),
    );
    let ages = dense(layer.iter().map(|(to, from)| (from.ages, terrain.age(*to))));
    let standings = channels.into_iter().zip(ages);
    let mut reached: Vec<Reached> = layer
        .iter()
        .zip(standings)
        .map(|((place, _), (channels, ages))| Reached {
            place: *place,
            channels,
            ages,
        })
        .collect();
    reached.sort_unstable_by_key(|one| (one.channels, one.ages));
    reached
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

impl Demand {
    pub fn is_met_by(&self, offer: &Offer) -> bool {
        offer.released <= self.released_by
            && offer.protocol >= self.least_protocol
            && offer.min_protocol <= self.most_min_protocol
            && offer.schema >= self.least_schema
    }

    /// What is met wherever one of the two is.
    pub fn or(self, other: Self) -> Self {
        Self {
            released_by: self.released_by.max(other.released_by),
            least_protocol: self.least_protocol.min(other.least_protocol),
            most_min_protocol: self.most_min_protocol.max(other.most_min_protocol),
            least_schema: self.least_schema.min(other.least_schema),
        }
    }
}

#[cfg(test)]
mod tests;
