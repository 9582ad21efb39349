//! Orders for later: for which time they are taken, what they come to when it is there, and when it was missed.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::calendar::{next_opening, refuse_when_closed_at};
use super::orders::{fits_now, settle_order, wanted};
use super::{
    Act, AppError, Became, Installation, NewOrder, OrderView, Result, Ticket, Wanted, add_order, audit, cancel_order,
    order,
};
use crate::plan::{MomentError, UpgradeStrategy, moment, to_come};
use crate::settings::WhenMissed;
use crate::store::{Answered, Missed, OrderId, OrderRecord};
use crate::{clock, host};

/// A clock that asks may be a little behind the one that is asked.
const BEHIND: SignedDuration = SignedDuration::from_mins(1);

/// How an update is to begin, as far as it was said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Begin {
    pub strategy: Option<UpgradeStrategy>,
    pub at: Option<Timestamp>,
    /// Seconds in which the product may become quiet; as the policy says when absent.
    pub graceful_timeout: Option<u32>,
}

/// What was said of it with what the policy says else: for an update that is scheduled there is a time.
pub fn beginning(
    installation: &Installation,
    said: Begin,
    forced: bool,
) -> Result<(UpgradeStrategy, Option<Timestamp>)> {
    let strategy = match (said.strategy, said.at) {
        (Some(strategy), _) => strategy,
        (None, Some(_)) => UpgradeStrategy::Scheduled,
        (None, None) => installation.settings.policy.upgrade_strategy,
    };
    refuse_patience(said.graceful_timeout, strategy)?;
    let calendar = installation.settings.policy.calendar();
    let now = clock::now();
    match (strategy, said.at) {
        (UpgradeStrategy::Scheduled, None) if forced => Ok((strategy, Some(now))),
        (UpgradeStrategy::Scheduled, None) => Ok((strategy, Some(next_opening(&calendar, now)?))),
        (UpgradeStrategy::Scheduled, Some(at)) => {
            let earliest = now.checked_sub(BEHIND).unwrap_or(now);
            to_come(at, &at.to_string(), earliest).map_err(|e| AppError::below("NL0122", &e))?;
            if !forced {
                refuse_when_closed_at(&calendar, at)?;
            }
            Ok((strategy, Some(at)))
        }
        (_, None) => Ok((strategy, None)),
        (_, Some(_)) => {
            let message = format!("a time goes with `scheduled` alone; `{strategy}` begins as soon as it can");
            Err(AppError::said("NL0122", message))
        }
    }
}

fn refuse_patience(seconds: Option<u32>, strategy: UpgradeStrategy) -> Result<()> {
    let message = match seconds {
        Some(0) => "the product becomes quiet in no less than a second".to_owned(),
        Some(_) if strategy != UpgradeStrategy::Graceful => {
            format!("time to become quiet goes with `graceful` alone; `{strategy}` gives none")
        }
        _ => return Ok(()),
    };
    Err(AppError::said("NL0122", message))
}

/// A time as a person types it, by the clock of the policy's time zone where it names none.
pub fn time_of(installation: &Installation, text: &str) -> Result<Timestamp> {
    let calendar = installation.settings.policy.calendar();
    moment(text, &calendar.zone, clock::now()).map_err(|e: MomentError| AppError::below("NL0122", &e))
}

/// A time as it is read there.
pub fn local_time(installation: &Installation, time: Timestamp) -> String {
    installation.settings.policy.calendar().local(time)
}

/// What an order for later came to when it was given.
pub enum Scheduled {
    Order(Box<OrderView>),
    /// There is nothing to do.
    Settled(Value),
}

/// Takes an order for later, which a server carries out.
pub fn schedule(installation: &Installation, wanted: Wanted, by: &str) -> Result<Scheduled> {
    if let Some(settled) = fits_now(installation, &wanted)? {
        return Ok(Scheduled::Settled(settled));
    }
    let ticket = Ticket {
        by: by.to_owned(),
        key: None,
        fingerprint: String::new(),
    };
    let (record, _) = add_order(installation, &NewOrder { wanted, ticket })?;
    order(installation, &record.id).map(|view| Scheduled::Order(Box::new(view)))
}

