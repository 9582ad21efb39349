//! The way through the graph: the best chain of permitted moves, or what stands in the way.
//!
//! Upwards no stop may be skipped, so the way falls into stretches from stop to stop, and the best way is the best of each.
//! Downwards it is one stretch. A way never turns round.

use super::graph::{Graph, Heading, Way};
use super::search::{Terrain, best_chain, reachable};
use super::{RefusedHop, Rule};
use crate::version::Scheme;

/// Pairs of releases that are looked at in search of what stands in the way.
const PATIENCE: u64 = 2_000_000;
/// So many of them are told.
const TOLD: usize = 8;

/// There is no way: how far one gets, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck<V: Scheme> {
    pub farthest: V,
    pub witness: Vec<RefusedHop<V>>,
}

/// Places from `from` to `to` with both ends.
pub fn route<V: Scheme>(graph: &Graph<V>, from: u32, to: u32) -> Result<Vec<u32>, Stuck<V>> {
    let heading = heading(from, to);
    let mut chain = vec![from];
    if from == to {
        return Ok(chain);
    }
    let mut at = from;
    for next in landings(graph, from, to) {
        let way = Way {
            graph,
            from: at,
            to: next,
            heading,
            goal: to,
        };
        let found = best_chain(&way).map_err(|farthest| stuck(&way, farthest))?;
        chain.extend(found.into_iter().skip(1).map(|step| way.release(step)));
        at = next;
    }
    Ok(chain)
}

pub fn heading(from: u32, to: u32) -> Heading {
    if from < to { Heading::Up } else { Heading::Down }
}

/// Where every way has to come by: on the way up the stops, then the target.
fn landings<V: Scheme>(graph: &Graph<V>, from: u32, to: u32) -> impl Iterator<Item = u32> {
    let between = from + 1..to.max(from + 1);
    between.filter(|place| graph.is_stop(*place)).chain([to])
}

/// Shorter moves than those of the chain, each with every rule that forbids it: from its start to its end, and past each of
/// its places.
pub fn refused_shortcuts<V: Scheme>(graph: &Graph<V>, chain: &[u32]) -> Vec<RefusedHop<V>> {
    let (Some(first), Some(last)) = (chain.first(), chain.last()) else {
        return Vec::new();
    };
    let mut pairs: Vec<(u32, u32)> = chain.windows(3).map(|window| (window[0], window[2])).collect();
    if chain.len() > 3 {
        pairs.insert(0, (*first, *last));
    }
    let refused = |(from, to)| refusals(graph, from, to, heading(from, to), *last);
    pairs.into_iter().flat_map(refused).collect()
}

/// Every rule that forbids the move.
pub fn refusals<V: Scheme>(graph: &Graph<V>, from: u32, to: u32, heading: Heading, goal: u32) -> Vec<RefusedHop<V>> {
    let refused = |rule| refused(graph, from, to, heading, rule);
    graph.against(from, to, heading, goal).map(refused).collect()
}

fn refused<V: Scheme>(graph: &Graph<V>, from: u32, to: u32, heading: Heading, rule: Rule) -> RefusedHop<V> {
    RefusedHop {
        from: Some(graph.version(from).clone()),
        to: graph.version(to).clone(),
        rule,
        reason: graph.reason(rule, from, to, heading),
    }
}

/// What stands between all that can be reached and all that leads on: the moves over which the fewest rules stand.
fn stuck<V: Scheme>(way: &Way<'_, V>, farthest: u32) -> Stuck<V> {
    let graph = way.graph;
    let reached = reachable(way);
    let near: Vec<u32> = (0..way.len()).filter(|step| reached[*step as usize]).collect();
    let far = leading_on(way, &reached);
    let few = (near.len() as u64).saturating_mul(far.len() as u64) <= PATIENCE / 100;
    let near = if few { near } else { vec![farthest] };
    let mut best: Vec<(usize, u32, u32)> = Vec::new();
    let mut least = usize::MAX;
    for (from, to) in far
        .iter()
        .flat_map(|to| near.iter().map(move |from| (*from, *to)))
        .filter(|(from, to)| from < to)
    {
        let rules = graph
            .against(way.release(from), way.release(to), way.heading, way.goal)
            .count();
        if rules < least {
            (least, best) = (rules, Vec::new());
        }
        if rules == least {
            best.push((rules, from, to));
        }
    }
    // What keeps out whoever comes says more than a range that leaves out where one happens to be.
    let by_place = |from: u32, to: u32| {
        let rule = graph
            .against(way.release(from), way.release(to), way.heading, way.goal)
            .next();
        matches!(rule, Some(Rule::From | Rule::Edge))
    };
    best.sort_by_key(|(_, from, to)| (by_place(*from, *to), *to, std::cmp::Reverse(*from)));
    let told = best.into_iter().take(TOLD);
    let told =
        told.flat_map(|(_, from, to)| refusals(graph, way.release(from), way.release(to), way.heading, way.goal));
    Stuck {
        farthest: graph.version(way.release(farthest)).clone(),
        witness: told.collect(),
    }
}

/// The end of the stretch, and those places that cannot be reached but from which it could be.
fn leading_on<V: Scheme>(way: &Way<'_, V>, reached: &[bool]) -> Vec<u32> {
    let goal = way.len() - 1;
    let mut far = vec![goal];
    let mut known = vec![false; reached.len()];
    let mut looked_at = 0;
    let mut next = 0;
    while let Some(to) = far.get(next).copied() {
        next += 1;
        for from in (0..to).rev().filter(|from| !reached[*from as usize]) {
            looked_at += 1;
            if looked_at > PATIENCE {
                return far;
            }
            let (old, new) = (way.release(from), way.release(to));
            let open = !known[from as usize]
                && way.graph.is_listed(old)
                && way.graph.against(old, new, way.heading, way.goal).next().is_none();
            if open {
                known[from as usize] = true;
                far.push(from);
            }
        }
    }
    far
}
