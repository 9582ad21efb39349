//! Building the graph: first all versions, which gives places; then, one by one, the rules, which name places.

use std::fmt::Write as _;

use super::super::{Rule, Terms};
use super::{Block, Column, Graph, Levels, More, NO_CHECK, NO_DATE, Ranges, Release, SeriesEdge, Span};
use crate::release::{Expression, ReleaseRules, Rollout, Stop};
use crate::version::{Constraint, Scheme, Version};

/// A single move, or all moves from one series to another.
#[derive(Debug, Clone, PartialEq)]
pub struct EdgeRule<V: Scheme = Version> {
    pub from: V,
    pub to: V,
    /// The oldest of the series `from` that may move.
    pub min_patch: Option<V>,
}

/// A kind of move that the publisher blocks after publishing.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockRule<V: Scheme = Version> {
    pub name: String,
    pub from: Option<Constraint<V>>,
    pub to: Constraint<V>,
    pub reason: String,
    pub url: Option<String>,
    /// The first that can be judged decides; none at all: always.
    pub when: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("release {0} is there twice")]
    Twice(String),
    #[error("the edge {from} -> {to} names {missing}, which is no release")]
    Dangling { from: String, to: String, missing: String },
    #[error("the edge {0} -> {0} leads nowhere")]
    Loop(String),
    #[error("release {version}: {low} is above {high}")]
    UpsideDown {
        version: String,
        low: &'static str,
        high: &'static str,
    },
    #[error(
        "release {version} may be entered only from before {stop}, which is a stop that may not be skipped: nothing leads to {version}"
    )]
    OwnStop { version: String, stop: String },
    #[error("{0} releases are more than can be planned over")]
    TooMany(usize),
}

/// A graph of which all versions are known and some of the rules.
pub struct Building<'a, V: Scheme> {
    terms: &'a Terms<V>,
    graph: Graph<V>,
    /// Place of each release in the order in which they were given.
    places: Vec<u32>,
    /// Places of releases that are stops whatever the facts.
    unconditional: Vec<u32>,
}

