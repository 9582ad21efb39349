//! All releases with their rules, resolved to places in version order; as compact as a million of them asks for.

mod block;
mod build;
mod column;
mod edge;
mod moves;
mod order;
mod reason;
mod screen;

pub use build::{Building, GraphError};
pub use edge::EdgeRule;
pub use moves::{Ends, Heading, Way};

use self::block::{Block, Blocks};
use self::column::Column;
use self::edge::SeriesEdge;
use self::screen::Screen;
use crate::version::{Channel, Constraint, Scheme};

use super::Rule;

/// A number that may be missing; `u32::MAX` stands for none, which keeps a million of them small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level(u32);

impl Level {
    const NONE: Self = Self(u32::MAX);

    fn get(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl From<Option<u32>> for Level {
    fn from(level: Option<u32>) -> Self {
        level.map_or(Self::NONE, Self)
    }
}

/// What is known of one release besides its version.
#[derive(Debug)]
struct Release {
    channel: Channel,
    /// It is among the releases, not only what is installed.
    listed: bool,
    stop: bool,
    reversible: bool,
    barrier: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Levels {
    protocol: Level,
    min_protocol: Level,
    schema: Level,
    min_schema: Level,
}

impl Levels {
    const NONE: Self = Self {
        protocol: Level::NONE,
        min_protocol: Level::NONE,
        schema: Level::NONE,
        min_schema: Level::NONE,
    };
}

/// The `from` ranges of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ranges {
    /// Into the graph's spans.
    spans: (u32, u32),
    /// Into the graph's text: the same as written.
    text: (u32, u32),
}

impl Ranges {
    const NONE: Self = Self {
        spans: (0, 0),
        text: (0, 0),
    };
}

/// Of a release whose date is not known.
const NO_DATE: i64 = i64::MIN;

#[derive(Debug, Default)]
struct More {
    requires: Vec<String>,
    avoid: Option<String>,
    /// Rules that keep everybody out, whatever one comes from, each with its reason.
    barred: Vec<(Rule, String)>,
    /// A stop or not by a condition that cannot be judged here.
    doubtful_stop: Option<String>,
    components: Vec<Component>,
}

/// A component with which a release runs only in some versions.
#[derive(Debug)]
pub struct Component {
    pub name: String,
    pub needs: String,
    /// The version that is here, where it is known.
    pub present: Option<String>,
    fits: bool,
}

impl Component {
    /// None where it is not known which version is here.
    pub fn fits(&self) -> Option<bool> {
        self.present.as_ref().map(|_| self.fits)
    }
}

const NO_CHECK: u32 = u32::MAX;

/// Places `start..end`; `check` is the constraint that each of them must match besides, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: u32,
    end: u32,
    check: u32,
}

impl Span {
    fn all(count: u32) -> Self {
        Self {
            start: 0,
            end: count,
            check: NO_CHECK,
        }
    }

    fn holds(&self, place: u32) -> bool {
        self.start <= place && place < self.end
    }
}

#[derive(Debug)]
pub struct Graph<V: Scheme> {
    /// Ascending.
    versions: Vec<V>,
    releases: Vec<Release>,
    /// What few have; empty where none has any.
    more: Vec<Option<Box<More>>>,
    /// Unix microseconds.
    dates: Column<i64>,
    levels: Column<Levels>,
    ranges: Column<Ranges>,
    spans: Vec<Span>,
    /// Ranges as written, one after the other, for what is said to people.
    text: String,
    checks: Vec<Constraint<V>>,
    /// Single moves as (to, from), sorted; up and down apart.
    ups: Vec<(u32, u32)>,
    downs: Vec<(u32, u32)>,
    series_up: Vec<SeriesEdge>,
    series_down: Vec<SeriesEdge>,
    /// Of each edge between series the oldest that may move.
    oldest: Vec<V>,
    /// Stretches within which one moves freely upwards, because series are named.
    free: Vec<Span>,
    blocks: Blocks,
    /// Blocks that cannot be judged here, and that the operator takes all the same.
    accepted: Vec<Block>,
    /// Risks that the operator takes and that no block names.
    unknown_risks: Vec<String>,
    /// Places of the releases that may not be skipped.
    stops: Vec<u32>,
    /// Places that may never be crossed downwards.
    barriers: Vec<u32>,
    /// Places that cannot be, for another reason.
    irreversible: Vec<u32>,
    /// The least stable that is passed through.
    least_channel: Channel,
}

impl<V: Scheme> Graph<V> {
    pub fn version(&self, place: u32) -> &V {
        &self.versions[place as usize]
    }

    pub fn find(&self, version: &V) -> Option<u32> {
        let found = self.versions.binary_search(version).ok()?;
        u32::try_from(found).ok()
    }

