//! What would be upgraded to by itself, and what holds back every other release: each of them is told why not, and when it would be.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::offer::Offer;
use super::{Goal, Installation, Result, Wish, facts};
use crate::clock;
use crate::plan::{self, Bar, CalendarAnswer, Closed, Facts, Fetch, Plan, Planned, Rule};
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
    /// Extensions are in the way, or nobody knows which there are.
    Extensions,
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
    let times = Times::of(installation, facts);
    // That the releases contradict each other is said by whoever plans.
    let bars = plan::bars(facts, &offer.catalog).unwrap_or_default();
    let mut releases: Vec<Seen> = bars
        .into_iter()
        .map(|(version, bars)| {
            let mut held: Vec<Held> = bars.into_iter().map(of_bar).collect();
            if failed.contains(&version) || facts.rolled_back.contains(&version) {
                let message = "an update to it failed or was rolled back here before";
                // What is advised must not be refused.
                let message = match held.is_empty() {
                    true => format!("{message}; {} tries again", times.by_hand(&version)),
                    false => message.to_owned(),
                };
                held.push(lasting(HeldBy::FailedBefore, message));
            }
            Seen { version, held }
        })
        .collect();
    hold_below_failed(&mut releases);
    let is_any_free = releases.iter().any(|one| one.held.is_empty());
    let ways = is_any_free.then(|| Ways::of(installation, facts, offer, &times));
    let target = ways.and_then(|ways| best(&ways, &mut releases));
    if let Some(target) = &target {
        let lower = releases
            .iter_mut()
            .filter(|one| one.version < *target && one.held.is_empty());
        lower.for_each(|one| one.held.push(lasting(HeldBy::Newer, format!("{target} is newer"))));
    }
    let alike = times.held();
    releases
        .iter_mut()
        .for_each(|one| one.held.extend(alike.iter().cloned()));
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
fn best(ways: &Ways<'_>, releases: &mut [Seen]) -> Option<Version> {
    let free = releases.iter_mut().rev().filter(|one| one.held.is_empty());
    for (at, one) in free.enumerate() {
        let held = if at < LOOKED_AT {
            ways.held(&one.version)
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

/// What ways are looked for with.
struct Ways<'a> {
    facts: Facts,
    offer: &'a Offer,
    times: &'a Times,
    /// Why it is not known what was put into the product beside its release.
    unknown: Option<Held>,
}

impl<'a> Ways<'a> {
    fn of(installation: &Installation, facts: &Facts, offer: &'a Offer, times: &'a Times) -> Self {
        let mut facts = facts.clone();
        let found = facts::extensions(installation, &Goal::Upgrade(Wish::Latest, Fetch::AsNeeded).into());
        let unknown = match found {
            Ok(found) => {
                facts.extensions = found;
                None
            }
            Err(error) => Some(lasting(HeldBy::Extensions, error.to_string())),
        };
        Self {
            facts,
            offer,
            times,
            unknown,
        }
    }

    fn held(&self, version: &Version) -> Vec<Held> {
        let goal = Goal::Upgrade(Wish::To(version.clone()), Fetch::AsNeeded);
        let plan = match plan::plan(&self.facts, &self.offer.catalog, &goal) {
            Ok(Planned::Go(plan)) => *plan,
            Ok(Planned::AlreadyThere(_)) => return Vec::new(),
            Err(refusal) => return vec![lasting(HeldBy::NoWay, refusal.message)],
        };
        match self.offer.completed(plan, &goal, &self.facts) {
            Ok(plan) => self.of_plan(&plan),
            Err(error) => vec![lasting(
                HeldBy::Consent,
                format!("what it asks for cannot be told: {error}"),
            )],
        }
    }

    fn of_plan(&self, plan: &Plan) -> Vec<Held> {
        let by_hand = self.times.by_hand(plan.to());
        let warnings = plan.warnings().iter().map(|warning| {
            let message = format!("{}; {by_hand} asks whether to go on", warning.message);
            lasting(HeldBy::Warning, message)
        });
        let consents = plan.notes().consents().into_iter().map(|what| {
            let message = format!("it needs consent: {what}; {by_hand} asks for it");
            lasting(HeldBy::Consent, message)
        });
        let extensions = plan.incompatible().iter();
        let extensions = extensions.map(|one| lasting(HeldBy::Extensions, one.to_string()));
        let all = warnings.chain(consents).chain(extensions);
        all.chain(self.unknown.clone()).collect()
    }
}

/// What holds back everything alike, and how a person goes on meanwhile.
struct Times {
    /// Why nothing is taken by itself at any time.
    never: Option<String>,
    /// Why nothing may begin now, when it may, and that in words.
    closed: Option<(Closed, Option<Timestamp>, String)>,
}

impl Times {
    fn of(installation: &Installation, facts: &Facts) -> Self {
        let policy = &installation.settings.policy;
        // The first installation is begun by hand, and no calendar holds it back.
        if facts.installed.is_none() {
            return Self {
                never: Some("nothing is installed yet, and the first release is installed by hand".to_owned()),
                closed: None,
            };
        }
        let calendar = policy.calendar();
        let closed = match calendar.at(clock::now()) {
            CalendarAnswer::Open { .. } => None,
            CalendarAnswer::Closed { why, opens } => {
                let message = match opens {
                    Some(at) => format!("{why}; they may begin at {}", calendar.local(at)),
                    None => why.to_string(),
                };
                Some((why, opens, message))
            }
        };
        let is_off = !policy.auto_upgrade;
        Self {
            never: is_off.then(|| "nothing is taken by itself: `policy.auto_upgrade` is off".to_owned()),
            closed,
        }
    }

    fn held(&self) -> Vec<Held> {
        let never = self.never.clone();
        let never = never.map(|message| lasting(HeldBy::AutoUpgrade, message));
        let closed = self.closed.as_ref().map(|(why, opens, message)| Held {
            by: match why {
                Closed::Frozen { .. } => HeldBy::Freeze,
                _ => HeldBy::Calendar,
            },
            message: message.clone(),
            until: *opens,
        });
        never.into_iter().chain(closed).collect()
    }

    /// The command that goes there and is not refused for its time.
    fn by_hand(&self, version: &Version) -> String {
        let command = format!("netlink update upgrade --to {version}");
        match &self.closed {
            None => format!("`{command}`"),
            Some((_, Some(_), _)) => format!("`{command} --strategy scheduled`"),
            Some((_, None, _)) => format!("once updates may begin, `{command}`"),
        }
    }
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
