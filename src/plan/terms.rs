//! Under which terms a way is looked for: facts, the operator's policy, the time, and which node this is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::release::{FactSheet, Rollout};
use crate::version::{Bound, Channel, Constraint, Scheme, Version};

/// What the operator lets be installed at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy<V: Scheme = Version> {
    pub min: Option<Bound<V>>,
    pub max: Option<Bound<V>>,
    pub exclude: Vec<Constraint<V>>,
    /// The least stable channel that is passed through or chosen; what is asked for by name may be of any.
    pub channel: Channel,
}

impl<V: Scheme> Default for Policy<V> {
    fn default() -> Self {
        Self {
            min: None,
            max: None,
            exclude: Vec::new(),
            channel: Channel::Alpha,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Terms<V: Scheme = Version> {
    pub facts: FactSheet,
    pub policy: Policy<V>,
    pub now: Timestamp,
    /// In which times are told.
    pub zone: TimeZone,
    /// Names this node among all, for phased roll-outs; without it a roll-out that has begun is open.
    pub node: Option<String>,
    /// Names of blocks that cannot be judged here and are taken all the same.
    pub accepted_risks: BTreeSet<String>,
}

impl<V: Scheme> Policy<V> {
    /// Why a version is outside; none when it may be installed.
    pub(super) fn bars(&self, version: &V) -> Option<String> {
        if let Some(min) = self.min.as_ref().filter(|min| min.is_above(version)) {
            return Some(format!("the policy allows nothing below {min}"));
        }
        if let Some(max) = self.max.as_ref().filter(|max| max.is_below(version)) {
            return Some(format!("the policy allows nothing above {max}"));
        }
        let excluded = self.exclude.iter().find(|constraint| constraint.matches(version));
        excluded.map(|constraint| format!("the policy excludes {constraint}"))
    }
}

impl<V: Scheme> Terms<V> {
    /// That it is this time, and nothing else: no fact is known, any release may be installed, no risk is taken.
    pub fn at(now: Timestamp) -> Self {
        Self {
            facts: FactSheet::default(),
            policy: Policy::default(),
            now,
            zone: TimeZone::UTC,
            node: None,
            accepted_risks: BTreeSet::new(),
        }
    }

    /// Whether the roll-out of this version has come to this node.
    pub(super) fn takes_part(&self, version: &V, rollout: &Rollout) -> bool {
        self.now.as_second() >= self.turn(version, rollout).as_second()
    }

    /// When it comes to this node. A node has one place in the queue of a version, from the two names alone, so it never falls
    /// back out, and the shares grow evenly.
    pub(super) fn turn(&self, version: &V, rollout: &Rollout) -> Timestamp {
        let whole = u64::from(rollout.hours) * 3600;
        let waits = self.node.as_ref().map_or(0, |node| {
            let place = u128::from(place_in_queue(node, &version.to_string()));
            // Both are below 2^64, so their product is exact.
            let passed = u64::try_from((place * u128::from(whole)) >> 64).unwrap_or(whole);
            (passed + 1).min(whole)
        });
        let turn = rollout.start.as_second().saturating_add_unsigned(waits);
        Timestamp::from_second(turn).unwrap_or(Timestamp::MAX)
    }
}

/// Evenly spread over all of u64.
fn place_in_queue(node: &str, version: &str) -> u64 {
    let digest = crate::crypt::digest_of(format!("{}:{node}{version}", node.len()).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(node: &str, now: i64) -> Terms {
        Terms {
            node: Some(node.to_owned()),
            ..Terms::at(Timestamp::from_second(now).unwrap())
        }
    }

    #[test]
    fn a_roll_out_is_smooth_and_nobody_falls_back_out() {
        const NODES: usize = 20_000;
        let rollout = Rollout {
            start: jiff::Timestamp::from_second(1_000_000).unwrap(),
            hours: 5,
        };
        let version: Version = "0b1".parse().unwrap();
        let nodes: Vec<String> = (0..NODES).map(|n| format!("node-{n}")).collect();
        let ten_minutes = 10.0 / (5.0 * 60.0);
        let mut before = vec![false; NODES];
        for step in -1..=31_i64 {
            let now = 1_000_000 + step * 600;
            let takes: Vec<bool> = nodes
                .iter()
                .map(|node| terms(node, now).takes_part(&version, &rollout))
                .collect();
            assert!(
                before.iter().zip(&takes).all(|(before, now)| !before || *now),
                "at step {step}"
            );
            let came = takes
                .iter()
                .zip(&before)
                .filter(|(now, before)| **now && !**before)
                .count();
            let share = came as f64 / NODES as f64;
            assert!(share <= ten_minutes + 0.01, "{share} at step {step}");
            let all = takes.iter().filter(|takes| **takes).count();
            assert!(step > 0 || all == 0, "{all} before the start");
            assert!(step < 30 || all == NODES, "{all} at step {step}");
            before = takes;
        }
    }
}
