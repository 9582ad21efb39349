//! A way over a release index alone, with all that is to be said of it.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::component::to_bring;
use super::explain::{because, refused_shortcuts};
use super::graph::{Ends, Graph, Heading};
use super::route::{self, Stuck};
use super::{Index, IndexError, RefusedHop, Rule, Terms, Warning};
use crate::version::Scheme;

/// The answer to `netlink plan` (INTERFACES, "Release index"). A way may have very many hops, so what is to be said of each is
/// found when it is asked for, and none of it is kept.
#[derive(Debug)]
pub struct Travel<'g, V: Scheme> {
    graph: &'g Graph<V>,
    chain: Vec<u32>,
    runs: Vec<bool>,
}

#[derive(Serialize)]
#[serde(bound = "")]
pub struct TravelHop<'t, V: Scheme> {
    pub from: &'t V,
    pub to: &'t V,
    /// `to` may not be skipped.
    pub stop: bool,
    /// `to` has to run before one goes on; hops without that are done in one go.
    pub runs: bool,
    pub reversible: bool,
    /// Facts that must hold before this hop.
    pub gates: &'t [String],
    pub because: Because<'t, V>,
}

/// Why the way goes over the end of a hop.
pub struct Because<'t, V: Scheme> {
    graph: &'t Graph<V>,
    chain: &'t [u32],
    at: usize,
}

impl<V: Scheme> fmt::Display for Because<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&because(self.graph, self.chain, self.at))
    }
}

impl<V: Scheme> Serialize for Because<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<V: Scheme> Travel<'_, V> {
    /// With both ends.
    pub fn path(&self) -> impl Iterator<Item = &V> {
        self.chain.iter().map(|place| self.graph.version(*place))
    }

    pub fn hops(&self) -> impl ExactSizeIterator<Item = TravelHop<'_, V>> {
        let (graph, chain) = (self.graph, self.chain.as_slice());
        self.runs.iter().enumerate().map(move |(at, runs)| {
            let (from, to) = (chain[at], chain[at + 1]);
            let up = from < to;
            TravelHop {
                from: graph.version(from),
                to: graph.version(to),
                stop: up && graph.is_stop(to),
                runs: *runs,
                reversible: !up || graph.is_reversible(from, to),
                gates: if up { graph.gates(to) } else { &[] },
                because: Because { graph, chain, at },
            }
        })
    }

    pub fn warnings(&self) -> Vec<Warning> {
        warnings(self.graph, &self.chain)
    }

    /// Shorter moves, each with the rule that forbids it.
    pub fn refused(&self) -> impl Iterator<Item = RefusedHop<V>> {
        refused_shortcuts(self.graph, &self.chain)
    }
}

/// Written as it is found.
impl<V: Scheme> Serialize for Travel<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Travel", 4)?;
        document.serialize_field("path", &Listed(|| self.path()))?;
        document.serialize_field("hops", &Listed(|| self.hops()))?;
        document.serialize_field("warnings", &self.warnings())?;
        document.serialize_field("refused", &Listed(|| self.refused()))?;
        document.end()
    }
}

struct Listed<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Listed<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
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
    let first = stuck.witness.first().map(|refused| format!(": {refused}"));
    let bring = to_bring(&stuck.components).map(|bring| format!("; {bring}"));
    first.into_iter().chain(bring).collect()
}

/// The graph of an index. What the index says of facts yields to those of the terms.
pub fn index_graph<V: Scheme>(text: &str, from: &V, mut terms: Terms<V>) -> Result<Graph<V>, IndexError> {
    let mut index = Index::read(text)?;
    terms.facts = std::mem::take(&mut index.facts).overridden(terms.facts);
    index.graph(text, Some(from), &terms)
}

/// The way through a graph that has `from`.
pub fn plan_way<'g, V: Scheme>(graph: &'g Graph<V>, from: &V, to: &V) -> Result<Travel<'g, V>, NoTravel<V>> {
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
    let runs = runs(graph, &chain);
    Ok(Travel { graph, chain, runs })
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
            let without = None;
            let ends = Ends { heading, goal, without };
            let stop = up && graph.is_stop(chain[at + 1]);
            let gated = up && !graph.gates(next).is_empty();
            // In one go is a move of its own: what keeps one from taking it at once holds for it too.
            let at_once = [Rule::Protocol, Rule::Block, Rule::Risk];
            let barred = at_once
                .into_iter()
                .any(|rule| graph.forbids(rule, chain[start], next, ends));
            stop || gated || barred
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
