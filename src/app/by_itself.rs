//! Upgrades that nobody asked for: what the server orders when the policy says so.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;

use super::calendar::next_opening;
use super::offer::Offer;
use super::outlook::{Held, HeldBy, Outlook, outlook};
use super::{
    AppError, Goal, Installation, NewOrder, Result, Ticket, Wanted, Wish, add_order, facts, somebody_is_at_work,
};
use crate::clock;
use crate::plan::{Fetch, UpgradeStrategy};
use crate::store::{OrderId, OrderRecord};
use crate::version::Version;

/// Who orders what nobody asked for.
pub const BY_ITSELF: &str = "policy";

/// What a look for something newer came to.
#[derive(Debug)]
pub enum Look {
    /// The policy does not want it.
    Off,
    /// Somebody is at work, or an update waits already.
    Busy,
    Nothing {
        why: String,
    },
    Ordered {
        version: Version,
        id: OrderId,
        at: Option<Timestamp>,
    },
}

/// Looks for something newer, and orders what the policy lets be taken.
pub fn look_for_newer(root: &Path, config: Option<&Path>) -> Result<Look> {
    let installation = Installation::open(root, config)?;
    let policy = &installation.settings.policy;
    if !policy.auto_upgrade || installation.installed()?.is_none() {
        return Ok(Look::Off);
    }
    if somebody_is_at_work(&installation)? {
        return Ok(Look::Busy);
    }
    if let Some((waits, order)) = update_that_waits(&installation)? {
        // Of its own it was said before.
        return Ok(match waits.ordered_by == BY_ITSELF {
            true => Look::Busy,
            false => Look::Nothing {
                why: format!("nothing is taken by itself while {} waits: {}", waits.id, order.told()),
            },
        });
    }
    let at = match time(&installation) {
        Ok(at) => at,
        Err(why) => return Ok(Look::Nothing { why }),
    };
    let facts = facts::gather(&installation)?;
    let goal = Goal::Upgrade(Wish::Latest, Fetch::AsNeeded);
    let offer = Offer::of(&installation, &goal.into())?;
    let found = outlook(&installation, &facts, &offer)?;
    let Some(version) = found.target else {
        return Ok(Look::Nothing {
            why: why_nothing(&found),
        });
    };
    let wanted = Wanted::Upgrade {
        target_version: version.clone(),
        force: false,
        accept_warnings: false,
        accept_breaking: false,
        acknowledge: BTreeSet::new(),
        full: false,
        accept_risk: BTreeSet::new(),
        disable_incompatible: BTreeSet::new(),
        strategy: policy.upgrade_strategy,
        scheduled_time: at,
        graceful_timeout_seconds: None,
    };
    let ticket = Ticket {
        by: BY_ITSELF.to_owned(),
        key: None,
        fingerprint: String::new(),
    };
    let (record, _) = add_order(&installation, &NewOrder { wanted, ticket })?;
    let id = record.id;
    Ok(Look::Ordered { version, id, at })
}

/// When it would begin: none for at once. Why not at all, where the calendar is closed.
fn time(installation: &Installation) -> std::result::Result<Option<Timestamp>, String> {
    let policy = &installation.settings.policy;
    let (calendar, now) = (policy.calendar(), clock::now());
    if policy.upgrade_strategy == UpgradeStrategy::Scheduled {
        return next_opening(&calendar, now).map(Some).map_err(|e| e.to_string());
    }
    match calendar.closed(now) {
        Some(closed) => Err(closed.to_string()),
        None => Ok(None),
    }
}

fn update_that_waits(installation: &Installation) -> Result<Option<(OrderRecord, Wanted)>> {
    for record in installation.store.open_orders()? {
        let wanted = super::orders::wanted(&record)?;
        if wanted.is_update() {
            return Ok(Some((record, wanted)));
        }
    }
    Ok(None)
}

/// What was ordered beforehand is looked at again when it begins: meanwhile somebody may have tried it and gone back, or the policy
/// may have changed. What is newer by then, and the calendar, do not count.
pub(super) fn refuse_overtaken(installation: &Installation, wanted: &Wanted) -> Result<()> {
    let Wanted::Upgrade { target_version, .. } = wanted else {
        return Ok(());
    };
    let overtaken = |why: &str| {
        let message = format!(
            "{target_version} is not taken by itself any more: {why}; `netlink update upgrade --to {target_version}` takes it"
        );
        AppError::said("NL0755", message)
    };
    if !installation.settings.policy.auto_upgrade {
        return Err(overtaken("`policy.auto_upgrade` is off"));
    }
    let facts = facts::gather(installation)?;
    let goal = Goal::Upgrade(Wish::Latest, Fetch::AsNeeded);
    let found = outlook(installation, &facts, &Offer::of(installation, &goal.into())?)?;
    let Some(seen) = found.releases.into_iter().find(|seen| seen.version == *target_version) else {
        return Ok(());
    };
    let counts = |held: &&Held| !matches!(held.by, HeldBy::Newer | HeldBy::Calendar | HeldBy::Freeze);
    let held: Vec<&str> = seen
        .held
        .iter()
        .filter(counts)
        .map(|held| held.message.as_str())
        .collect();
    match held.is_empty() {
        true => Ok(()),
        false => Err(overtaken(&held.join("; "))),
    }
}

/// Of the newest release alone: it is what people wait for.
fn why_nothing(found: &Outlook) -> String {
    let Some(newest) = found.releases.last() else {
        return "there is nothing newer".to_owned();
    };
    let held: Vec<&str> = newest.held.iter().map(|held| held.message.as_str()).collect();
    format!("{} is not taken by itself: {}", newest.version, held.join("; "))
}
