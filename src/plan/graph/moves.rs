//! Which moves are permitted: every rule asked of a pair of releases, and a stretch of the graph as the search sees it.

use std::ops::Range;

use super::super::Rule;
use super::super::search::{Demand, Offer, Terrain};
use super::{Graph, NO_DATE, SeriesEdge, first_crossed};
use crate::version::{Channel, Scheme};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    Up,
    Down,
}

/// What a move is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    pub heading: Heading,
    /// What was asked for.
    pub goal: u32,
    /// A rule that is left aside, to see what it alone keeps one from.
    pub without: Option<Rule>,
}

impl<V: Scheme> Graph<V> {
    /// Whether this rule forbids the move.
    pub fn forbids(&self, rule: Rule, from: u32, to: u32, ends: Ends) -> bool {
        let Ends { heading, goal, without } = ends;
        if without == Some(rule) {
            return false;
        }
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
            Rule::Edge => self.has_edges_down() && !self.leads_down(from, to),
            Rule::Stop => up && self.stop_between(from, to).is_some(),
            Rule::Block | Rule::Risk => self.is_blocked(rule, from, to),
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
            Rule::Barrier => !up && first_crossed(&self.barriers, from, to).is_some(),
            Rule::Irreversible => !up && first_crossed(&self.irreversible, from, to).is_some(),
        }
    }

    /// The rules that forbid the move.
    pub fn against(&self, from: u32, to: u32, ends: Ends) -> impl Iterator<Item = Rule> {
        let forbids = move |rule: &Rule| self.forbids(*rule, from, to, ends);
        Rule::ALL.into_iter().filter(forbids)
    }

    /// False where none may move to it, wherever one comes from.
    fn may_be_entered(&self, to: u32, ends: Ends) -> bool {
        let kept_out = Rule::OF_ENTERING.iter().any(|rule| self.forbids(*rule, to, to, ends));
        self.is_listed(to) && !kept_out
    }

    /// Whether ranges or edges let one move up from one to the other.
    fn leads(&self, from: u32, to: u32) -> bool {
        let spans = self.spans_of(to);
        if spans.is_empty() && !self.has_edges() {
            return true;
        }
        self.hold(spans, from)
            || self.ups.binary_search(&(to, from)).is_ok()
            || among(&self.series_up, from, to)
            || self.free.iter().any(|span| span.holds(from) && span.holds(to))
    }

    fn leads_down(&self, from: u32, to: u32) -> bool {
        self.downs.binary_search(&(to, from)).is_ok() || among(&self.series_down, from, to)
    }

    fn has_edges(&self) -> bool {
        !self.ups.is_empty() || !self.series_up.is_empty()
    }

    fn has_edges_down(&self) -> bool {
        !self.downs.is_empty() || !self.series_down.is_empty()
    }

    /// Stretches outside of which nothing leads up to `to`, all of them in `low..to`.
    fn ways_up(&self, to: u32, low: u32) -> Vec<Range<u32>> {
        let low = self.last_stop_before(to).map_or(low, |stop| stop.max(low));
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
            let series = self.series_up.iter().filter(|edge| edge.to.holds(to));
            found.extend(series.map(|edge| within(edge.from.start, edge.from.end)));
            let free = self.free.iter().filter(|span| span.holds(to));
            found.extend(free.map(|span| within(span.start, span.end)));
        }
        found.retain(|stretch| !stretch.is_empty());
        found
    }

    /// Stretches outside of which nothing leads down to `to`, all of them in `to + 1..=high`.
    fn ways_down(&self, to: u32, high: u32) -> Vec<Range<u32>> {
        let high = self
            .lowest_one_way_above(to)
            .map_or(high, |one_way| high.min(one_way - 1));
        let within = |start: u32, end: u32| start.max(to + 1)..end.min(high + 1);
        let mut found = Vec::new();
        if self.has_edges_down() {
            let single = Self::edges_to(&self.downs, to).iter();
            found.extend(single.map(|(_, from)| within(*from, from + 1)));
            let series = self.series_down.iter().filter(|edge| edge.to.holds(to));
            found.extend(series.map(|edge| within(edge.from.start, edge.from.end)));
        } else {
            found.push(within(to + 1, high + 1));
        }
        found.retain(|stretch| !stretch.is_empty());
        found
    }
}

fn among(series: &[SeriesEdge], from: u32, to: u32) -> bool {
    series.iter().any(|edge| edge.from.holds(from) && edge.to.holds(to))
}

/// The stretch of the graph from one release to another, as the search walks it.
pub struct Way<'g, V: Scheme> {
    pub graph: &'g Graph<V>,
    pub from: u32,
    pub to: u32,
    /// The goal may lie beyond this stretch.
    pub ends: Ends,
}

impl<V: Scheme> Way<'_, V> {
    /// The release at a step of the search.
    pub fn release(&self, step: u32) -> u32 {
        match self.ends.heading {
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
        if !self.graph.may_be_entered(place, self.ends) {
            return Vec::new();
        }
        let ways = match self.ends.heading {
            Heading::Up => self.graph.ways_up(place, self.from),
            Heading::Down => self.graph.ways_down(place, self.from),
        };
        let ways = self.graph.unblocked(place, ways).into_iter();
        // Downwards steps count the other way than places; of both the end is not within.
        let steps = |way: Range<u32>| match self.ends.heading {
            Heading::Up => way.start - self.from..way.end - self.from,
            Heading::Down => self.from + 1 - way.end..self.from + 1 - way.start,
        };
        ways.map(steps).collect()
    }

    fn offer(&self, place: u32) -> Offer {
        let place = self.release(place);
        let levels = self.graph.levels.get(place);
        Offer {
            released: self.graph.dates.get(place),
            protocol: levels.protocol.get().unwrap_or(u32::MAX),
            min_protocol: levels.min_protocol.get().unwrap_or(0),
            schema: levels.schema.get().unwrap_or(u32::MAX),
        }
    }

    fn demand(&self, to: u32) -> Demand {
        let place = self.release(to);
        let (levels, date) = (self.graph.levels.get(place), self.graph.dates.get(place));
        let up = self.ends.heading == Heading::Up;
        Demand {
            released_by: if up && date != NO_DATE { date } else { i64::MAX },
            least_protocol: levels.min_protocol.get().unwrap_or(0),
            most_min_protocol: levels.protocol.get().unwrap_or(u32::MAX),
            least_schema: levels.min_schema.get().filter(|_| up).unwrap_or(0),
        }
    }

    fn permits(&self, from: u32, to: u32) -> bool {
        let (from, to) = (self.release(from), self.release(to));
        self.graph.is_listed(to) && self.graph.against(from, to, self.ends).next().is_none()
    }

    fn channel(&self, place: u32) -> Channel {
        self.graph.channel(self.release(place))
    }

    fn age(&self, place: u32) -> u32 {
        u32::MAX - self.release(place)
    }
}
