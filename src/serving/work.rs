//! What is asked of the queue from outside, and its beginning and end with the server.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use super::feed::Feed;
use super::guard::guarded;
use super::queue::{self, begin_at_once, drive, refuse, waits};
use super::say::{say, say_error};
use super::shared::{Part, Shared};
use super::{clockwork, served};
use crate::app::{self, AppError, Fitness, Installation, Looked, NewOrder, OrderView, Result, Ticket, Wanted};
use crate::clock;
use crate::engine::Serving;
use crate::store::{OrderId, OrderRecord, OrderState, UpdateId};

/// How often a server that stands by looks whether it may take over.
const STAND_BY: Duration = Duration::from_millis(300);

pub struct Work {
    shared: Arc<Shared>,
    fitness: Fitness,
}

/// What became of an order at once.
#[derive(Debug)]
pub enum Submitted {
    Update(UpdateId),
    /// What came of it.
    Settled(serde_json::Value),
    Waits(OrderId),
}

impl Work {
    pub(super) fn new(root: &Path, config: Option<&Path>, feed: Arc<Feed>) -> Self {
        Self {
            shared: Arc::new(Shared::new(root, config, feed)),
            fitness: Fitness::of(root, config),
        }
    }

    /// The installation, opened anew: settings may have changed since.
    pub fn open(&self) -> Result<Installation> {
        self.shared.open()
    }

    pub fn feed(&self) -> &Arc<Feed> {
        &self.shared.feed
    }

    /// How the server and its installation are.
    pub fn look(&self) -> Looked {
        let mut looked = self.fitness.look();
        looked.reasons.extend(self.shared.complaints());
        looked
    }

    /// Why the server or its installation is not as it should be, for who is let in; empty when all is well.
    pub fn not_ready(&self) -> Vec<String> {
        self.look().reasons.into_iter().map(|reason| reason.detail).collect()
    }

    /// Keeps an order, and lets it begin when nothing is in its way. `wanted` is asked only for one that is new.
    pub fn submit(&self, ticket: Ticket, wanted: impl FnOnce(&Installation) -> Result<Wanted>) -> Result<Submitted> {
        let installation = self.open()?;
        if let Some(known) = self.known(&installation, &ticket)? {
            return answer_again(known);
        }
        let wanted = wanted(&installation)?;
        let is_for_later = wanted.scheduled_time().is_some();
        if is_for_later && let Some(settled) = app::fits_now(&installation, &wanted)? {
            return Ok(Submitted::Settled(settled));
        }
        if wanted.is_update() && !is_for_later && self.is_to_wait(&installation)? {
            app::refuse_unknown_version(&installation, &wanted)?;
        }
        let begins = wanted.is_update() && !is_for_later;
        // From before it is kept: else the queue may begin with it, and what it comes to is told to nobody who waits.
        let mine = begins.then(|| self.shared.beginning.lock().unwrap_or_else(PoisonError::into_inner));
        let new = NewOrder { wanted, ticket };
        let (record, is_new) = app::add_order(&installation, &new)?;
        if !is_new {
            return answer_again(record);
        }
        match &new.wanted {
            Wanted::Rollback { update_id, .. } if installation.store.unfinished()?.as_ref() == Some(update_id) => {
                drop(mine);
                self.turn_back_for(&installation, &record, update_id)
            }
            _ => match mine {
                Some(mine) => begin_at_once(&self.shared, record, mine),
                // What is no update, or is for later, takes its time: nobody waits for its end.
                None => Ok(waits(&self.shared, record)),
            },
        }
    }

    /// What was sent with the same key before. As long as that is being looked at, it may yet be refused, and was no order then.
    fn known(&self, installation: &Installation, ticket: &Ticket) -> Result<Option<OrderRecord>> {
        match app::known_order(installation, ticket)? {
            Some(known) if known.state == OrderState::Waiting => {
                let _looked_at = self.shared.beginning.lock().unwrap_or_else(PoisonError::into_inner);
                app::known_order(installation, ticket)
            }
            known => Ok(known),
        }
    }

    /// An order that is given now does not begin at once, where all of it is looked at.
    fn is_to_wait(&self, installation: &Installation) -> Result<bool> {
        Ok(!self.shared.is_idle() || !self.shared.performs() || app::somebody_is_at_work(installation)?)
    }

    fn turn_back_for(&self, installation: &Installation, order: &OrderRecord, id: &UpdateId) -> Result<Submitted> {
        let by = &order.ordered_by;
        let turned = app::refuse_committed(installation, id).and_then(|()| self.turn_back(id, by, Some(&order.id)));
        match turned {
            Ok(Some(turned)) => Ok(Submitted::Update(turned)),
            Ok(None) => refuse(installation, &order.id, finished_meanwhile()),
            Err(error) => refuse(installation, &order.id, error),
        }
    }

    /// Takes an order back that has not begun.
    pub(super) fn cancel_order(&self, id: &OrderId) -> Result<OrderView> {
        app::cancel_order(&self.open()?, id)
    }

    /// Turns the unfinished update back: one that runs here is told so, one that waits is driven back here. None when it has
    /// finished by itself. Before this returns the wish is in the store, where the end of this process does not reach it.
    pub(super) fn turn_back(&self, id: &UpdateId, by: &str, order: Option<&OrderId>) -> Result<Option<UpdateId>> {
        let installation = self.open()?;
        if queue::drives(&self.shared, id) || self.is_driven_by_the_other(&installation)? {
            let was_unfinished = installation.store.want_back(id, by, order, clock::now())?;
            queue::tell_to_turn_back(&self.shared, id);
            return Ok(was_unfinished.then(|| id.clone()));
        }
        self.refuse_standing_by()?;
        let Some(turned) = app::begin_turning_back(&self.shared.root, self.shared.config(), by)? else {
            return Ok(None);
        };
        if let Some(order) = order {
            installation.store.order_became(order, turned.id(), clock::now())?;
        }
        drive(&self.shared, turned, order).map(Some)
    }

