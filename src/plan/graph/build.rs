//! Building the graph: first all versions, which gives places; then, one by one, the rules, which name places.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::{Rule, Terms, local};
use super::order::sort;
use super::{Blocks, Column, Component, Graph, Levels, More, NO_CHECK, NO_DATE, Ranges, Release, Span, number};
use crate::release::{ReleaseRules, Rollout, Stop, counted};
use crate::version::{Constraint, Dotted, Scheme};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("release {0} is there twice")]
    Twice(String),
    #[error("the edge {from} -> {to} names {missing}, which is no release")]
    Dangling { from: String, to: String, missing: String },
    #[error("the edge {from} -> {to} begins with {min_patch}, which is not of the series {from}")]
    OtherSeries {
        from: String,
        to: String,
        min_patch: String,
    },
    #[error("release {version}: {number} is more than a level can be")]
    TooHigh { version: String, number: u32 },
    #[error("the block {name} means {missing}, and there is no such release")]
    BlockOfNothing { name: String, missing: String },
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
    pub(super) terms: &'a Terms<V>,
    pub(super) graph: Graph<V>,
    /// Place of each release in the order in which they were given.
    places: Vec<u32>,
    /// Places of releases that are stops whatever the facts.
    unconditional: Vec<u32>,
    /// The accepted risks that blocks name.
    pub(super) named_risks: BTreeSet<String>,
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
                more: Vec::new(),
                dates: Column::of(NO_DATE),
                levels: Column::of(Levels::NONE),
                ranges: Column::of(Ranges::NONE),
                spans: Vec::new(),
                text: String::new(),
                checks: Vec::new(),
                ups: Vec::new(),
                downs: Vec::new(),
                series_up: Vec::new(),
                series_down: Vec::new(),
                oldest: Vec::new(),
                free: Vec::new(),
                blocks: Blocks::default(),
                accepted: Vec::new(),
                unknown_risks: Vec::new(),
                stops: Vec::new(),
                barriers: Vec::new(),
                irreversible: Vec::new(),
                least_channel: terms.policy.channel,
            },
            places,
            unconditional: Vec::new(),
            named_risks: BTreeSet::new(),
        })
    }

    /// The rules of the release that was given as the `nth` version, from 0.
    pub fn rules(&mut self, nth: usize, rules: &ReleaseRules<V>) -> Result<(), GraphError> {
        let place = self.places[nth];
        let version = self.graph.version(place).clone();
        let levels = levels(&version, rules)?;
        let mut requires = rules.requires.clone();
        requires.sort_unstable();
        requires.dedup();
        let mut more = More {
            requires,
            avoid: rules.avoid.clone(),
            barred: self.bars(&version, rules),
            doubtful_stop: None,
            components: self.components(rules),
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
        let date = rules.released_at.map_or(NO_DATE, jiff::Timestamp::as_microsecond);
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
        };
        if more.is_something() {
            *self.more(place) = more;
        }
        Ok(())
    }

    /// Keeps everybody out of the release that was given as the `nth`.
    pub fn bar(&mut self, nth: usize, rule: Rule, reason: String) {
        let place = self.places[nth];
        self.more(place).barred.push((rule, reason));
    }

    fn more(&mut self, place: u32) -> &mut More {
        let all = &mut self.graph.more;
        if all.is_empty() {
            all.resize_with(self.graph.releases.len(), || None);
        }
        all[place as usize].get_or_insert_default()
    }

    fn bars(&self, version: &V, rules: &ReleaseRules<V>) -> Vec<(Rule, String)> {
        let mut barred = Vec::new();
        barred.extend(self.terms.policy.bars(version).map(|reason| (Rule::Policy, reason)));
        if let Some(rollout) = rules.rollout.filter(|rollout| !self.terms.takes_part(version, rollout)) {
            barred.push((Rule::Rollout, self.not_yet(version, &rollout)));
        }
        for one in self.components(rules).iter().filter(|one| one.fits() == Some(false)) {
            let (name, needs, found) = (&one.name, &one.needs, one.present.as_deref().unwrap_or_default());
            let reason =
                format!("{version} runs with {name} {needs} only, here it is {found}; bring {name} there first");
            barred.push((Rule::Components, reason));
        }
        for fact in rules.requires.iter().collect::<BTreeSet<_>>() {
            let needed = crate::release::Fact::Truth(false);
            if self.terms.facts.get(fact) == Some(&needed) {
                let reason = format!("{version} requires `{fact}`, which does not hold yet");
                barred.push((Rule::Requires, reason));
            }
        }
        barred
    }

    fn not_yet(&self, version: &V, rollout: &Rollout) -> String {
        let told = |at| local(&self.terms.zone, at);
        if rollout.hours == 0 {
            return format!("{version} comes to all nodes at {}", told(rollout.start));
        }
        format!(
            "{version} comes to the nodes one after the other over {} from {}; this one's turn is at {}",
            counted(rollout.hours, "hour"),
            told(rollout.start),
            told(self.terms.turn(version, rollout))
        )
    }

    fn components(&self, rules: &ReleaseRules<V>) -> Vec<Component> {
        let one = |(name, constraint): (&String, &Constraint<Dotted>)| {
            let found = self.terms.facts.component(name);
            Component {
                name: name.clone(),
                needs: constraint.to_string(),
                fits: found.as_ref().is_none_or(|found| constraint.matches(found)),
                present: found.map(|found| found.to_string()),
            }
        };
        rules.components.iter().map(one).collect()
    }

    fn add_spans(&mut self, from: &[Constraint<V>]) -> (u32, u32) {
        let graph = &mut self.graph;
        let start = graph.spans.len();
        for constraint in from {
            let check = graph.add_check(constraint);
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
        match from {
            // Writing to a string cannot fail.
            [only] => drop(write!(text, "{only}")),
            from => {
                let mut all: Vec<String> = from.iter().map(ToString::to_string).collect();
                all.sort_unstable();
                text.push_str(&all.join(" or "));
            }
        }
        (number(start), number(text.len()))
    }

    /// Checks all against each other.
    pub fn finish(mut self) -> Result<Graph<V>, GraphError> {
        let graph = &mut self.graph;
        graph.sort_edges();
        graph.index_blocks();
        let places = |keep: fn(&Release) -> bool| {
            let kept = (0..).zip(&graph.releases).filter(|(_, release)| keep(release));
            kept.map(|(place, _)| place).collect()
        };
        let (stops, barriers) = (places(|one| one.stop), places(|one| one.barrier));
        let irreversible = places(|one| !one.reversible && !one.barrier);
        (graph.stops, graph.barriers, graph.irreversible) = (stops, barriers, irreversible);
        let accepted = &self.terms.accepted_risks;
        graph.unknown_risks = accepted.difference(&self.named_risks).cloned().collect();
        self.unconditional.sort_unstable();
        self.ranges_and_stops_agree()?;
        Ok(self.graph)
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
    /// The constraint as one that each place of its stretches must match besides, if those do not say all.
    pub(super) fn add_check(&mut self, constraint: &Constraint<V>) -> u32 {
        if constraint.is_continuous() {
            return NO_CHECK;
        }
        self.checks.push(constraint.clone());
        number(self.checks.len() - 1)
    }

    fn edges_from_ranges_only(&self, place: u32) -> bool {
        Self::edges_to(&self.ups, place).is_empty() && !self.series_up.iter().any(|edge| edge.to.holds(place))
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
        }
    }
}