/// Takes back an update that waits, from outside the server: what else it does may have begun already without leaving a trace.
pub fn cancel_waiting_update(installation: &Installation, id: &OrderId) -> Result<OrderView> {
    let view = order(installation, id)?;
    if !view.order.is_update() {
        let message = format!("order {id} is to {}; cancel it at the server", view.order.told());
        return Err(AppError::said("NL0719", message));
    }
    cancel_order(installation, id)
}

/// What becomes of an order whose time is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It waits for its turn from now on.
    Now,
    /// Its time was missed; it has another one.
    Later { why: String, at: Timestamp },
    /// Its time was missed, and it is not known when it can begin.
    Held { why: String },
    /// Its time was missed; it is refused.
    Skipped { why: String },
}

/// Looks at an order whose time is there: whether it may begin, or was missed.
pub fn come_due(installation: &Installation, record: &OrderRecord, now: Timestamp) -> Result<Due> {
    let Some(time) = record.not_before else {
        return Ok(Due::Now);
    };
    let calendar = installation.settings.policy.calendar();
    let patience = SignedDuration::try_from(installation.settings.missed_after()).unwrap_or(SignedDuration::MAX);
    if now.duration_since(time) > patience {
        let why = format!("nobody was there to begin it at {}", calendar.local(time));
        return miss(installation, record, why, now);
    }
    match calendar.closed(now).filter(|_| !is_forced(record)) {
        Some(closed) => miss(installation, record, closed.to_string(), now),
        None => Ok(Due::Now),
    }
}

/// As the policy says: it begins when the calendar opens next, or not at all. Either is written down.
pub fn miss(installation: &Installation, record: &OrderRecord, why: String, now: Timestamp) -> Result<Due> {
    let policy = &installation.settings.policy;
    if policy.when_missed == WhenMissed::Skip {
        return skip(installation, record, why);
    }
    let calendar = policy.calendar();
    let opening = if is_forced(record) {
        Some(now)
    } else {
        calendar.next_opening(now)
    };
    let Some(at) = opening else {
        return Ok(Due::Held { why });
    };
    let due = match at <= now {
        true => {
            installation.store.set_due(&record.id, true)?;
            Due::Now
        }
        false => {
            installation.store.postpone_order(&record.id, at, now)?;
            Due::Later { why: why.clone(), at }
        }
    };
    // The order has moved: what fails now is not done again with it.
    let told = format!("{}: {why}; it begins at {}", record.id, calendar.local(at));
    installation.store.count_missed(Missed::MadeUpFor)?;
    written(installation, record, "order was missed", told, &Became::Done)?;
    Ok(due)
}

fn skip(installation: &Installation, record: &OrderRecord, why: String) -> Result<Due> {
    let message = format!(
        "its time was missed: {why}; order it anew, or let `policy.when_missed: run` make up for what is missed"
    );
    let told = format!("{}: {why}", record.id);
    let missed = Err(AppError::said("NL0121", message));
    settle_order(installation, &record.id, &missed, Answered::Later)?;
    installation.store.count_missed(Missed::Skipped)?;
    let became = Became::Failed("NL0121".to_owned());
    written(installation, record, "order was missed", told, &became)?;
    Ok(Due::Skipped { why })
}

fn is_forced(record: &OrderRecord) -> bool {
    wanted(record).is_ok_and(|wanted| wanted.is_forced())
}

fn written(
    installation: &Installation,
    record: &OrderRecord,
    action: &str,
    subject: String,
    became: &Became,
) -> Result<()> {
    let act = Act {
        who: record.ordered_by.clone(),
        origin: host::hostname(),
        action: action.to_owned(),
        subject,
    };
    audit(installation, &act, became)
}
