//! Rules in words: why this move is forbidden.

use super::super::Rule;
use super::{Graph, Heading};
use crate::version::Scheme;

impl<V: Scheme> Graph<V> {
    /// Why the rule forbids the move; it does.
    pub fn reason(&self, rule: Rule, from: u32, to: u32, heading: Heading) -> String {
        let (old, new) = (self.version(from), self.version(to));
        let level = |level: super::Level| level.get().map_or("none".to_owned(), |level| level.to_string());
        let restore = "to get there restore a backup: `netlink backup list`";
        match rule {
            Rule::Yanked | Rule::Platform | Rule::Policy | Rule::Rollout | Rule::Components | Rule::Requires => {
                let found = self.barred(to).iter().find(|(by, _)| *by == rule);
                let unstable = || {
                    format!(
                        "the policy passes through nothing less stable than {}",
                        self.least_channel
                    )
                };
                found.map_or_else(unstable, |(_, reason)| reason.clone())
            }
            Rule::Avoid => format!("{new} is to be avoided: {}", self.avoided(to).unwrap_or_default()),
            Rule::From => format!("{new} may be reached only from {}", self.ranges_text(to)),
            Rule::Edge => {
                let way = if heading == Heading::Up { "up" } else { "down" };
                format!("no edge leads {way} from {old} to {new}")
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
            Rule::Block | Rule::Risk => {
                let block = self
                    .blocks_into(to)
                    .find(|block| block.rule == rule && block.stops(old));
                block.map(|block| block.reason.clone()).unwrap_or_default()
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
            Rule::Barrier => format!("{} may not be crossed downwards; {restore}", self.crossed_by(to, from)),
            Rule::Irreversible => format!("{} cannot be reversed; {restore}", self.crossed_by(to, from)),
        }
    }

    fn crossed_by(&self, low: u32, high: u32) -> &V {
        self.version(self.crossed(low, high).unwrap_or(high))
    }

    /// The ranges of a release as written.
    fn ranges_text(&self, place: u32) -> &str {
        let (start, end) = self.ranges.get(place).text;
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}
