//! Orders to a server: what may be ordered, how one begins, and how it stands.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::by_itself::{self, BY_ITSELF};
use super::rolling_back::{last_to_take_back, rollback_target};
use super::updating::is_covered;
use super::{
    Accepted, AppError, Consent, Fetch, Goal, Installation, Order, Ready, Result, RollbackTarget, Wanted, Wish,
    prepare_at_once, preview, refuse_unknown_version, taken,
};
use crate::engine::{self, LockError, LockState, Owner};
use crate::plan::{Calendar, Plan};
use crate::release::ExtensionName;
use crate::store::{Added, Answered, OrderId, OrderRecord, OrderState, StoreError, UpdateId};
use crate::version::Version;
use crate::{clock, crypt};

/// How an order stands.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    #[schema(value_type = String, example = "order_0123456789abcdef")]
    pub order_id: OrderId,
    pub order: Wanted,
    pub state: OrderState,
    #[schema(value_type = String, format = DateTime)]
    pub ordered_at: Timestamp,
    pub ordered_by: String,
    /// The time before which it does not begin; another than it was ordered for, once that was missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub scheduled_time: Option<Timestamp>,
    /// While it waits for its turn: 1 is the next to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// What it waits for; of one that runs, who is missing that would end it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The update that it has become.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub update_id: Option<UpdateId>,
    /// What came of it, in the words of `kind`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    pub result: Option<Value>,
    /// Why it was refused or has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<OrderProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderProblem {
    pub code: String,
    pub detail: String,
}

/// An order as it arrives.
pub struct NewOrder {
    pub wanted: Wanted,
    pub ticket: Ticket,
}

/// What an order came to when its turn came.
pub enum Begun {
    Drive(Box<Accepted>),
    Settled(Value),
    /// Somebody else is at work, who is named.
    NotNow(String),
    /// It was cancelled meanwhile.
    Gone,
}

/// Who orders, and under which key.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub by: String,
    /// The Idempotency-Key, with whose it is.
    pub key: Option<String>,
    /// Tells what was sent with the key from anything else.
    pub fingerprint: String,
}

/// The order that was sent with this key before.
pub fn known_order(installation: &Installation, ticket: &Ticket) -> Result<Option<OrderRecord>> {
    let Some(key) = &ticket.key else { return Ok(None) };
    let known = installation.store.order_of_key(key)?;
    known.map(|known| same(known, ticket)).transpose()
}

fn same(known: OrderRecord, ticket: &Ticket) -> Result<OrderRecord> {
    if known.fingerprint == ticket.fingerprint {
        return Ok(known);
    }
    let message = "this Idempotency-Key was sent with another request before; take a new key for a new request";
    Err(AppError::said("NL0715", message))
}

/// Keeps an order that waits from now on; or finds the one that was sent under the same key before.
pub fn add_order(installation: &Installation, new: &NewOrder) -> Result<(OrderRecord, bool)> {
    let now = clock::now();
    let order = OrderRecord {
        id: OrderId::of(crypt::random()),
        what: serde_json::to_string(&new.wanted).map_err(|e| AppError::below("NL0404", &e))?,
        ordered_at: now,
        ordered_by: new.ticket.by.clone(),
        state: OrderState::Waiting,
        update_id: None,
        answer: None,
        fingerprint: new.ticket.fingerprint.clone(),
        not_before: new.wanted.scheduled_time(),
        at_once: false,
        came_due: false,
    };
    match installation.store.add_order(&order, new.ticket.key.as_deref(), now)? {
        Added::New => Ok((order, true)),
        Added::Known(known) => Ok((same(*known, &new.ticket)?, false)),
        Added::Full => {
            let message = "a hundred orders wait already; cancel some, or ask again when the first ones are done";
            Err(AppError::said("NL0716", message))
        }
    }
}

/// Begins an order whose turn it is. What comes back to be driven has begun in the store, too.
pub fn begin_order(root: &Path, config: Option<&Path>, order: &OrderRecord) -> Result<Begun> {
    let begun = match wanted(order)? {
        update if update.is_update() => begin_update(root, config, order, update),
        besides => taken::perform(&Installation::open(root, config)?, order, &besides),
    };
    match begun {
        Err(AppError::Store(StoreError::NoLongerWaits { .. })) => Ok(Begun::Gone),
        Err(AppError::Lock(busy @ LockError::Busy { .. })) => Ok(Begun::NotNow(busy.to_string())),
        Err(AppError::Store(unfinished @ StoreError::Unfinished { .. })) => Ok(Begun::NotNow(unfinished.to_string())),
        begun => begun,
    }
}

