//! Moves that the publisher blocks after publishing, and those that are not recommended.

use super::screen::Moves;
use super::{Building, Graph, GraphError, NO_CHECK, Rule, Screen, Span, number};
use std::ops::Range;

use crate::release::BlockRule;
use crate::version::{Constraint, Scheme};

/// A rule of the publisher in places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block {
    pub rule: Rule,
    pub reason: String,
    pub from: Vec<Span>,
    pub to: Vec<Span>,
}

impl Block {
    /// Its spans say all: none of them has a constraint to be matched besides.
    pub fn is_whole(&self) -> bool {
        self.from.iter().chain(&self.to).all(|span| span.check == NO_CHECK)
    }
}

/// All blocks, and how to find those that mean a move.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub all: Vec<Block>,
    /// (to, block), sorted, for those that mean few releases; the others are looked at for every release.
    narrow: Vec<(u32, u32)>,
    wide: Vec<u32>,
    /// Of `wide` those that are not whole.
    wide_in_part: Vec<u32>,
    /// What whole blocks hold, and what whole ones hold that cannot be judged.
    blocked: Screen,
    risky: Screen,
}

/// A block that means no more releases than these is kept with each of them.
const FEW: u32 = 64;

impl<V: Scheme> Building<'_, V> {
    /// What is blocked, so far as the facts say so; all versions must be known.
    pub fn block(&mut self, block: &BlockRule<V>) -> Result<(), GraphError> {
        self.means_releases(block)?;
        let name = block.name();
        let is_accepted = self.terms.accepted_risks.contains(&*name);
        if is_accepted {
            self.named_risks.insert(name.into_owned());
        }
        let facts = &self.terms.facts;
        let answer = match block.when.as_slice() {
            [] => Some(true),
            when => when.iter().find_map(|expression| expression.holds(facts)),
        };
        let rule = match answer {
            Some(false) => return Ok(()),
            Some(true) => Rule::Block,
            None => Rule::Risk,
        };
        let graph = &mut self.graph;
        let anywhere = Span::all(graph.count());
        let blocked = Block {
            rule,
            reason: reason_of(block, rule),
            from: block
                .from
                .as_ref()
                .map_or(vec![anywhere], |from| graph.add_constraint(from)),
            to: graph.add_constraint(&block.to),
        };
        if rule == Rule::Risk && is_accepted {
            graph.accepted.push(blocked);
        } else {
            graph.blocks.all.push(blocked);
        }
        Ok(())
    }

    /// A block of one move between releases that are not there is a slip of the pen, and would keep nobody from anything.
    fn means_releases(&self, block: &BlockRule<V>) -> Result<(), GraphError> {
        let mut named = block.from.iter().chain([&block.to]).filter(|one| one.is_exact());
        let means_none = |one: &&Constraint<V>| one.stretches(&self.graph.versions).all(|stretch| stretch.is_empty());
        match named.find(means_none) {
            None => Ok(()),
            Some(missing) => Err(GraphError::BlockOfNothing {
                name: block.name().into_owned(),
                missing: missing.to_string(),
            }),
        }
    }
}

impl<V: Scheme> Graph<V> {
    /// Puts the blocks into an order that does not depend on that of the input, and finds what each of them means.
    pub(super) fn index_blocks(&mut self) {
        let mut all = std::mem::take(&mut self.blocks.all);
        all.sort_unstable();
        all.dedup();
        self.accepted.sort_unstable();
        let mut blocks = Blocks::default();
        for (index, block) in (0..).zip(&all) {
            let meant: u32 = block.to.iter().map(|span| span.end - span.start).sum();
            if meant > FEW {
                blocks.wide.push(index);
                continue;
            }
            let places = block.to.iter().flat_map(|span| span.start..span.end);
            let meant = places.filter(|place| self.hold(&block.to, *place));
            blocks.narrow.extend(meant.map(|place| (place, index)));
        }
        blocks.narrow.sort_unstable();
        blocks.narrow.dedup();
        let in_part = blocks.wide.iter().filter(|block| !all[**block as usize].is_whole());
        blocks.wide_in_part = in_part.copied().collect();
        blocks.blocked = Screen::of(self.count(), &whole_moves(&all, Rule::Block));
        blocks.risky = Screen::of(self.count(), &whole_moves(&all, Rule::Risk));
        blocks.all = all;
        self.blocks = blocks;
    }

