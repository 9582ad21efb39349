//! Which moves are permitted: every rule asked of a pair of releases, and a stretch of the graph as the search sees it.

use std::ops::Range;

use super::super::Rule;
use super::super::search::{Extremes, Terrain};
use super::{Graph, NO_DATE, Span};
use crate::version::{Channel, Scheme};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    Up,
    Down,
}

impl<V: Scheme> Graph<V> {
    /// Whether this rule forbids the move; `goal` is what was asked for.
    pub fn forbids(&self, rule: Rule, from: u32, to: u32, heading: Heading, goal: u32) -> bool {
        let (old, new) = (self.levels.get(from), self.levels.get(to));
        let up = heading == Heading::Up;
        let barred = || self.barred(to).iter().any(|(by, _)| *by == rule);
        match rule {
            Rule::Yanked | Rule::Platform | Rule::Rollout | Rule::Components => barred(),
            Rule::Policy => barred() || (to != goal && self.channel(to) < self.least_channel),
            Rule::Requires => up && barred(),
            Rule::Avoid => to != goal && self.avoided(to).is_some(),
            Rule::From => up && !self.spans_of(to).is_empty() && !self.leads(from, to),
            Rule::Edge if up => self.spans_of(to).is_empty() && !self.leads(from, to),
            Rule::Edge => !self.downs.is_empty() && self.downs.binary_search(&(to, from)).is_err(),
            Rule::Stop => up && self.stop_between(from, to).is_some(),
            Rule::Block | Rule::Risk => {
                let version = self.version(from);
                self.blocks_into(to)
                    .any(|block| block.rule == rule && block.stops(version))
            }
            Rule::ReleaseDate => {
                let date = self.dates.get(to);
                up && date != NO_DATE && self.dates.get(from) > date
            }
            Rule::Protocol => {
                let below = |speaks: Option<u32>, least: Option<u32>| speaks.zip(least).is_some_and(|(s, l)| s < l);
                below(old.protocol.get(), new.min_protocol.get()) || below(new.protocol.get(), old.min_protocol.get())
            }
            Rule::Schema => {
                let level = old.schema.get().zip(new.min_schema.get());
                up && level.is_some_and(|(level, least)| level < least)
            }
            Rule::Barrier => !up && self.crossed(to, from).is_some_and(|place| self.release(place).barrier),
            Rule::Irreversible => !up && self.crossed(to, from).is_some_and(|place| !self.release(place).barrier),
        }
    }

    /// The rules that forbid the move.
    pub fn against(&self, from: u32, to: u32, heading: Heading, goal: u32) -> impl Iterator<Item = Rule> {
        let forbids = move |rule: &Rule| self.forbids(*rule, from, to, heading, goal);
        Rule::ALL.into_iter().filter(forbids)
    }

    /// Whether ranges or edges let one move up from one to the other.
    fn leads(&self, from: u32, to: u32) -> bool {
        let spans = self.spans_of(to);
        let in_range = |span: &Span| {
            let check = self.checks.get(span.check as usize);
            span.holds(from) && check.is_none_or(|constraint| constraint.matches(self.version(from)))
        };
        if spans.is_empty() && !self.has_edges() {
            return true;
        }
        spans.iter().any(in_range)
            || self.ups.binary_search(&(to, from)).is_ok()
            || self
                .series
                .iter()
                .any(|edge| edge.from.holds(from) && edge.to.holds(to))
            || self.free.iter().any(|span| span.holds(from) && span.holds(to))
    }

    fn has_edges(&self) -> bool {
        !self.ups.is_empty() || !self.series.is_empty()
    }

    /// Stretches outside of which nothing leads up to `to`, all of them in `low..to`.
    fn ways_up(&self, to: u32, low: u32) -> Vec<Range<u32>> {
        let spans = self.spans_of(to);
        let within = |start: u32, end: u32| start.max(low)..end.min(to);
        let mut found = Vec::new();
        if spans.is_empty() && !self.has_edges() {
            found.push(low..to);
        } else {
            found.extend(spans.iter().map(|span| within(span.start, span.end)));
            found.extend(
                Self::edges_to(&self.ups, to)
                    .iter()
                    .map(|(_, from)| within(*from, from + 1)),
            );
            let series = self.series.iter().filter(|edge| edge.to.holds(to));
            found.extend(series.map(|edge| within(edge.from.start, edge.from.end)));
            let free = self.free.iter().filter(|span| span.holds(to));
            found.extend(free.map(|span| within(span.start, span.end)));
        }
        found.retain(|stretch| !stretch.is_empty());
        for block in self.blocks_into(to) {
            match &block.spans {
                Some(spans) => spans.iter().for_each(|span| cut(&mut found, span)),
                None if block.from.is_none() => found.clear(),
                None => {}
            }
        }
        found.retain(|stretch| !stretch.is_empty());
        found
    }