fn begin_update(root: &Path, config: Option<&Path>, order: &OrderRecord, wanted: Wanted) -> Result<Begun> {
    let (strategy, graceful_timeout) = (wanted.strategy(), wanted.graceful_timeout());
    let accepts_warnings = wanted.accepts_warnings();
    let installation = Installation::open(root, config)?;
    if order.ordered_by == BY_ITSELF {
        by_itself::refuse_overtaken(&installation, &wanted)?;
    }
    let (ordered, consent) = terms(&installation, wanted)?;
    drop(installation);
    let prepared = match prepare_at_once(root, config, &ordered)? {
        Ready::AlreadyThere(settled) => return Ok(Begun::Settled(nothing_to_do(&settled.version))),
        Ready::Go(prepared) => prepared.begun_as(strategy, graceful_timeout)?,
    };
    refuse_warnings(prepared.plan(), accepts_warnings)?;
    let accepted = prepared.accept_for(Some(&order.id), &order.ordered_by, &consent)?;
    Ok(Begun::Drive(Box::new(accepted)))
}

/// What is wrong with an order for later is said when it is given, as far as it can be told by then; gives what there is to say
/// where there is nothing to do.
pub fn fits_now(installation: &Installation, wanted: &Wanted) -> Result<Option<Value>> {
    // What is planned while something is under way would be of a state that passes.
    if somebody_is_at_work(installation)? {
        refuse_unknown_version(installation, wanted)?;
        return Ok(None);
    }
    let (ordered, consent) = terms(installation, wanted.clone())?;
    match preview(installation, &ordered)? {
        Ready::AlreadyThere(settled) => Ok(Some(nothing_to_do(&settled.version))),
        Ready::Go(view) => {
            refuse_warnings(&view.plan, wanted.accepts_warnings())?;
            is_covered(&view.plan, &consent).map(|()| None)
        }
    }
}

/// A risk that was taken by its name needs no second word.
pub(super) fn refuse_warnings(plan: &Plan, accepted: bool) -> Result<()> {
    let mut warnings = plan.warnings().iter();
    match warnings.find(|warning| warning.code != "accepted-risk" && !accepted) {
        Some(warning) => {
            let message = format!(
                "{}; `accept_warnings: true` goes on all the same, and so does `force: true`, at any time",
                warning.message
            );
            Err(AppError::said("NL0108", message))
        }
        None => Ok(()),
    }
}

fn terms(installation: &Installation, wanted: Wanted) -> Result<(Order, Consent)> {
    let forced = wanted.is_forced();
    let (order, consent) = match wanted {
        Wanted::Downgrade {
            target_version,
            accept_risk,
            disable_incompatible,
            ..
        } => (
            order_of(Goal::Downgrade(target_version), accept_risk, disable_incompatible),
            Consent::default(),
        ),
        Wanted::Rollback {
            update_id,
            disable_incompatible,
            ..
        } => match rollback_target(installation, Some(&update_id))? {
            RollbackTarget::To(version) => (
                order_of(Goal::Rollback(version), BTreeSet::new(), disable_incompatible),
                Consent::default(),
            ),
            RollbackTarget::Unfinished => return Err(StoreError::Unfinished { id: update_id }.into()),
        },
        Wanted::Upgrade {
            target_version,
            accept_breaking,
            acknowledge,
            full,
            accept_risk,
            disable_incompatible,
            ..
        } => {
            let fetch = if full { Fetch::Full } else { Fetch::AsNeeded };
            let consent = Consent {
                breaking: accept_breaking,
                acknowledged: acknowledge,
            };
            let goal = Goal::Upgrade(Wish::To(target_version), fetch);
            (order_of(goal, accept_risk, disable_incompatible), consent)
        }
        other => {
            let message = format!("{other:?} is no update");
            return Err(AppError::said("NL0404", message));
        }
    };
    Ok((Order { forced, ..order }, consent))
}

pub fn order_of(goal: Goal, accepted_risks: BTreeSet<String>, disable_incompatible: BTreeSet<ExtensionName>) -> Order {
    Order {
        accepted_risks,
        disable_incompatible,
        ..goal.into()
    }
}