impl<'a, V: Scheme> Building<'a, V> {
    /// `installed` need not be among the versions.
    pub fn new(mut versions: Vec<V>, installed: Option<&V>, terms: &'a Terms<V>) -> Result<Self, GraphError> {
        let count = versions.len();
        let fits = u32::try_from(count).is_ok_and(|count| count < u32::MAX - 1);
        if !fits {
            return Err(GraphError::TooMany(count));
        }
        let mut places = sort(&mut versions);
        if let Some(pair) = versions.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(GraphError::Twice(pair[0].to_string()));
        }
        let mut releases: Vec<Release> = versions.iter().map(|version| Release::unknown(version, true)).collect();
        if let Some(installed) = installed
            && let Err(at) = versions.binary_search(installed)
        {
            versions.insert(at, installed.clone());
            releases.insert(at, Release::unknown(installed, false));
            let moved = places.iter_mut().filter(|place| **place as usize >= at);
            moved.for_each(|place| *place += 1);
        }
        Ok(Self {
            terms,
            graph: Graph {
                versions,
                releases,
                dates: Column::of(NO_DATE),
                levels: Column::of(Levels::NONE),
                ranges: Column::of(Ranges::NONE),
                spans: Vec::new(),
                text: String::new(),
                checks: Vec::new(),
                ups: Vec::new(),
                downs: Vec::new(),
                series: Vec::new(),
                free: Vec::new(),
                blocks: Vec::new(),
                narrow_blocks: Vec::new(),
                wide_blocks: Vec::new(),
                stops: Vec::new(),
                one_way: Vec::new(),
                least_channel: terms.policy.channel,
            },
            places,
            unconditional: Vec::new(),
        })
    }

    /// The rules of the release that was given as the `nth` version, from 0.
    pub fn rules(&mut self, nth: usize, rules: &ReleaseRules<V>) -> Result<(), GraphError> {
        let place = self.places[nth];
        let version = self.graph.version(place).clone();
        let upside_down = |low, high| GraphError::UpsideDown {
            version: version.to_string(),
            low,
            high,
        };
        if rules.min_protocol > rules.protocol.or(rules.min_protocol) {
            return Err(upside_down("min_protocol", "protocol"));
        }
        if rules.min_schema_level > rules.schema_level.or(rules.min_schema_level) {
            return Err(upside_down("min_schema_level", "schema_level"));
        }
        let mut more = More {
            requires: rules.requires.clone(),
            avoid: rules.avoid.clone(),
            barred: self.bars(&version, rules),
            doubtful_stop: None,
        };
        let stop = match &rules.stop {
            Stop::No => false,
            Stop::Always => {
                self.unconditional.push(place);
                true
            }
            Stop::When(expression) => expression.holds(&self.terms.facts).unwrap_or_else(|| {
                more.doubtful_stop = Some(expression.to_string());
                true
            }),
        };
        let spans = self.add_spans(&rules.from);
        let text = self.add_text(&rules.from);
        let graph = &mut self.graph;
        let count = graph.versions.len();
        let date = rules.released_at.map_or(NO_DATE, jiff::Timestamp::as_second);
        let levels = Levels {
            protocol: rules.protocol.into(),
            min_protocol: rules.min_protocol.into(),
            schema: rules.schema_level.into(),
            min_schema: rules.min_schema_level.into(),
        };
        graph.dates.set(place, date, count);
        graph.levels.set(place, levels, count);
        if !rules.from.is_empty() {
            graph.ranges.set(place, Ranges { spans, text }, count);
        }
        let release = &mut graph.releases[place as usize];
        *release = Release {
            channel: rules.channel.unwrap_or(release.channel),
            listed: true,
            stop,
            reversible: rules.reversible,
            barrier: rules.barrier,
            more: more.is_something().then(|| Box::new(more)),
        };
        Ok(())
    }

    /// Keeps everybody out of the release that was given as the `nth`.
    pub fn bar(&mut self, nth: usize, rule: Rule, reason: String) {
        let place = self.places[nth];
        let more = self.graph.releases[place as usize].more.get_or_insert_default();
        more.barred.push((rule, reason));
    }

    fn bars(&self, version: &V, rules: &ReleaseRules<V>) -> Vec<(Rule, String)> {
        let mut barred = Vec::new();
        barred.extend(self.terms.policy.bars(version).map(|reason| (Rule::Policy, reason)));
        if let Some(rollout) = rules.rollout.filter(|rollout| !self.terms.takes_part(version, rollout)) {
            barred.push((Rule::Rollout, not_yet(version, &rollout)));
        }
        for (name, constraint) in &rules.components {
            match self.terms.facts.component(name) {
                Some(found) if !constraint.matches(&found) => {
                    let reason =
                        format!("{version} needs {name} {constraint}, found {found}; bring {name} there first");
                    barred.push((Rule::Components, reason));
                }
                _ => {}
            }
        }
        for fact in &rules.requires {
            let needed = crate::release::Fact::Truth(false);
            if self.terms.facts.get(fact) == Some(&needed) {
                let reason = format!("{version} requires `{fact}`, which does not hold yet");
                barred.push((Rule::Requires, reason));
            }
        }
        barred
    }

    fn add_spans(&mut self, from: &[Constraint<V>]) -> (u32, u32) {
        let graph = &mut self.graph;
        let start = graph.spans.len();
        for constraint in from {
            let mut check = NO_CHECK;
            if !constraint.is_continuous() {
                check = number(graph.checks.len());
                graph.checks.push(constraint.clone());
            }
            for stretch in constraint.stretches(&graph.versions) {
                let (start, end) = (number(stretch.start), number(stretch.end));
                graph.spans.push(Span { start, end, check });
            }
        }
        if graph.spans.len() == start && !from.is_empty() {
            // It has ranges, and they hold nothing: an empty one is not the same as none.
            graph.spans.push(Span {
                start: 0,
                end: 0,
                check: NO_CHECK,
            });
        }
        (number(start), number(graph.spans.len()))
    }

    fn add_text(&mut self, from: &[Constraint<V>]) -> (u32, u32) {
        let text = &mut self.graph.text;
        let start = text.len();
        for (at, constraint) in from.iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{constraint}", if at > 0 { " or " } else { "" });
        }
        (number(start), number(text.len()))
    }

    /// Takes in what is said of moves rather than of releases, and checks all against each other.
    pub fn finish(mut self, edges: &[EdgeRule<V>], blocks: &[BlockRule<V>]) -> Result<Graph<V>, GraphError> {
        for edge in edges {
            self.edge(edge)?;
        }
        for block in blocks {
            self.block(block);
        }
        let graph = &mut self.graph;
        for edges in [&mut graph.ups, &mut graph.downs, &mut graph.narrow_blocks] {
            edges.sort_unstable();
            edges.dedup();
        }
        let places = |keep: fn(&Release) -> bool| {
            let kept = (0..).zip(&graph.releases).filter(|(_, release)| keep(release));
            kept.map(|(place, _)| place).collect()
        };
        let (stops, one_way) = (places(|one| one.stop), places(|one| one.barrier || !one.reversible));
        (graph.stops, graph.one_way) = (stops, one_way);
        self.unconditional.sort_unstable();
        self.ranges_and_stops_agree()?;
        Ok(self.graph)
    }

    fn edge(&mut self, edge: &EdgeRule<V>) -> Result<(), GraphError> {
        if edge.from == edge.to {
            return Err(GraphError::Loop(edge.from.to_string()));
        }
        let graph = &mut self.graph;
        let known = |version: &V| graph.find(version);
        if edge.min_patch.is_none()
            && let (Some(from), Some(to)) = (known(&edge.from), known(&edge.to))
        {
            let edges = if from < to { &mut graph.ups } else { &mut graph.downs };
            edges.push((to, from));
            return Ok(());
        }
        let series = |version: &V| {
            let pattern = version.series();
            let start = graph.versions.partition_point(|one| one.beside(&pattern).is_lt());
            let end = graph.versions.partition_point(|one| one.beside(&pattern).is_le());
            let (start, end) = (number(start), number(end));
            let missing = || GraphError::Dangling {
                from: edge.from.to_string(),
                to: edge.to.to_string(),
                missing: version.to_string(),
            };
            (start < end)
                .then_some(Span {
                    start,
                    end,
                    check: NO_CHECK,
                })
                .ok_or_else(missing)
        };
        let (whole, to) = (series(&edge.from)?, series(&edge.to)?);
        let oldest = edge.min_patch.as_ref().map_or(whole.start, |oldest| {
            number(graph.versions.partition_point(|version| version < oldest))
        });
        let start = oldest.max(whole.start).min(whole.end);
        graph.free.extend([whole, to]);
        graph.series.push(SeriesEdge {
            from: Span { start, ..whole },
            to,
        });
        Ok(())
    }

    fn block(&mut self, block: &BlockRule<V>) {
        const FEW: usize = 64;
        let answer = if block.when.is_empty() {
            Some(true)
        } else {
            block
                .when
                .iter()
                .find_map(|expression| expression.holds(&self.terms.facts))
        };
        let rule = match answer {
            Some(false) => return,
            Some(true) => Rule::Block,
            None if self.terms.accepted_risks.contains(&block.name) => return,
            None => Rule::Risk,
        };
        let graph = &mut self.graph;
        let spans = block.from.as_ref().filter(|from| from.is_continuous()).map(|from| {
            let stretches = from.stretches(&graph.versions);
            let span = |stretch: std::ops::Range<usize>| Span {
                start: number(stretch.start),
                end: number(stretch.end),
                check: NO_CHECK,
            };
            stretches.map(span).collect()
        });
        let index = number(graph.blocks.len());
        let stretches: Vec<_> = block.to.stretches(&graph.versions).collect();
        if stretches.iter().map(ExactSizeIterator::len).sum::<usize>() <= FEW {
            let meant = stretches
                .into_iter()
                .flatten()
                .filter(|place| block.to.matches(&graph.versions[*place]));
            graph.narrow_blocks.extend(meant.map(|place| (number(place), index)));
        } else {
            graph.wide_blocks.push(index);
        }
        graph.blocks.push(Block {
            rule,
            reason: reason_of(block, rule),
            from: block.from.clone(),
            spans,
            to: block.to.clone(),
        });
    }

    /// A release that can be entered only over a stop that lies before it can never be entered.
    fn ranges_and_stops_agree(&self) -> Result<(), GraphError> {
        let graph = &self.graph;
        for place in 0..graph.count() {
            let spans = graph.spans_of(place);
            let before = self.unconditional.partition_point(|stop| *stop < place);
            let Some(stop) = before.checked_sub(1).and_then(|at| self.unconditional.get(at)).copied() else {
                continue;
            };
            let some = spans.iter().any(|span| span.start < span.end);
            if some && spans.iter().all(|span| span.end <= stop) && graph.edges_from_ranges_only(place) {
                return Err(GraphError::OwnStop {
                    version: graph.version(place).to_string(),
                    stop: graph.version(stop).to_string(),
                });
            }
        }
        Ok(())
    }
}

