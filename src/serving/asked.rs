//! What may be asked of a server, as every door asks it: ways up, down and back, going on, turning round; and how work is looked at.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::access::Identity;
use super::refusal::Refusal;
use super::work::{Submitted, Work, finished_meanwhile};
use super::work_id::WorkId;
use crate::app::{
    self, AppError, Begin, DryRun, Fetch, Goal, Installation, LeansOn, Order, OrderView, Ready, Result, Running,
    Ticket, UpdateView, Wanted, Wish,
};
use crate::crypt::{Digest, digest_of};
use crate::release::ExtensionName;
use crate::store::{OrderId, UpdateId};
use crate::version::Version;

/// Bytes of an Idempotency-Key.
const KEY_LIMIT: usize = 255;

/// An upgrade or a downgrade.
#[derive(Debug, Clone)]
pub struct Move {
    pub way: Way,
    pub target_version: Version,
    pub force: bool,
    pub accept_warnings: bool,
    pub accept_risk: BTreeSet<String>,
    pub disable_incompatible: BTreeSet<ExtensionName>,
    pub begin: Begin,
}

#[derive(Debug, Clone)]
pub enum Way {
    Up {
        accept_breaking: bool,
        acknowledge: BTreeSet<String>,
        full: bool,
    },
    Down,
}

impl Move {
    fn order(self) -> Order {
        let goal = match self.way {
            Way::Up { full: true, .. } => Goal::Upgrade(Wish::To(self.target_version), Fetch::Full),
            Way::Up { full: false, .. } => Goal::Upgrade(Wish::To(self.target_version), Fetch::AsNeeded),
            Way::Down => Goal::Downgrade(self.target_version),
        };
        app::order_of(goal, self.accept_risk, self.disable_incompatible)
    }

    fn wanted(self, installation: &Installation) -> Result<Wanted> {
        let (strategy, scheduled_time) = app::beginning(installation, self.begin, self.force)?;
        let graceful_timeout_seconds = self.begin.graceful_timeout;
        let Self {
            target_version,
            force,
            accept_warnings,
            accept_risk,
            disable_incompatible,
            ..
        } = self;
        Ok(match self.way {
            Way::Up {
                accept_breaking,
                acknowledge,
                full,
            } => Wanted::Upgrade {
                target_version,
                force,
                accept_warnings,
                accept_breaking,
                acknowledge,
                full,
                accept_risk,
                disable_incompatible,
                strategy,
                scheduled_time,
                graceful_timeout_seconds,
            },
            Way::Down => Wanted::Downgrade {
                target_version,
                force,
                accept_warnings,
                accept_risk,
                disable_incompatible,
                strategy,
                scheduled_time,
                graceful_timeout_seconds,
            },
        })
    }
}

fn tried(installation: &Installation, order: &Order) -> Result<Ready<Box<DryRun>>> {
    Ok(match app::preview(installation, order)? {
        Ready::AlreadyThere(settled) => Ready::AlreadyThere(settled),
        Ready::Go(view) => Ready::Go(Box::new(app::dry_run(installation, order, view)?)),
    })
}

/// The way back.
#[derive(Debug, Clone)]
pub struct RollBack {
    /// When absent the unfinished update, else the last completed one, which is no rollback then.
    pub update_id: Option<UpdateId>,
    pub force: bool,
    pub accept_warnings: bool,
    pub disable_incompatible: BTreeSet<ExtensionName>,
}

/// An update that has begun, or the order that waits to become one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Progress {
    Update(Box<UpdateView>),
    Order(Box<OrderView>),
}

impl Progress {
    pub fn leans_on(&self) -> LeansOn {
        match self {
            Self::Update(update) => match update.running {
                Running::Running { .. } | Running::Died => LeansOn::TheLock,
                Running::Waiting { .. } | Running::Finished { .. } => LeansOn::Nothing,
            },
            // What an order waits for changes with the time.
            Self::Order(_) => LeansOn::More,
        }
    }
}

/// What a cancelled thing was.
pub enum Cancelled {
    Order(Box<OrderView>),
    /// It is being turned back.
    Update(UpdateId),
}

/// Who orders what, and whether it was the same before: `what` names the request, `body` is all that was sent with it.
pub fn ticket(
    identity: &Identity,
    key: Option<&str>,
    what: &str,
    body: Digest,
) -> std::result::Result<Ticket, Refusal> {
    let key = match key {
        None => None,
        Some(key) if (1..=KEY_LIMIT).contains(&key.len()) && is_visible(key) => {
            Some(format!("{} {key}", identity.prefix))
        }
        Some(_) => {
            let detail = format!("an Idempotency-Key has 1 to {KEY_LIMIT} visible characters");
            return Err(Refusal::Malformed(detail));
        }
    };
    Ok(Ticket {
        by: identity.name(),
        key,
        fingerprint: digest_of(format!("{what} {body}").as_bytes()).to_string(),
    })
}

