//! What would be upgraded to by itself, and what holds back every other release: each of them is told why not, and when it would be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::offer::Offer;
use super::{Goal, Installation, Result, Wish, facts};
use crate::clock;
use crate::plan::{self, Bar, Closed, Facts, Fetch, Plan, Planned, Rule};
use crate::version::Version;

/// So many releases are looked at for the way there and for consent, the highest first.
const LOOKED_AT: usize = 20;

/// One thing that keeps a release from being taken now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    pub by: HeldBy,
    /// In words.
    pub message: String,
    /// When it passes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBy {
    /// Its publisher has withdrawn it.
    Yanked,
    /// There is no package for this platform.
    Platform,
    /// The policy does not let it be installed.
    Policy,
    /// Its phased roll-out has not come to this node.
    Rollout,
    /// A component is of a version with which it does not run.
    Components,
    /// A fact that must hold before does not.
    Requires,
    /// Its publisher says that it is to be passed by.
    Avoid,
    /// An update to it failed here or was rolled back.
    FailedBefore,
    /// The same of a newer one.
    NewerFailed,
    /// No permitted way leads there.
    NoWay,
    /// Something is to be said before it, which `--force` takes.
    Warning,
    /// Breaking changes or notes on the way need a person's consent.
    Consent,
    /// A newer one is taken.
    Newer,
    /// Nothing is taken by itself.
    AutoUpgrade,
    /// The calendar is closed.
    Calendar,
    /// Updates are frozen.
    Freeze,
}

/// A release above the installed one.
#[derive(Debug, Clone)]
pub struct Seen {
    pub version: Version,
    pub held: Vec<Held>,
}

#[derive(Debug)]
pub struct Outlook {
    /// Lowest first.
    pub releases: Vec<Seen>,
    /// What is to be taken, but for the calendar and for whether anything is taken by itself at all.
    pub target: Option<Version>,
}

pub fn outlook(installation: &Installation, facts: &Facts, offer: &Offer) -> Result<Outlook> {
    let failed = facts::failed_here(installation)?;
    // That the releases contradict each other is said by whoever plans.
    let bars = plan::bars(facts, &offer.catalog).unwrap_or_default();
    let mut releases: Vec<Seen> = bars
        .into_iter()
        .map(|(version, bars)| {
            let mut held: Vec<Held> = bars.into_iter().map(of_bar).collect();
            if failed.contains(&version) || facts.rolled_back.contains(&version) {
                held.push(lasting(
                    HeldBy::FailedBefore,
                    format!(
                        "an update to it failed or was rolled back here before; `netlink update upgrade --to {version}` tries again"
                    ),
                ));
            }
            Seen { version, held }
        })
        .collect();
    hold_below_failed(&mut releases);
    let target = best(facts, offer, &mut releases);
    if let Some(target) = &target {
        let lower = releases
            .iter_mut()
            .filter(|one| one.version < *target && one.held.is_empty());
        lower.for_each(|one| one.held.push(lasting(HeldBy::Newer, format!("{target} is newer"))));
        let of_time = of_time(installation);
        let target = releases.iter_mut().filter(|one| one.version == *target);
        target.for_each(|one| one.held.extend(of_time.iter().cloned()));
    }
    Ok(Outlook { releases, target })
}

/// Whoever has left a release for an older one does not want to find one in between.
fn hold_below_failed(releases: &mut [Seen]) {
    let failed = |one: &Seen| one.held.iter().any(|held| held.by == HeldBy::FailedBefore);
    let Some(at) = releases.iter().rposition(failed) else {
        return;
    };
    let (below, failed) = releases.split_at_mut(at);
    let Some(Seen { version, .. }) = failed.first() else {
        return;
    };
    let free = below.iter_mut().filter(|one| one.held.is_empty());
    free.for_each(|one| {
        let message = format!("an update to {version}, which is newer, failed or was rolled back here before");
        one.held.push(lasting(HeldBy::NewerFailed, message));
    });
}

