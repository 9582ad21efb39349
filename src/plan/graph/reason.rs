//! Rules in words: why this move is forbidden.

use super::super::Rule;
use super::{Graph, Heading, first_crossed};
use crate::version::Scheme;

impl<V: Scheme> Graph<V> {
    /// Each reason why the rule forbids the move; it does.
    pub fn reasons(&self, rule: Rule, from: u32, to: u32, heading: Heading) -> Vec<String> {
        let mut several: Vec<String> = match rule {
            Rule::Block | Rule::Risk => {
                let blocks = self.blocks(from, to).filter(|block| block.rule == rule);
                blocks.map(|block| block.reason.clone()).collect()
            }
            _ => {
                let barred = self.barred(to).iter().filter(|(by, _)| *by == rule);
                barred.map(|(_, reason)| reason.clone()).collect()
            }
        };
        if several.is_empty() {
            return vec![self.reason(rule, from, to, heading)];
        }
        several.sort_unstable();
        several.dedup();
        several
    }

    fn reason(&self, rule: Rule, from: u32, to: u32, heading: Heading) -> String {
        let (old, new) = (self.version(from), self.version(to));
        let level = |level: super::Level| level.get().map_or("none".to_owned(), |level| level.to_string());
        let restore = "to get there restore a backup: `netlink backup list`";
        match rule {
            Rule::Policy => format!(
                "the policy passes through nothing less stable than {}",
                self.least_channel
            ),
            Rule::Yanked
            | Rule::Platform
            | Rule::Rollout
            | Rule::Components
            | Rule::Requires
            | Rule::Block
            | Rule::Risk => format!("{new} may not be entered"),
            Rule::Avoid => format!("{new} is to be avoided: {}", self.avoided(to).unwrap_or_default()),
            Rule::From => format!("{new} may be reached only from {}", self.ranges_text(to)),
            Rule::Edge => {
                let way = if heading == Heading::Up { "up" } else { "down" };
                match self.oldest_that_moves(from, to) {
                    Some(oldest) => format!("only {oldest} and later of its series may go {way} to {new}"),
                    None => format!("no edge leads {way} from {old} to {new}"),
                }
            }
            Rule::Stop => {
                let stop = self.stop_between(from, to).unwrap_or(to);
                let doubt = self
                    .doubtful_stop(stop)
                    .map(|when| format!(", as far as `{when}` can be told"));
                format!(
                    "{} is a stop and may not be skipped{}",
                    self.version(stop),
                    doubt.unwrap_or_default()
                )
            }
            Rule::ReleaseDate => format!("{new} came out before {old}"),
            Rule::Protocol => {
                let (older, newer) = if heading == Heading::Up { (from, to) } else { (to, from) };
                format!(
                    "{} speaks protocol {}, {} understands none before {}",
                    self.version(older),
                    level(self.levels.get(older).protocol),
                    self.version(newer),
                    level(self.levels.get(newer).min_protocol)
                )
            }
            Rule::Schema => format!(
                "{new} takes over schemas from level {} on, {old} has level {}",
                level(self.levels.get(to).min_schema),
                level(self.levels.get(from).schema)
            ),
            Rule::Barrier => {
                let crossed = self.version(first_crossed(&self.barriers, from, to).unwrap_or(from));
                format!("{crossed} may not be crossed downwards; {restore}")
            }
            Rule::Irreversible => {
                let crossed = self.version(first_crossed(&self.irreversible, from, to).unwrap_or(from));
                format!("{crossed} cannot be reversed; {restore}")
            }
        }
    }

    /// The ranges of a release as written.
    fn ranges_text(&self, place: u32) -> &str {
        let (start, end) = self.ranges.get(place).text;
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}