    /// The server that carries out orders hears of what is in the store after each step.
    fn is_driven_by_the_other(&self, installation: &Installation) -> Result<bool> {
        let part = self.shared.part();
        let Part::StandsBy(Some(other)) = &*part else {
            return Ok(false);
        };
        let owner = app::who_is_at_work(installation)?;
        Ok(owner.is_some_and(|owner| (owner.pid, &owner.boot_id) == (other.pid, &other.boot_id)))
    }

    fn refuse_standing_by(&self) -> Result<()> {
        if self.shared.performs() {
            return Ok(());
        }
        let message =
            "another server carries out the orders of this installation; ask that one, or again when it has ended";
        Err(AppError::said("NL0727", message))
    }

    /// Goes on with the unfinished update; refused when it runs, none when it has finished.
    pub(super) fn resume(&self) -> Result<Option<UpdateId>> {
        self.refuse_standing_by()?;
        let left = app::begin_resuming(&self.shared.root, self.shared.config())?;
        left.map(|left| drive(&self.shared, left, None)).transpose()
    }

    /// Brings the audit's newest checkpoint off this host; nobody waits for that.
    pub(super) fn copy_checkpoint_soon(&self) {
        copy_checkpoint_soon(&self.shared);
    }

    /// Carries out orders from now on, or once the server has ended that does. One that cannot is still of use to find out why.
    pub(super) fn begin(&self) {
        match take_part(&self.shared) {
            true => perform(&self.shared),
            false => spawn(&self.shared, "standby", stand_by),
        }
    }

    /// The process is ending: the step that runs is finished, the rest waits for the next start. An order that is no update can be
    /// cut off, and the next start finds out what became of it.
    pub(super) fn end(&self) {
        let thread = {
            let mut current = self.shared.current();
            current.ending = true;
            let driven = current.update.as_mut();
            driven.and_then(|driven| {
                driven.control.server_ends();
                driven.thread.take()
            })
        };
        self.shared.wake();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

pub(super) fn finished_meanwhile() -> AppError {
    AppError::said("NL0407", "the update has just finished by itself; ask for its status")
}

/// The same as before.
fn answer_again(record: OrderRecord) -> Result<Submitted> {
    match app::replayed(&record)? {
        Some(value) => Ok(Submitted::Settled(value)),
        None => Ok(record.update_id.map_or(Submitted::Waits(record.id), Submitted::Update)),
    }
}

/// Whether this server carries out orders from now on.
fn take_part(shared: &Shared) -> bool {
    let tried = shared.open().and_then(|installation| app::take_serving(&installation));
    let mut part = shared.part();
    match tried {
        Ok(Serving::Here(lock)) => {
            *part = Part::Performs { _lock: lock };
            true
        }
        Ok(Serving::Elsewhere(owner)) => {
            *part = Part::StandsBy(owner);
            false
        }
        Err(error) => {
            say_error(&error);
            false
        }
    }
}

fn stand_by(shared: &Arc<Shared>) {
    shared.complaints().iter().for_each(|reason| say(&reason.detail));
    while shared.rest(STAND_BY) {
        if take_part(shared) {
            say("this server carries out orders from now on");
            return perform(shared);
        }
    }
}

/// Finishes or undoes what an earlier process left, then takes up the orders that wait.
fn perform(shared: &Arc<Shared>) {
    let settled = guarded("what was left", || queue::settle_taken(shared, &shared.open()?));
    settled.unwrap_or_else(|error| say_error(&error));
    let left = guarded("what was left", || {
        let left = app::left_unfinished(&shared.root, shared.config())?;
        left.map_or(Ok(()), |left| drive(shared, left, None).map(drop))
    });
    left.unwrap_or_else(|error| say_error(&error));
    spawn(shared, "orders", queue::take_orders);
    spawn(shared, "schedule", clockwork::follow_schedule);
    spawn(shared, "policy", clockwork::follow_policy);
    spawn(shared, "served", served::count);
}

fn spawn(shared: &Arc<Shared>, name: &str, run: fn(&Arc<Shared>)) {
    let mine = Arc::clone(shared);
    let spawned = thread::Builder::new().name(name.into()).spawn(move || run(&mine));
    if let Err(error) = spawned {
        say(&format!("what waits does not begin ({name}): {error}"));
    }
}

/// Nothing that is done fails because of where its row in the audit is copied to.
pub(super) fn copy_checkpoint_soon(shared: &Arc<Shared>) {
    let mine = Arc::clone(shared);
    if shared.to_copy.fetch_add(1, Ordering::SeqCst) > 0 {
        return;
    }
    let spawned = thread::Builder::new()
        .name("checkpoint".into())
        .spawn(move || copy_checkpoints(&mine));
    if let Err(error) = spawned {
        shared.to_copy.store(0, Ordering::SeqCst);
        say(&format!("the audit's checkpoint: {error}"));
    }
}

fn copy_checkpoints(shared: &Shared) {
    loop {
        let seen = shared.to_copy.load(Ordering::SeqCst);
        let copied = guarded("the audit's checkpoint", || app::copy_checkpoint(&shared.open()?));
        copied.unwrap_or_else(|error| say_error(&error));
        // What came meanwhile is copied, too.
        let exchanged = shared
            .to_copy
            .compare_exchange(seen, 0, Ordering::SeqCst, Ordering::SeqCst);
        if exchanged.is_ok() {
            return;
        }
    }
}