/// The highest to which a way leads that needs nobody's word; what speaks against those above it is put to them.
fn best(facts: &Facts, offer: &Offer, releases: &mut [Seen]) -> Option<Version> {
    let free = releases.iter_mut().rev().filter(|one| one.held.is_empty());
    for (at, one) in free.enumerate() {
        let held = if at < LOOKED_AT {
            of_the_way(facts, offer, &one.version)
        } else {
            let message = format!(
                "{LOOKED_AT} newer ones are held back and no more are looked at; `netlink update plan --to {}` does",
                one.version
            );
            vec![lasting(HeldBy::NoWay, message)]
        };
        if held.is_empty() {
            return Some(one.version.clone());
        }
        one.held = held;
    }
    None
}

fn of_the_way(facts: &Facts, offer: &Offer, version: &Version) -> Vec<Held> {
    let goal = Goal::Upgrade(Wish::To(version.clone()), Fetch::AsNeeded);
    let plan = match plan::plan(facts, &offer.catalog, &goal) {
        Ok(Planned::Go(plan)) => *plan,
        Ok(Planned::AlreadyThere(_)) => return Vec::new(),
        Err(refusal) => return vec![lasting(HeldBy::NoWay, refusal.message)],
    };
    match offer.completed(plan, &goal, facts) {
        Ok(plan) => of_plan(&plan),
        Err(error) => vec![lasting(
            HeldBy::Consent,
            format!("what it asks for cannot be told: {error}"),
        )],
    }
}

fn of_plan(plan: &Plan) -> Vec<Held> {
    let warnings = plan.warnings().iter().map(|warning| {
        let message = format!(
            "{}; `netlink update upgrade --to {} --force` takes it",
            warning.message,
            plan.to()
        );
        lasting(HeldBy::Warning, message)
    });
    let consents = plan.notes().consents().into_iter().map(|what| {
        let message = format!(
            "it needs consent: {what}; `netlink update upgrade --to {}` asks for it",
            plan.to()
        );
        lasting(HeldBy::Consent, message)
    });
    warnings.chain(consents).collect()
}

/// What holds back everything alike.
fn of_time(installation: &Installation) -> Vec<Held> {
    let policy = &installation.settings.policy;
    let calendar = policy.calendar();
    let now = clock::now();
    let mut held = Vec::new();
    if !policy.auto_upgrade {
        let message = "nothing is taken by itself: `policy.auto_upgrade` is off";
        held.push(lasting(HeldBy::AutoUpgrade, message.to_owned()));
    }
    if let Some(closed) = calendar.closed(now) {
        let until = calendar.next_opening(now);
        held.push(Held {
            by: match closed {
                Closed::Frozen { .. } => HeldBy::Freeze,
                _ => HeldBy::Calendar,
            },
            message: match until {
                Some(at) => format!("{closed}; they may begin at {}", calendar.local(at)),
                None => closed.to_string(),
            },
            until,
        });
    }
    held
}

impl Seen {
    /// When it would be taken if all stays as it is; none where nothing holds it, a person is needed, or a newer one is taken.
    pub fn taken_at(&self, installation: &Installation) -> Option<Timestamp> {
        if self.held.is_empty() {
            return None;
        }
        let policy = &installation.settings.policy;
        let until = self.held.iter().map(|held| held.until);
        let passed = until
            .collect::<Option<Vec<Timestamp>>>()
            .filter(|_| policy.auto_upgrade)?;
        let from = passed.into_iter().max().unwrap_or(Timestamp::MIN).max(clock::now());
        policy.calendar().next_opening(from)
    }
}

fn of_bar(bar: Bar) -> Held {
    let by = match bar.rule {
        Rule::Yanked => HeldBy::Yanked,
        Rule::Platform => HeldBy::Platform,
        Rule::Policy => HeldBy::Policy,
        Rule::Rollout => HeldBy::Rollout,
        Rule::Components => HeldBy::Components,
        Rule::Requires => HeldBy::Requires,
        Rule::Avoid => HeldBy::Avoid,
        _ => HeldBy::NoWay,
    };
    Held {
        by,
        message: bar.reason,
        until: bar.until,
    }
}

fn lasting(by: HeldBy, message: String) -> Held {
    Held {
        by,
        message,
        until: None,
    }
}