    /// Whether it is among the releases.
    pub fn is_listed(&self, place: u32) -> bool {
        self.release(place).listed
    }

    /// Places of all releases that are listed, ascending.
    pub fn listed(&self) -> impl DoubleEndedIterator<Item = u32> {
        (0..self.count()).filter(|place| self.is_listed(*place))
    }

    pub fn count(&self) -> u32 {
        // `Building` takes no more than fit.
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    pub fn channel(&self, place: u32) -> Channel {
        self.release(place).channel
    }

    pub fn is_stop(&self, place: u32) -> bool {
        self.release(place).stop
    }

    /// Facts that must hold before one moves up to here.
    pub fn gates(&self, place: u32) -> &[String] {
        self.more(place).map_or(&[], |more| &more.requires)
    }

    /// Why it is passed by unless asked for.
    pub fn avoided(&self, place: u32) -> Option<&str> {
        self.more(place)?.avoid.as_deref()
    }

    /// The condition of a stop that is taken for one because it cannot be judged here.
    pub fn doubtful_stop(&self, place: u32) -> Option<&str> {
        self.more(place)?.doubtful_stop.as_deref()
    }

    /// Rules that keep everybody out.
    pub fn barred(&self, place: u32) -> &[(Rule, String)] {
        self.more(place).map_or(&[], |more| &more.barred)
    }

    /// Whether one can come back over the move without a restore.
    pub fn is_reversible(&self, from: u32, to: u32) -> bool {
        let (low, high) = (from.min(to), from.max(to));
        [&self.barriers, &self.irreversible]
            .iter()
            .all(|one_way| first_crossed(one_way, high, low).is_none())
    }

    /// The lowest release above `low` that cannot be crossed downwards.
    fn lowest_one_way_above(&self, low: u32) -> Option<u32> {
        let above = |one_way: &Vec<u32>| one_way.get(one_way.partition_point(|place| *place <= low)).copied();
        let both = [above(&self.barriers), above(&self.irreversible)];
        both.into_iter().flatten().min()
    }

    /// Components of which it is not known whether the release runs with them.
    pub fn unknown_components(&self, place: u32) -> impl Iterator<Item = &str> {
        let unknown = self.components(place).iter().filter(|one| one.fits().is_none());
        unknown.map(|one| one.name.as_str())
    }

    /// Those with which it runs only in some versions.
    pub fn components(&self, place: u32) -> &[Component] {
        self.more(place).map_or(&[], |more| &more.components)
    }

    /// Risks that the operator takes and that no block names.
    pub fn unknown_risks(&self) -> &[String] {
        &self.unknown_risks
    }

    /// The first stop strictly between.
    fn stop_between(&self, from: u32, to: u32) -> Option<u32> {
        let next = self.stops.partition_point(|place| *place <= from);
        self.stops.get(next).copied().filter(|place| *place < to)
    }

    fn last_stop_before(&self, place: u32) -> Option<u32> {
        let before = self.stops.partition_point(|stop| *stop < place);
        self.stops.get(before.checked_sub(1)?).copied()
    }

    fn release(&self, place: u32) -> &Release {
        &self.releases[place as usize]
    }

    fn more(&self, place: u32) -> Option<&More> {
        self.more.get(place as usize)?.as_deref()
    }

    fn spans_of(&self, place: u32) -> &[Span] {
        let (start, end) = self.ranges.get(place).spans;
        &self.spans[start as usize..end as usize]
    }

    /// Those that lead to `place`: (to, from) pairs.
    fn edges_to(edges: &[(u32, u32)], place: u32) -> &[(u32, u32)] {
        let start = edges.partition_point(|(to, _)| *to < place);
        let end = edges.partition_point(|(to, _)| *to <= place);
        &edges[start..end]
    }

    /// The risks that the operator takes with the move, each with its reason.
    pub fn accepted_risks(&self, from: u32, to: u32) -> impl Iterator<Item = &str> {
        let applies = move |block: &&Block| self.hold(&block.to, to) && self.hold(&block.from, from);
        self.accepted.iter().filter(applies).map(|block| block.reason.as_str())
    }

    /// Whether one of the spans holds the place.
    fn hold(&self, spans: &[Span], place: u32) -> bool {
        spans.iter().any(|span| {
            let check = self.checks.get(span.check as usize);
            span.holds(place) && check.is_none_or(|constraint| constraint.matches(self.version(place)))
        })
    }
}

/// The first of these that one crosses on the way down.
fn first_crossed(one_way: &[u32], from: u32, to: u32) -> Option<u32> {
    let above = one_way.partition_point(|place| *place <= from);
    let highest = one_way.get(above.checked_sub(1)?).copied();
    highest.filter(|place| *place > to)
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