/// With spaces between, not around.
fn is_visible(key: &str) -> bool {
    key.trim() == key && key.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

impl Work {
    /// Orders an upgrade or a downgrade.
    pub fn move_to(&self, ticket: Ticket, wanted: Move) -> Result<Submitted> {
        self.submit(ticket, |installation| wanted.wanted(installation))
    }

    /// Tries it on copies, and changes nothing.
    pub fn try_move(&self, wanted: Move) -> Result<Ready<Box<DryRun>>> {
        tried(&self.open()?, &wanted.order())
    }

    /// Orders the way back: an unfinished update is turned round, a completed one is followed by the way down.
    pub fn roll_back(&self, ticket: Ticket, wanted: RollBack) -> Result<Submitted> {
        let RollBack {
            update_id,
            force,
            accept_warnings,
            disable_incompatible,
        } = wanted;
        self.submit(ticket, |installation| {
            let update_id = app::update_to_roll_back(installation, update_id)?;
            Ok(Wanted::Rollback {
                update_id,
                force,
                accept_warnings,
                disable_incompatible,
            })
        })
    }

    /// Tries the way back on copies; refused while an update is unfinished, which is turned round.
    pub fn try_roll_back(&self, wanted: RollBack) -> Result<Ready<Box<DryRun>>> {
        let installation = self.open()?;
        let goal = app::way_back(&installation, wanted.update_id.as_ref())?;
        let order = app::order_of(goal, BTreeSet::new(), wanted.disable_incompatible);
        tried(&installation, &order)
    }

    /// Orders something to be done with backups.
    pub fn order_for_backups(&self, ticket: Ticket, wanted: Wanted) -> Result<Submitted> {
        self.submit(ticket, |installation| {
            app::refuse_backup_order(installation, &wanted)?;
            Ok(wanted)
        })
    }

    /// Goes on with an update that waits for a person or whose process died.
    pub fn go_on(&self, id: &UpdateId) -> Result<UpdateId> {
        if app::update(&self.open()?, id)?.finished_at.is_some() {
            let message = format!("update {id} is finished; there is nothing to go on with");
            return Err(AppError::said("NL0719", message));
        }
        self.resume()?.ok_or_else(finished_meanwhile)
    }

    /// Takes back what waits; turns back what runs, after the step that it is in.
    pub fn cancel(&self, id: &WorkId, by: &str) -> Result<Cancelled> {
        let update = match id {
            WorkId::Order(order) => return Ok(Cancelled::Order(Box::new(self.cancel_order(order)?))),
            WorkId::Update(update) => update,
        };
        let installation = self.open()?;
        if app::update(&installation, update)?.finished_at.is_some() {
            let message = format!("update {update} is finished; roll it back instead");
            return Err(AppError::said("NL0719", message));
        }
        app::refuse_committed(&installation, update)?;
        let turned = self.turn_back(update, by, None)?.ok_or_else(finished_meanwhile)?;
        Ok(Cancelled::Update(turned))
    }

    /// How an update goes, or what an order waits for; of an order that has begun, how its update goes.
    pub fn progress_of(&self, id: &WorkId) -> Result<Progress> {
        let of_update = |id| Ok(Progress::Update(Box::new(app::update(&self.open()?, id)?)));
        match id {
            WorkId::Update(id) => of_update(id),
            WorkId::Order(id) => {
                let view = self.order(id)?;
                match &view.update_id {
                    Some(update) => of_update(update),
                    None => Ok(Progress::Order(Box::new(view))),
                }
            }
        }
    }

    /// The update itself, or the one that an order has become.
    pub fn update_of(&self, id: WorkId) -> Result<UpdateId> {
        let order = match id {
            WorkId::Update(id) => return Ok(id),
            WorkId::Order(order) => order,
        };
        let no_update = || {
            let message = format!("order {order} is not an update, or not yet; its status says how it stands");
            AppError::said("NL0406", message)
        };
        self.order(&order)?.update_id.ok_or_else(no_update)
    }

    /// How an order stands.
    pub fn order(&self, id: &OrderId) -> Result<OrderView> {
        app::order(&self.open()?, id)
    }

    /// Those that wait, in the order in which they begin.
    pub fn queue(&self) -> Result<Vec<OrderView>> {
        app::queue(&self.open()?)
    }
}
