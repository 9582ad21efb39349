//! Moves that the publisher blocks after publishing, and those that are not recommended.

use super::{Building, Graph, Rule, Span, number};
use crate::release::Expression;
use crate::version::{Constraint, Scheme, Version};

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

/// The same in places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block {
    pub rule: Rule,
    pub reason: String,
    pub from: Vec<Span>,
    pub to: Vec<Span>,
}

/// A block that means no more releases than these is kept with each of them.
const FEW: u32 = 64;

impl<V: Scheme> Building<'_, V> {
    /// What is blocked, so far as the facts say so; all versions must be known.
    pub fn block(&mut self, block: &BlockRule<V>) {
        let is_accepted = self.terms.accepted_risks.contains(&block.name);
        if is_accepted {
            self.named_risks.insert(block.name.clone());
        }
        let facts = &self.terms.facts;
        let answer = match block.when.as_slice() {
            [] => Some(true),
            when => when.iter().find_map(|expression| expression.holds(facts)),
        };
        let rule = match answer {
            Some(false) => return,
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
            graph.blocks.push(blocked);
        }
    }
}

impl<V: Scheme> Graph<V> {
    /// Puts the blocks into an order that does not depend on that of the input, and finds what each of them means.
    pub(super) fn index_blocks(&mut self) {
        self.blocks.sort_unstable();
        self.blocks.dedup();
        self.accepted.sort_unstable();
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        for (index, block) in (0..).zip(&self.blocks) {
            let meant: u32 = block.to.iter().map(|span| span.end - span.start).sum();
            if meant > FEW {
                wide.push(index);
                continue;
            }
            let places = block.to.iter().flat_map(|span| span.start..span.end);
            narrow.extend(
                places
                    .filter(|place| self.hold(&block.to, *place))
                    .map(|place| (place, index)),
            );
        }
        narrow.sort_unstable();
        narrow.dedup();
        (self.narrow_blocks, self.wide_blocks) = (narrow, wide);
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