    /// Whether a block or a risk forbids the move.
    pub(super) fn is_blocked(&self, rule: Rule, from: u32, to: u32) -> bool {
        let blocks = &self.blocks;
        let screen = if rule == Rule::Risk {
            &blocks.risky
        } else {
            &blocks.blocked
        };
        let narrow = blocks.narrow_into(to).filter(|block| !block.is_whole());
        let wide = blocks.these(&blocks.wide_in_part);
        let mut in_part = narrow.chain(wide).filter(|block| block.rule == rule);
        screen.holds(from, to) || in_part.any(|block| self.hold(&block.to, to) && self.hold(&block.from, from))
    }

    /// The blocks that mean the move.
    pub(super) fn blocks(&self, from: u32, to: u32) -> impl Iterator<Item = &Block> {
        let blocks = &self.blocks;
        let wide = blocks.these(&blocks.wide).filter(move |block| self.hold(&block.to, to));
        let into = blocks.narrow_into(to).chain(wide);
        into.filter(move |block| self.hold(&block.from, from))
    }

    /// The stretches without places from which a block keeps out of `to`; it need not leave out all of them.
    pub(super) fn unblocked(&self, to: u32, stretches: Vec<Range<u32>>) -> Vec<Range<u32>> {
        let cut = self.blocks.blocked.cut(to, stretches);
        self.blocks.risky.cut(to, cut)
    }

    /// How long it takes to ask all rules of one move, beside a graph without blocks that have to be asked each.
    pub fn effort(&self) -> u64 {
        1 + self.blocks.wide_in_part.len() as u64 / 8
    }

    /// The stretches of a constraint.
    pub(super) fn add_constraint(&mut self, constraint: &Constraint<V>) -> Vec<Span> {
        let check = self.add_check(constraint);
        let stretches = constraint.stretches(&self.versions).map(|stretch| Span {
            start: number(stretch.start),
            end: number(stretch.end),
            check,
        });
        stretches.filter(|span| span.start < span.end).collect()
    }
}

impl Blocks {
    fn narrow_into(&self, place: u32) -> impl Iterator<Item = &Block> {
        let start = self.narrow.partition_point(|(to, _)| *to < place);
        let end = self.narrow.partition_point(|(to, _)| *to <= place);
        self.narrow[start..end]
            .iter()
            .map(|(_, block)| &self.all[*block as usize])
    }

    fn these<'a>(&'a self, blocks: &'a [u32]) -> impl Iterator<Item = &'a Block> {
        blocks.iter().map(|block| &self.all[*block as usize])
    }
}

/// From where to where the whole blocks of this kind keep one from moving.
fn whole_moves(blocks: &[Block], rule: Rule) -> Vec<Moves> {
    let whole = blocks.iter().filter(|block| block.rule == rule && block.is_whole());
    let moves = whole.flat_map(|block| {
        block
            .to
            .iter()
            .flat_map(|to| block.from.iter().map(move |from| (from, to)))
    });
    moves
        .map(|(from, to)| (from.start..from.end, to.start..to.end))
        .collect()
}

fn reason_of<V: Scheme>(block: &BlockRule<V>, rule: Rule) -> String {
    let see = block.url.as_ref().map(|url| format!(", see {url}")).unwrap_or_default();
    let name = block.name();
    let reason = match block.reason.as_str() {
        "" => see,
        reason => format!(": {reason}{see}"),
    };
    if rule == Rule::Block {
        return format!("blocked as {name}{reason}");
    }
    let conditions = block
        .when
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ");
    let taken = if name.contains(' ') {
        format!("'{name}'")
    } else {
        name.to_string()
    };
    format!(
        "not recommended, {name}{reason}; whether `{conditions}` cannot be told here, `--accept-risk {taken}` takes it"
    )
}
