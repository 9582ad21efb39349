//! Why a way is as it is: for each of its hops why it is made, and for what would have been shorter why it is not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::graph::{Ends, Graph, Way};
use super::route::{TOLD, heading, landings, refusals};
use super::search::Terrain;
use super::{Facts, Plan, RefusedHop, path};
use crate::release::Catalog;
use crate::version::Scheme;

/// Why the way of a plan is as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// For each hop, in order, why the way goes over its end.
    pub because: Vec<String>,
    /// Moves that a rule forbids and that would have made the way shorter.
    pub refused: Vec<RefusedHop>,
}

pub fn explain(facts: &Facts, catalog: &Catalog, plan: &Plan) -> Explanation {
    let Ok(graph) = path::graph(facts, catalog) else {
        return Explanation::default();
    };
    let passed = plan.from().into_iter().chain(plan.hops().map(|hop| &hop.to));
    let chain: Option<Vec<u32>> = passed.map(|version| graph.find(version)).collect();
    let chain = chain.unwrap_or_default();
    let hops = chain.len().saturating_sub(1);
    Explanation {
        because: (0..hops).map(|at| because(&graph, &chain, at)).collect(),
        refused: refused_shortcuts(&graph, &chain).collect(),
    }
}

/// Why the way goes over the end of this hop.
pub fn because<V: Scheme>(graph: &Graph<V>, chain: &[u32], at: usize) -> String {
    let (from, to) = (chain[at], chain[at + 1]);
    let Some(next) = chain.get(at + 2).copied() else {
        return "it is the target".into();
    };
    if from < to && graph.is_stop(to) {
        return "it is a stop and may not be skipped".into();
    }
    let ends = Ends {
        heading: heading(from, to),
        goal: chain[chain.len() - 1],
        without: None,
    };
    let Some(refused) = refusals(graph, from, next, ends).into_iter().next() else {
        return "it leads on".into();
    };
    let why = format!("{} cannot be reached at once: {}", refused.to, refused.reason);
    match other_between(graph, [from, to, next], ends) {
        None => why,
        Some(other) if graph.channel(other) < graph.channel(to) => {
            format!("{why}; {} leads there too, of a lower channel", graph.version(other))
        }
        Some(other) => format!("{why}; {} leads there too, and is older", graph.version(other)),
    }
}

/// Another release by which the two moves could have been made.
fn other_between<V: Scheme>(graph: &Graph<V>, [from, by, to]: [u32; 3], ends: Ends) -> Option<u32> {
    const LOOKED_AT: usize = 1000;
    let permits = |from, to| graph.against(from, to, ends).next().is_none();
    let between = from.min(to) + 1..from.max(to);
    let mut others = between.rev().filter(|place| *place != by && graph.is_listed(*place));
    others
        .by_ref()
        .take(LOOKED_AT)
        .find(|other| permits(from, *other) && permits(*other, to))
}

/// Moves that would have made the way shorter, each with every rule that forbids it: from its start to its end, past each of
/// its places, and those of shorter ways over other releases.
pub fn refused_shortcuts<V: Scheme>(graph: &Graph<V>, chain: &[u32]) -> impl Iterator<Item = RefusedHop<V>> {
    let first = chain.first().copied().unwrap_or_default();
    let last = chain.last().copied().unwrap_or_default();
    let ends = Ends {
        heading: heading(first, last),
        goal: last,
        without: None,
    };
    let mut pairs: Vec<(u32, u32)> = chain.windows(3).map(|window| (window[0], window[2])).collect();
    if chain.len() > 3 {
        pairs.insert(0, (first, last));
    }
    for pair in shorter_ways(graph, chain, ends) {
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    let refused = move |(from, to)| refusals(graph, from, to, ends);
    pairs.into_iter().flat_map(refused)
}

/// Moves to be asked about in search of shorter ways; between landings that have more of them none is looked for.
const ASKED: u64 = 200_000;

/// The only forbidden move of a way that is shorter, in each stretch between landings; those over which the fewest rules stand.
fn shorter_ways<V: Scheme>(graph: &Graph<V>, chain: &[u32], ends: Ends) -> Vec<(u32, u32)> {
    let (Some(from), Some(to)) = (chain.first().copied(), chain.last().copied()) else {
        return Vec::new();
    };
    let mut left = ASKED;
    let mut found = Vec::new();
    let mut start = 0;
    for landing in landings(graph, from, to) {
        let Some(further) = chain[start..].iter().position(|place| *place == landing) else {
            continue;
        };
        let end = start + further;
        let (stretch, hops) = ((chain[start], landing), end - start);
        start = end;
        let way = Way {
            graph,
            from: stretch.0,
            to: stretch.1,
            ends,
        };
        let asked = u64::from(way.len()).pow(2) * graph.effort();
        // Of two hops only the direct move is shorter, which is told anyway.
        if hops > 2 && asked <= left {
            left -= asked;
            found.extend(missed(&way, hops));
        }
    }
    found.sort_by_key(|(rules, ..)| *rules);
    let least = found.first().map(|(rules, ..)| *rules);
    let fewest = found.into_iter().filter(|(rules, ..)| Some(*rules) == least);
    fewest.map(|(_, from, to)| (from, to)).take(TOLD).collect()
}

/// Forbidden moves with which one would need fewer hops, each with the number of rules against it.
fn missed<V: Scheme>(way: &Way<'_, V>, hops: usize) -> Vec<(usize, u32, u32)> {
    let steps = way.len() as usize;
    let mut there = vec![usize::MAX; steps];
    let mut onward = vec![usize::MAX; steps];
    let mut forbidden = Vec::new();
    let nth = |step: u32| step as usize;
    there[0] = 0;
    for (from, to) in (1..way.len()).flat_map(|to| (0..to).map(move |from| (from, to))) {
        if way.permits(from, to) {
            there[nth(to)] = there[nth(to)].min(there[nth(from)].saturating_add(1));
        } else if way.graph.is_listed(way.release(to)) {
            forbidden.push((from, to));
        }
    }
    onward[steps - 1] = 0;
    for (from, to) in (0..way.len())
        .rev()
        .flat_map(|from| (from + 1..way.len()).map(move |to| (from, to)))
    {
        if onward[nth(to)] != usize::MAX && way.permits(from, to) {
            onward[nth(from)] = onward[nth(from)].min(onward[nth(to)] + 1);
        }
    }
    let shorter = |(from, to): &(u32, u32)| there[nth(*from)].saturating_add(onward[nth(*to)]).saturating_add(1) < hops;
    let told = forbidden.into_iter().filter(shorter).map(|(from, to)| {
        let (from, to) = (way.release(from), way.release(to));
        (way.graph.against(from, to, way.ends).count(), from, to)
    });
    told.collect()
}