pub fn nothing_to_do(installed: &Version) -> Value {
    serde_json::json!({"status": "nothing_to_do", "installed": installed})
}

/// Who holds the lock of the installation, if that is known.
pub fn who_is_at_work(installation: &Installation) -> Result<Option<Owner>> {
    Ok(match engine::look_at_lock(&installation.layout)? {
        LockState::Held(owner) => owner,
        LockState::Free => None,
    })
}

/// No order can begin now.
pub fn somebody_is_at_work(installation: &Installation) -> Result<bool> {
    let is_held = matches!(engine::look_at_lock(&installation.layout)?, LockState::Held(_));
    Ok(is_held || installation.store.unfinished()?.is_some())
}

/// Whoever orders now is refused where nobody is at work and an update waits for a person.
pub fn waits_for_a_person(installation: &Installation) -> Result<Option<AppError>> {
    let unfinished = installation.store.unfinished()?;
    Ok(match (unfinished, engine::look_at_lock(&installation.layout)?) {
        (Some(id), LockState::Free) => Some(StoreError::Unfinished { id }.into()),
        _ => None,
    })
}

/// The update that is to be taken back: the named one, else the unfinished, else the last completed one.
pub fn update_to_roll_back(installation: &Installation, named: Option<UpdateId>) -> Result<UpdateId> {
    let id = match (named, installation.store.unfinished()?) {
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => last_to_take_back(installation)?,
    };
    rollback_target(installation, Some(&id))?;
    Ok(id)
}

/// Turning it back would come too late: only tidying is left.
pub fn refuse_committed(installation: &Installation, id: &UpdateId) -> Result<()> {
    if super::update(installation, id)?.course != "committed" {
        return Ok(());
    }
    let message = format!("update {id} is past its last point of return and will be finished; roll it back then");
    Err(AppError::said("NL0407", message))
}

/// Writes down what came of an order that did not become an update.
pub fn settle_order(installation: &Installation, id: &OrderId, came: &Result<Value>, answered: Answered) -> Result<()> {
    let (state, answer) = match came {
        Ok(value) => (OrderState::Done, value.to_string()),
        Err(error) => {
            let problem = OrderProblem {
                code: error.code().id.to_owned(),
                detail: error.to_string(),
            };
            let text = serde_json::to_string(&problem).map_err(|e| AppError::below("NL0404", &e))?;
            (OrderState::Refused, text)
        }
    };
    installation
        .store
        .settle_order(id, (state, &answer), answered, clock::now())?;
    Ok(())
}

/// Takes an order back that still waits.
pub fn cancel_order(installation: &Installation, id: &OrderId) -> Result<OrderView> {
    let record = order_record(installation, id)?;
    let cancelled = installation.store.cancel_order(id, clock::now())?;
    if !cancelled && record.state != OrderState::Cancelled {
        if order_record(installation, id)?.state == OrderState::Running {
            let message = format!("order {id} is being done; it cannot be cancelled any more");
            return Err(AppError::said("NL0719", message));
        }
        let message = format!("order {id} waits no longer; an update that has begun is cancelled by its own id");
        return Err(AppError::said("NL0719", message));
    }
    order(installation, id)
}

pub fn order(installation: &Installation, id: &OrderId) -> Result<OrderView> {
    let record = order_record(installation, id)?;
    Views::of(installation)?.view(record)
}

/// All that wait, and those of the last day, newest first.
pub fn orders(installation: &Installation) -> Result<Vec<OrderView>> {
    let views = Views::of(installation)?;
    let all = installation.store.all_orders(1000)?;
    all.into_iter().map(|record| views.view(record)).collect()
}

/// What is being done, then those that wait: first who wait for their turn, in its order, then who wait for their time.
pub fn queue(installation: &Installation) -> Result<Vec<OrderView>> {
    let views = Views::of(installation)?;
    let (due, mut later): (Vec<_>, Vec<_>) = views.waiting.clone().into_iter().partition(|one| one.is_due(views.now));
    later.sort_by_key(|one| one.not_before);
    let running = views.running.clone().into_iter();
    running
        .chain(due)
        .chain(later)
        .map(|record| views.view(record))
        .collect()
}

/// What an order came to that was answered so at once; of any other the answer is where it can be followed, whatever has become of
/// it.
pub fn replayed(record: &OrderRecord) -> Result<Option<Value>> {
    if record.state != OrderState::Done || !record.at_once {
        return Ok(None);
    }
    let answer = record.answer.as_deref().unwrap_or_default();
    let read = serde_json::from_str(answer);
    read.map(Some).map_err(|e| AppError::below("NL0404", &e))
}

