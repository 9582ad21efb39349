//! All releases with their rules, resolved to places in version order; as compact as a million of them asks for.

mod build;
mod column;
mod moves;
mod reason;

pub use build::{BlockRule, Building, EdgeRule, GraphError};
pub use moves::{Heading, Way};

use self::column::Column;
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
    /// What few have.
    more: Option<Box<More>>,
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
}

const NO_CHECK: u32 = u32::MAX;

/// Places `start..end`; `check` is the constraint that each of them must match besides, if any.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
    check: u32,
}

impl Span {
    fn holds(&self, place: u32) -> bool {
        self.start <= place && place < self.end
    }
}

/// A blocked kind of move.
#[derive(Debug)]
struct Block<V: Scheme> {
    rule: Rule,
    reason: String,
    /// None: from anywhere.
    from: Option<Constraint<V>>,
    /// The stretches of `from`, where they say all.
    spans: Option<Vec<Span>>,
    to: Constraint<V>,
}

/// Releases of a series, from `from`'s on, that lead to those of another.
#[derive(Debug, Clone, Copy)]
struct SeriesEdge {
    from: Span,
    to: Span,
}

#[derive(Debug)]
pub struct Graph<V: Scheme> {
    /// Ascending.
    versions: Vec<V>,
    releases: Vec<Release>,
    /// Unix seconds.
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
    series: Vec<SeriesEdge>,
    /// Stretches within which one moves freely upwards, because series are named.
    free: Vec<Span>,
    blocks: Vec<Block<V>>,
    /// (to, block), sorted, for blocks that mean few releases; the others are looked at for every release.
    narrow_blocks: Vec<(u32, u32)>,
    wide_blocks: Vec<u32>,
    /// Places of the releases that may not be skipped.
    stops: Vec<u32>,
    /// Places that cannot be crossed downwards.
    one_way: Vec<u32>,
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
        self.crossed(from.min(to), from.max(to)).is_none()
    }

    /// The first release above `low`, up to `high`, that cannot be crossed downwards.
    fn crossed(&self, low: u32, high: u32) -> Option<u32> {
        let next = self.one_way.partition_point(|place| *place <= low);
        self.one_way.get(next).copied().filter(|place| *place <= high)
    }

    /// The first stop strictly between.
    fn stop_between(&self, from: u32, to: u32) -> Option<u32> {
        let next = self.stops.partition_point(|place| *place <= from);
        self.stops.get(next).copied().filter(|place| *place < to)
    }

    fn release(&self, place: u32) -> &Release {
        &self.releases[place as usize]
    }

    fn more(&self, place: u32) -> Option<&More> {
        self.release(place).more.as_deref()
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

    fn blocks_into(&self, place: u32) -> impl Iterator<Item = &Block<V>> {
        let narrow = Self::edges_to(&self.narrow_blocks, place)
            .iter()
            .map(|(_, block)| *block);
        let wide = self.wide_blocks.iter().copied();
        let wide = wide.filter(move |block| self.blocks[*block as usize].to.matches(self.version(place)));
        narrow.chain(wide).map(|block| &self.blocks[block as usize])
    }
}

impl<V: Scheme> Block<V> {
    fn stops(&self, from: &V) -> bool {
        self.from.as_ref().is_none_or(|constraint| constraint.matches(from))
    }
}
