//! A way over a release index alone, with all that is to be said of it.

use serde::Serialize;

use super::explain::{because, refused_shortcuts};
use super::graph::{Ends, Graph, Heading};
use super::route::{self, Stuck};
use super::{Index, IndexError, RefusedHop, Rule, Terms, Warning};
use crate::version::Scheme;

/// The answer to `netlink plan` (INTERFACES, "Release index").
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct Travel<V: Scheme> {
    pub path: Vec<String>,
    pub hops: Vec<TravelHop>,
    pub warnings: Vec<Warning>,
    /// Shorter moves, each with the rule that forbids it.
    pub refused: Vec<RefusedHop<V>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TravelHop {
    pub from: String,
    pub to: String,
    /// `to` may not be skipped.
    pub stop: bool,
    /// `to` has to run before one goes on; hops without that are done in one go.
    pub runs: bool,
    pub reversible: bool,
    /// Facts that must hold before this hop.
    pub gates: Vec<String>,
    /// Why the way goes over `to`.
    pub because: String,
}

#[derive(Debug, thiserror::Error)]
pub enum NoTravel<V: Scheme> {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("there is no release {wanted}; {}", known_versions(known, *more))]
    Unknown { wanted: V, known: Vec<V>, more: usize },
    #[error("there is no permitted way from {from} to {to}; the farthest is {}{}", stuck.farthest, first_of(stuck))]
    NoPath { from: V, to: V, stuck: Box<Stuck<V>> },
}

/// So many versions are told where an unknown one was asked for: the newest.
const TOLD: usize = 20;

fn known_versions<V: Scheme>(known: &[V], more: usize) -> String {
    let list = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (known.is_empty(), more) {
        (true, _) => "the index has none".into(),
        (false, 0) => format!("the versions that exist are: {list}"),
        (false, more) => format!("the newest that exist are: {list}, and {more} more"),
    }
}

fn first_of<V: Scheme>(stuck: &Stuck<V>) -> String {
    stuck
        .witness
        .first()
        .map(|refused| format!(": {refused}"))
        .unwrap_or_default()
}

/// Plans over the text of an index. What the index says of facts yields to those of the terms.
pub fn travel<V: Scheme>(text: &str, from: &V, to: &V, terms: Terms<V>) -> Result<Travel<V>, NoTravel<V>> {
    let mut index = Index::read(text)?;
    let mut terms = terms;
    terms.facts = std::mem::take(&mut index.facts).overridden(terms.facts);
    let graph = index.graph(text, Some(from), &terms)?;
    plan_way(&graph, from, to)
}

/// The way through a graph that has `from`.
pub fn plan_way<V: Scheme>(graph: &Graph<V>, from: &V, to: &V) -> Result<Travel<V>, NoTravel<V>> {
    let places = graph
        .find(from)
        .zip(graph.find(to).filter(|place| graph.is_listed(*place) || from == to));
    let Some((start, goal)) = places else {
        let known: Vec<V> = graph
            .listed()
            .rev()
            .take(TOLD)
            .map(|place| graph.version(place).clone())
            .collect();
        let more = graph.listed().count() - known.len();
        let wanted = to.clone();
        return Err(NoTravel::Unknown { wanted, known, more });
    };
    let chain = route::route(graph, start, goal).map_err(|stuck| NoTravel::NoPath {
        from: from.clone(),
        to: to.clone(),
        stuck: Box::new(stuck),
    })?;
    Ok(told(graph, &chain))
}

fn told<V: Scheme>(graph: &Graph<V>, chain: &[u32]) -> Travel<V> {
    let name = |place: &u32| graph.version(*place).to_string();
    let runs = runs(graph, chain);
    let hop = |(at, pair): (usize, &[u32])| {
        let up = pair[0] < pair[1];
        TravelHop {
            from: name(&pair[0]),
            to: name(&pair[1]),
            stop: up && graph.is_stop(pair[1]),
            runs: runs[at],
            reversible: !up || graph.is_reversible(pair[0], pair[1]),
            gates: if up { graph.gates(pair[1]).to_vec() } else { Vec::new() },
            because: because(graph, chain, at),
        }
    };
    Travel {
        path: chain.iter().map(name).collect(),
        hops: chain.windows(2).enumerate().map(hop).collect(),
        warnings: warnings(graph, chain),
        refused: refused_shortcuts(graph, chain),
    }
}

/// For each hop whether its end has to run: the target, a stop, and what the move after it could not do without.
pub fn runs<V: Scheme>(graph: &Graph<V>, chain: &[u32]) -> Vec<bool> {
    let hops = chain.len().saturating_sub(1);
    let mut runs = vec![false; hops];
    let Some(goal) = chain.last().copied() else { return runs };
    let mut start = 0;
    for at in 0..hops {
        let next = chain.get(at + 2).copied();
        let up = chain[at] < chain[at + 1];
        runs[at] = next.is_none_or(|next| {
            let heading = if up { Heading::Up } else { Heading::Down };
            let ends = Ends { heading, goal };
            let stop = up && graph.is_stop(chain[at + 1]);
            let gated = up && !graph.gates(next).is_empty();
            stop || gated || graph.forbids(Rule::Protocol, chain[start], next, ends)
        });
        if runs[at] {
            start = at + 1;
        }
    }
    runs
}

/// What is to be said of a way that is permitted.
pub fn warnings<V: Scheme>(graph: &Graph<V>, chain: &[u32]) -> Vec<Warning> {
    let warning = |code: &str, message: String| Warning {
        code: code.into(),
        message,
    };
    let mut found = Vec::new();
    if let Some(start) = chain.first().filter(|place| !graph.is_listed(**place)) {
        let message = format!(
            "{} is not among the releases: only its place in the order is known",
            graph.version(*start)
        );
        found.push(warning("not-listed", message));
    }
    if let Some(goal) = chain.last().filter(|_| chain.len() > 1)
        && let Some(reason) = graph.avoided(*goal)
    {
        found.push(warning(
            "avoid",
            format!("{} is to be avoided: {reason}", graph.version(*goal)),
        ));
    }
    for place in chain.iter().skip(1) {
        if let Some(when) = graph.doubtful_stop(*place) {
            let version = graph.version(*place);
            let message = format!("{version} is taken for a stop because `{when}` cannot be told here");
            found.push(warning("doubtful-stop", message));
        }
        for name in graph.unknown_components(*place) {
            let version = graph.version(*place);
            let message = format!(
                "{version} runs with some versions of {name} only, and which one is here is not known: tell it as the fact `components.{name}`"
            );
            found.push(warning("unknown-component", message));
        }
    }
    for pair in chain.windows(2) {
        for reason in graph.accepted_risks(pair[0], pair[1]) {
            let (from, to) = (graph.version(pair[0]), graph.version(pair[1]));
            found.push(warning("accepted-risk", format!("{from} -> {to}: {reason}")));
        }
    }
    for name in graph.unknown_risks() {
        let message = format!("`--accept-risk {name}` names no block");
        found.push(warning("unknown-risk", message));
    }
    found
}