    fn extremes_of(&self, place: u32) -> Extremes {
        let levels = self.levels.get(place);
        Extremes {
            first_released: self.dates.get(place),
            highest_protocol: levels.protocol.get().unwrap_or(u32::MAX),
            lowest_min_protocol: levels.min_protocol.get().unwrap_or(0),
            highest_schema: levels.schema.get().unwrap_or(u32::MAX),
        }
    }
}

/// Takes the span out of the stretches.
fn cut(stretches: &mut Vec<Range<u32>>, span: &Span) {
    let whole = std::mem::take(stretches);
    for stretch in whole {
        let (start, end) = (
            span.start.clamp(stretch.start, stretch.end),
            span.end.clamp(stretch.start, stretch.end),
        );
        if start >= end {
            stretches.push(stretch);
        } else {
            stretches.extend([stretch.start..start, end..stretch.end]);
        }
    }
}

/// The stretch of the graph from one release to another, as the search walks it.
pub struct Way<'g, V: Scheme> {
    pub graph: &'g Graph<V>,
    pub from: u32,
    pub to: u32,
    pub heading: Heading,
    /// What was asked for, which may lie beyond this stretch.
    pub goal: u32,
}

impl<V: Scheme> Way<'_, V> {
    /// The release at a step of the search.
    pub fn release(&self, step: u32) -> u32 {
        match self.heading {
            Heading::Up => self.from + step,
            Heading::Down => self.from - step,
        }
    }
}

impl<V: Scheme> Terrain for Way<'_, V> {
    fn len(&self) -> u32 {
        self.from.abs_diff(self.to) + 1
    }

    fn entrances(&self, to: u32) -> Vec<Range<u32>> {
        let place = self.release(to);
        match self.heading {
            Heading::Up => {
                let ways = self.graph.ways_up(place, self.from);
                ways.into_iter()
                    .map(|way| way.start - self.from..way.end - self.from)
                    .collect()
            }
            Heading::Down if self.graph.downs.is_empty() => {
                let crossed = self.graph.crossed(place, self.from);
                let above = crossed.map_or(0, |one_way| self.from - one_way + 1);
                std::iter::once(above.min(to)..to).collect()
            }
            Heading::Down => {
                let edges = Graph::<V>::edges_to(&self.graph.downs, place).iter();
                let within = edges
                    .filter(|(_, from)| *from <= self.from)
                    .map(|(_, from)| self.from - from);
                within.map(|step| step..step + 1).collect()
            }
        }
    }

    fn permits(&self, from: u32, to: u32) -> bool {
        let (from, to) = (self.release(from), self.release(to));
        self.graph.is_listed(to) && self.graph.against(from, to, self.heading, self.goal).next().is_none()
    }

    fn extremes(&self, place: u32) -> Extremes {
        self.graph.extremes_of(self.release(place))
    }

    fn may_permit(&self, any_of: &Extremes, to: u32) -> bool {
        let place = self.release(to);
        let (levels, date) = (self.graph.levels.get(place), self.graph.dates.get(place));
        let up = self.heading == Heading::Up;
        let dated = !up || date == NO_DATE || any_of.first_released <= date;
        let speaks = levels
            .min_protocol
            .get()
            .is_none_or(|least| any_of.highest_protocol >= least);
        let spoken = levels
            .protocol
            .get()
            .is_none_or(|speaks| any_of.lowest_min_protocol <= speaks);
        let schema = !up
            || levels
                .min_schema
                .get()
                .is_none_or(|least| any_of.highest_schema >= least);
        dated && speaks && spoken && schema
    }

    fn channel(&self, place: u32) -> Channel {
        self.graph.channel(self.release(place))
    }

    fn age(&self, place: u32) -> u32 {
        u32::MAX - self.release(place)
    }
}