fn order_record(installation: &Installation, id: &OrderId) -> Result<OrderRecord> {
    let unknown = || {
        let message = format!("there is no order {id}; they are remembered for a day after they are done");
        AppError::said("NL0718", message)
    };
    installation.store.order(id)?.ok_or_else(unknown)
}

pub(super) fn wanted(record: &OrderRecord) -> Result<Wanted> {
    serde_json::from_str(&record.what).map_err(|e| AppError::below("NL0404", &e))
}

pub fn is_update(record: &OrderRecord) -> Result<bool> {
    wanted(record).map(|wanted| wanted.is_update())
}

/// What was ordered, in a few words.
pub fn in_words(record: &OrderRecord) -> String {
    wanted(record).map_or_else(|_| record.what.clone(), |wanted| wanted.told())
}

/// What is asked of each order alike.
struct Views<'a> {
    installation: &'a Installation,
    running: Option<OrderRecord>,
    waiting: Vec<OrderRecord>,
    calendar: Calendar,
    now: Timestamp,
}

impl<'a> Views<'a> {
    fn of(installation: &'a Installation) -> Result<Self> {
        let open = installation.store.open_orders()?;
        let (mut running, waiting): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|order| order.state == OrderState::Running);
        Ok(Self {
            running: running.pop(),
            waiting,
            calendar: installation.settings.policy.calendar(),
            now: clock::now(),
            installation,
        })
    }

    fn view(&self, record: OrderRecord) -> Result<OrderView> {
        let order = wanted(&record)?;
        let mut due = self.waiting.iter().filter(|one| one.is_due(self.now));
        let position = due.position(|other| other.id == record.id).map(|at| at + 1);
        let reason = match (record.state, position) {
            (OrderState::Waiting, Some(position)) => Some(self.reason(&record, &order, position)?),
            (OrderState::Waiting, None) => record
                .not_before
                .map(|time| format!("it begins at {}", self.calendar.local(time))),
            (OrderState::Running, _) => self.abandoned()?,
            _ => None,
        };
        let answer = record.answer.as_deref();
        let read = |text: &str| serde_json::from_str(text).ok();
        Ok(OrderView {
            order,
            state: record.state,
            ordered_at: record.ordered_at,
            scheduled_time: record.not_before,
            position,
            reason,
            update_id: record.update_id,
            result: answer.filter(|_| record.state == OrderState::Done).and_then(read),
            problem: answer
                .filter(|_| record.state == OrderState::Refused)
                .and_then(|text| serde_json::from_str(text).ok()),
            order_id: record.id,
            ordered_by: record.ordered_by,
        })
    }

    /// What is being done ends only where a server is there that does it.
    fn abandoned(&self) -> Result<Option<String>> {
        let is_done_by_nobody = engine::look_at_serving(&self.installation.layout)? == LockState::Free;
        let why = "its server ended meanwhile; the next start of `netlink serve` finds out what came of it";
        Ok(is_done_by_nobody.then(|| why.to_owned()))
    }

    /// What stands in the way of an order that waits for its turn.
    fn reason(&self, record: &OrderRecord, order: &Wanted, position: usize) -> Result<String> {
        if position > 1 {
            return Ok(format!(
                "{} before it",
                if position == 2 {
                    "1 order is".to_owned()
                } else {
                    format!("{} orders are", position - 1)
                }
            ));
        }
        if let Some(running) = &self.running {
            return Ok(format!("{} is being done: {}", running.id, wanted(running)?.told()));
        }
        let unfinished = self.installation.store.unfinished()?;
        Ok(match (engine::look_at_lock(&self.installation.layout)?, unfinished) {
            (LockState::Held(_), Some(id)) => format!("update {id} is running"),
            (LockState::Held(owner), None) => match owner {
                Some(owner) => owner.to_string(),
                None => "another NetLink is at work".into(),
            },
            (LockState::Free, Some(id)) => format!("update {id} is not finished; resume it or roll it back"),
            (LockState::Free, None) => match self.calendar.closed(self.now) {
                Some(closed) if record.not_before.is_some() && !order.is_forced() => closed.to_string(),
                _ => "it is about to begin, where `netlink serve` runs".into(),
            },
        })
    }
}
