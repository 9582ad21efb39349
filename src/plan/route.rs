//! The way through the graph: the best chain of permitted moves, or what stands in the way.
//!
//! Upwards no stop may be skipped, so the way falls into stretches from stop to stop, and the best way is the best of each.
//! Downwards it is one stretch. A way never turns round.

use super::component::needs;
use super::graph::{Ends, Graph, Heading, Way};
use super::search::{Terrain, best_chain, reachable};
use super::{ComponentNeed, RefusedHop, Rule};
use crate::version::Scheme;

/// Pairs of releases that are looked at in search of what stands in the way, if few blocks have to be asked of each.
const PATIENCE: u64 = 2_000_000;
/// So many of them are told.
pub const TOLD: usize = 8;

/// There is no way: how far one gets, and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck<V: Scheme> {
    pub farthest: V,
    pub witness: Vec<RefusedHop<V>>,
    /// If only components keep one from going on: what each hop would need of them.
    pub components: Vec<ComponentNeed<V>>,
}

/// Places from `from` to `to` with both ends.
pub fn route<V: Scheme>(graph: &Graph<V>, from: u32, to: u32) -> Result<Vec<u32>, Stuck<V>> {
    let mut ends = Ends {
        heading: heading(from, to),
        goal: to,
        without: None,
    };
    if let Some(chain) = under(graph, from, to, ends) {
        return Ok(chain);
    }
    // What stands in the way is looked for over all of it: it may be the stop itself.
    let stuck = stuck(&Way { graph, from, to, ends });
    ends.without = Some(Rule::Components);
    let with_others = under(graph, from, to, ends);
    let components = with_others.map(|chain| needs(graph, &chain)).unwrap_or_default();
    Err(Stuck { components, ..stuck })
}

fn under<V: Scheme>(graph: &Graph<V>, from: u32, to: u32, ends: Ends) -> Option<Vec<u32>> {
    let mut chain = vec![from];
    if from == to {
        return Some(chain);
    }
    let mut at = from;
    for next in landings(graph, from, to) {
        let way = Way {
            graph,
            from: at,
            to: next,
            ends,
        };
        let found = best_chain(&way)?;
        chain.extend(found.into_iter().skip(1).map(|step| way.release(step)));
        at = next;
    }
    Some(chain)
}

pub fn heading(from: u32, to: u32) -> Heading {
    if from < to { Heading::Up } else { Heading::Down }
}

/// Where every way has to come by: on the way up the stops, then the target.
pub fn landings<V: Scheme>(graph: &Graph<V>, from: u32, to: u32) -> impl Iterator<Item = u32> {
    let between = from + 1..to.max(from + 1);
    between.filter(|place| graph.is_stop(*place)).chain([to])
}

/// Every rule that forbids the move, with every reason.
pub fn refusals<V: Scheme>(graph: &Graph<V>, from: u32, to: u32, ends: Ends) -> Vec<RefusedHop<V>> {
    let refused = |rule| {
        let reasons = graph.reasons(rule, from, to, ends.heading).into_iter();
        reasons.map(move |reason| RefusedHop {
            from: Some(graph.version(from).clone()),
            to: graph.version(to).clone(),
            rule,
            reason,
        })
    };
    graph.against(from, to, ends).flat_map(refused).collect()
}

/// What stands between all that can be reached and all that leads on: the moves over which the fewest rules stand.
fn stuck<V: Scheme>(way: &Way<'_, V>) -> Stuck<V> {
    let graph = way.graph;
    let reached = reachable(way);
    let near: Vec<u32> = (0..way.len()).filter(|step| reached[*step as usize]).collect();
    let far = leading_on(way, &reached);
    let mut best: Vec<(usize, u32, u32)> = Vec::new();
    let mut least = usize::MAX;
    for (from, to) in candidates(&near, &far, graph.effort()) {
        let rules = graph.against(way.release(from), way.release(to), way.ends).count();
        if rules < least {
            (least, best) = (rules, Vec::new());
        }
        if rules == least {
            best.push((rules, from, to));
        }
    }
    // What keeps out whoever comes says more than a range that leaves out where one happens to be.
    let by_place = |from: u32, to: u32| {
        let rule = graph.against(way.release(from), way.release(to), way.ends).next();
        matches!(rule, Some(Rule::From | Rule::Edge))
    };
    best.sort_by_key(|(_, from, to)| (by_place(*from, *to), *to, std::cmp::Reverse(*from)));
    let told = best.into_iter().take(TOLD);
    let told = told.flat_map(|(_, from, to)| refusals(graph, way.release(from), way.release(to), way.ends));
    Stuck {
        farthest: graph.version(way.release(near.last().copied().unwrap_or(0))).clone(),
        witness: told.collect(),
        components: Vec::new(),
    }
}

/// For each place that leads on, those from which one would come there: all, or the nearest before it and the start.
fn candidates(near: &[u32], far: &[u32], effort: u64) -> impl Iterator<Item = (u32, u32)> {
    let each = usize::try_from(PATIENCE / 100 / effort).unwrap_or(usize::MAX) / far.len().max(1);
    far.iter().flat_map(move |to| {
        let before = &near[..near.partition_point(|from| from < to)];
        let (others, nearest) = before.split_at(before.len().saturating_sub(each.max(1)));
        let start = others.first().into_iter();
        start.chain(nearest).map(move |from| (*from, *to))
    })
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
            looked_at += way.graph.effort();
            if looked_at > PATIENCE {
                return far;
            }
            let (old, new) = (way.release(from), way.release(to));
            let open = !known[from as usize]
                && way.graph.is_listed(old)
                && way.graph.against(old, new, way.ends).next().is_none();
            if open {
                known[from as usize] = true;
                far.push(from);
            }
        }
    }
    far
}