impl<V: Scheme> Graph<V> {
    fn edges_from_ranges_only(&self, place: u32) -> bool {
        Self::edges_to(&self.ups, place).is_empty() && !self.series.iter().any(|edge| edge.to.holds(place))
    }
}

impl Release {
    fn unknown<V: Scheme>(version: &V, listed: bool) -> Self {
        Self {
            channel: version.channel(),
            listed,
            stop: false,
            reversible: true,
            barrier: false,
            more: None,
        }
    }
}

impl More {
    fn is_something(&self) -> bool {
        !self.requires.is_empty() || self.avoid.is_some() || !self.barred.is_empty() || self.doubtful_stop.is_some()
    }
}

/// Sorts in place and gives for each version, in the order before, its place in the order now.
fn sort<V: Scheme>(versions: &mut [V]) -> Vec<u32> {
    let mut given: Vec<u32> = (0..number(versions.len())).collect();
    if versions.is_sorted() {
        return given;
    }
    given.sort_unstable_by(|a, b| versions[*a as usize].cmp(&versions[*b as usize]));
    let mut places = vec![0; given.len()];
    for (place, was) in (0..).zip(&given) {
        places[*was as usize] = place;
    }
    // Follows each cycle of versions that take each other's place.
    for start in 0..given.len() {
        let mut at = start;
        while given[at] as usize != start {
            let next = given[at] as usize;
            versions.swap(at, next);
            given[at] = number(at);
            at = next;
        }
        given[at] = number(at);
    }
    places
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn not_yet<V: Scheme>(version: &V, rollout: &Rollout) -> String {
    format!(
        "{version} comes to the nodes one after the other over {} hours from {}; it is not this one's turn yet",
        rollout.hours, rollout.start
    )
}

fn reason_of<V: Scheme>(block: &BlockRule<V>, rule: Rule) -> String {
    let see = block.url.as_ref().map(|url| format!(", see {url}")).unwrap_or_default();
    let (name, reason) = (&block.name, &block.reason);
    if rule == Rule::Block {
        return format!("blocked as {name}: {reason}{see}");
    }
    let conditions = block
        .when
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ");
    format!(
        "not recommended, {name}: {reason}{see}; whether `{conditions}` cannot be told here, `--accept-risk {name}` takes it"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_version_is_found_where_it_went(minors in proptest::collection::vec(1..40_u32, 0..30)) {
            let versions: Vec<Version> = minors.iter().map(|minor| format!("0a{minor}").parse().unwrap()).collect();
            let mut sorted = versions.clone();
            let places = sort(&mut sorted);
            prop_assert!(sorted.is_sorted());
            for (version, place) in versions.iter().zip(&places) {
                prop_assert_eq!(version, &sorted[*place as usize]);
            }
            let different: std::collections::BTreeSet<u32> = places.into_iter().collect();
            prop_assert_eq!(different.len(), versions.len());
        }
    }
}