impl More {
    fn is_something(&self) -> bool {
        !self.requires.is_empty()
            || self.avoid.is_some()
            || !self.barred.is_empty()
            || self.doubtful_stop.is_some()
            || !self.components.is_empty()
    }
}

fn levels<V: Scheme>(version: &V, rules: &ReleaseRules<V>) -> Result<Levels, GraphError> {
    let upside_down = |low, high| GraphError::UpsideDown {
        version: version.to_string(),
        low,
        high,
    };
    let all = [
        rules.protocol,
        rules.min_protocol,
        rules.schema_level,
        rules.min_schema_level,
    ];
    if let Some(number) = all.into_iter().flatten().find(|level| *level == u32::MAX) {
        let version = version.to_string();
        return Err(GraphError::TooHigh { version, number });
    }
    if rules.min_protocol > rules.protocol.or(rules.min_protocol) {
        return Err(upside_down("min_protocol", "protocol"));
    }
    if rules.min_schema_level > rules.schema_level.or(rules.min_schema_level) {
        return Err(upside_down("min_schema_level", "schema_level"));
    }
    Ok(Levels {
        protocol: rules.protocol.into(),
        min_protocol: rules.min_protocol.into(),
        schema: rules.schema_level.into(),
        min_schema: rules.min_schema_level.into(),
    })
}
