//! What this process has under way: one order at a time, as the installation's lock has it; the rest waits in the store.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::clockwork;
use super::feed::Feed;
use super::say::{say, say_error, say_of};
use crate::app::{self, Accepted, AppError, Begun, Installation, NewOrder, OrderView, Report, Result, Ticket, Wanted};
use crate::clock;
use crate::engine::Control;
use crate::store::{OrderId, OrderRecord, UpdateId};

/// How often somebody else's work is looked at while orders wait for its end.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub struct Work {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    root: PathBuf,
    config: Option<PathBuf>,
    current: Mutex<Current>,
    /// Something has ended, was ordered, or is to end.
    turn: Condvar,
    /// Held by who lets an order begin, so that two never do at once.
    beginning: Mutex<()>,
    feed: Arc<Feed>,
    /// Rows of the audit that were written since their checkpoint was last copied.
    to_copy: AtomicU64,
}

#[derive(Default)]
struct Current {
    /// None while nothing runs.
    update: Option<Driven>,
    /// An order that is no update, while it is done.
    busy: Option<OrderId>,
    /// What has changed since orders were last looked at.
    woken: bool,
    /// Orders whose time has come: from then on they wait for their turn, however long that takes.
    due: HashSet<OrderId>,
    /// The server was told to end: what still begins waits for the next start at once.
    ending: bool,
}

struct Driven {
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
    id: UpdateId,
    /// It has come to its end, and only its end is still being written down: nothing reaches it any more.
    is_over: bool,
}

/// What became of an order at once.
pub enum Submitted {
    Update(UpdateId),
    /// What came of it.
    Settled(serde_json::Value),
    Waits(OrderId),
}

impl Work {
    pub(super) fn new(root: &Path, config: Option<&Path>, feed: Arc<Feed>) -> Self {
        let shared = Shared {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            current: Mutex::default(),
            turn: Condvar::new(),
            beginning: Mutex::default(),
            feed,
            to_copy: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The installation, opened anew: settings may have changed since.
    pub fn open(&self) -> Result<Installation> {
        self.shared.open()
    }

    pub fn feed(&self) -> &Arc<Feed> {
        &self.shared.feed
    }

    /// Keeps an order, and lets it begin when nothing is in its way. `wanted` is asked only for one that is new.
    pub fn submit(&self, ticket: Ticket, wanted: impl FnOnce(&Installation) -> Result<Wanted>) -> Result<Submitted> {
        let installation = self.open()?;
        if let Some(known) = app::known_order(&installation, &ticket)? {
            return answer_again(known);
        }
        let wanted = wanted(&installation)?;
        let is_for_later = wanted.scheduled_time().is_some();
        if is_for_later && let Some(settled) = app::fits_now(&installation, &wanted)? {
            return Ok(Submitted::Settled(settled));
        }
        let new = NewOrder { wanted, ticket };
        let (record, is_new) = app::add_order(&installation, &new)?;
        if !is_new {
            return answer_again(record);
        }
        match &new.wanted {
            Wanted::Rollback { update_id, .. } if installation.store.unfinished()?.as_ref() == Some(update_id) => {
                self.turn_back_for(&installation, &record, update_id)
            }
            wanted if wanted.is_update() && !is_for_later => self.shared.begin_at_once(record),
            // What is no update, or is for later, takes its time: nobody waits for its end.
            _ => {
                self.shared.wake();
                Ok(Submitted::Waits(record.id))
            }
        }
    }

    fn turn_back_for(&self, installation: &Installation, order: &OrderRecord, id: &UpdateId) -> Result<Submitted> {
        let turned = app::refuse_committed(installation, id).and_then(|()| self.turn_back(id, &order.ordered_by));
        match turned {
            Ok(Some(turned)) => {
                installation.store.order_became(&order.id, &turned, clock::now())?;
                Ok(Submitted::Update(turned))
            }
            Ok(None) => self.shared.refuse(installation, &order.id, finished_meanwhile()),
            Err(error) => self.shared.refuse(installation, &order.id, error),
        }
    }

    /// Takes an order back that has not begun.
    pub(super) fn cancel_order(&self, id: &OrderId) -> Result<OrderView> {
        let _nobody_begins = self.shared.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_busy_with(id) {
            let message = format!("order {id} is being done; it cannot be cancelled any more");
            return Err(AppError::said("NL0719", message));
        }
        app::cancel_order(&self.open()?, id)
    }

    pub(super) fn is_busy_with(&self, id: &OrderId) -> bool {
        self.shared.current().busy.as_ref() == Some(id)
    }

    /// Drives an update that is accepted already.
    fn run(&self, accepted: Accepted) -> Result<UpdateId> {
        Shared::drive(&self.shared, accepted)
    }

    /// Turns the unfinished update back: one that runs here is told so, one that waits is driven back here. None when it has
    /// finished by itself.
    pub(super) fn turn_back(&self, id: &UpdateId, by: &str) -> Result<Option<UpdateId>> {
        if self.shared.tell_to_turn_back(id) {
            return Ok(Some(id.clone()));
        }
        match app::begin_turning_back(&self.shared.root, self.shared.config(), by)? {
            Some(turned) => self.run(turned).map(Some),
            None => Ok(None),
        }
    }

    /// Goes on with the unfinished update; refused when it runs, none when it has finished.
    pub(super) fn resume(&self) -> Result<Option<UpdateId>> {
        let left = app::begin_resuming(&self.shared.root, self.shared.config())?;
        left.map(|left| self.run(left)).transpose()
    }

    /// Brings the audit's newest checkpoint off this host; nobody waits for that.
    pub(super) fn copy_checkpoint_soon(&self) {
        let shared = Arc::clone(&self.shared);
        if shared.to_copy.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        let spawned = thread::Builder::new()
            .name("checkpoint".into())
            .spawn(move || shared.copy_checkpoints());
        if let Err(error) = spawned {
            self.shared.to_copy.store(0, Ordering::SeqCst);
            say(&format!("the audit's checkpoint: {error}"));
        }
    }

    /// Finishes or undoes what an earlier process left, then takes up the orders that wait. A server that cannot is still of use to
    /// find out why.
    pub(super) fn go_on_after_restart(&self) {
        let left = app::left_unfinished(&self.shared.root, self.shared.config());
        let gone_on = left.and_then(|left| left.map_or(Ok(()), |left| self.run(left).map(drop)));
        if let Err(error) = gone_on {
            say_error(&error);
        }
        self.spawn("orders", Shared::take_orders);
        self.spawn("schedule", clockwork::follow_schedule);
        self.spawn("policy", clockwork::follow_policy);
    }

    fn spawn(&self, name: &str, run: fn(&Arc<Shared>)) {
        let shared = Arc::clone(&self.shared);
        let spawned = thread::Builder::new().name(name.into()).spawn(move || run(&shared));
        if let Err(error) = spawned {
            say(&format!("what waits does not begin ({name}): {error}"));
        }
    }

    /// The process is ending: the step that runs is finished, the rest waits for the next start. An order that is no update can be
    /// cut off, and is done again then.
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

/// The same as before, also where that was a no.
fn answer_again(record: OrderRecord) -> Result<Submitted> {
    match app::replayed(&record)? {
        Some(value) => Ok(Submitted::Settled(value)),
        None => Ok(record.update_id.map_or(Submitted::Waits(record.id), Submitted::Update)),
    }
}

impl Shared {
    pub(super) fn open(&self) -> Result<Installation> {
        Installation::open(&self.root, self.config())
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The time of this order has come.
    pub(super) fn is_due_from_now_on(&self, id: &OrderId) {
        self.current().due.insert(id.clone());
        self.wake();
    }

    pub(super) fn is_known_to_be_due(&self, id: &OrderId) -> bool {
        self.current().due.contains(id)
    }

    /// Waits until something has changed, or for so long; whether the server goes on.
    pub(super) fn rest(&self, limit: Duration) -> bool {
        let current = self.current();
        if current.ending {
            return false;
        }
        let (current, _) = self
            .turn
            .wait_timeout(current, limit)
            .unwrap_or_else(PoisonError::into_inner);
        !current.ending
    }

    /// The order that begins next.
    fn first_of(&self, waiting: Vec<OrderRecord>) -> Option<OrderRecord> {
        let current = self.current();
        let mut due = waiting
            .into_iter()
            .filter(|order| order.not_before.is_none() || current.due.contains(&order.id));
        due.next()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.current().woken = true;
        self.turn.notify_all();
    }

    fn is_idle(&self) -> bool {
        let current = self.current();
        current.update.is_none() && current.busy.is_none() && !current.ending
    }

    /// For who waits for the answer: what is in the way of the first order of all is said as a no, where nobody is at work.
    fn begin_at_once(self: &Arc<Self>, record: OrderRecord) -> Result<Submitted> {
        let _mine = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        let installation = self.open()?;
        let first = self.first_of(installation.store.waiting_orders()?);
        let is_first = first.is_some_and(|first| first.id == record.id);
        if !is_first || !self.is_idle() {
            self.wake();
            return Ok(Submitted::Waits(record.id));
        }
        match app::begin_order(&self.root, self.config(), &record) {
            Ok(Begun::Drive(accepted)) => Self::drive(self, *accepted).map(Submitted::Update),
            Ok(Begun::Settled(value)) => {
                app::settle_order(&installation, &record.id, &Ok(value.clone()))?;
                Ok(Submitted::Settled(value))
            }
            Ok(Begun::NotNow(_)) => match app::waits_for_a_person(&installation)? {
                Some(error) => self.refuse(&installation, &record.id, error),
                None => {
                    self.wake();
                    Ok(Submitted::Waits(record.id))
                }
            },
            Err(error) => self.refuse(&installation, &record.id, error),
        }
    }

    fn refuse(&self, installation: &Installation, id: &OrderId, error: AppError) -> Result<Submitted> {
        let came = Err(error);
        app::settle_order(installation, id, &came)?;
        came.map(Submitted::Settled)
    }

    /// Runs an accepted update on a thread of its own; gives the id at once.
    fn drive(shared: &Arc<Self>, accepted: Accepted) -> Result<UpdateId> {
        let id = accepted.id().clone();
        let control = Arc::new(Control::default());
        let (handle, mine) = (Arc::clone(&control), Arc::clone(shared));
        let run = move || {
            let feed = Arc::clone(&mine.feed);
            let ended = accepted.run(&handle, &mut |event| feed.progress(event));
            mine.has_ended(&handle, ended);
        };
        let mut current = shared.current();
        if current.ending {
            control.server_ends();
        }
        let thread = thread::Builder::new().name("update".into()).spawn(run);
        let thread = thread.map_err(|e| AppError::below("NL0704", &e))?;
        current.update = Some(Driven {
            control,
            thread: Some(thread),
            id: id.clone(),
            is_over: false,
        });
        Ok(id)
    }

    /// The lock of the installation is free by now, so that the next update may have begun already: it is not touched.
    fn has_ended(&self, control: &Arc<Control>, ended: Result<Report>) {
        let is_this = |driven: &&mut Driven| Arc::ptr_eq(&driven.control, control);
        if let Some(driven) = self.current().update.as_mut().filter(is_this) {
            driven.is_over = true;
        }
        match &ended {
            Ok(report) => report.code().into_iter().for_each(|code| say_of(report, code)),
            Err(error) => say_error(error),
        }
        let written = ended.and_then(|report| app::audit_end(&self.root, self.config(), &report));
        written.unwrap_or_else(|error| say_error(&error));
        let _over = self
            .current()
            .update
            .take_if(|driven| Arc::ptr_eq(&driven.control, control));
        self.wake();
    }

    fn tell_to_turn_back(&self, wanted: &UpdateId) -> bool {
        let current = self.current();
        let driven = current
            .update
            .as_ref()
            .filter(|driven| driven.id == *wanted && !driven.is_over);
        driven.inspect(|driven| driven.control.roll_back()).is_some()
    }

    /// Lets one order after the other begin, until the server ends.
    fn take_orders(shared: &Arc<Self>) {
        loop {
            let waits = match shared.take_next() {
                Ok(waits) => waits,
                Err(error) => {
                    say_error(&error);
                    true
                }
            };
            let mut current = shared.current();
            if current.ending {
                return;
            }
            if std::mem::take(&mut current.woken) {
                continue;
            }
            // Somebody else's end tells us nothing, so it is looked for.
            let limit = if waits { LOOK_EVERY } else { LOOK_EVERY * 20 };
            let _unused = shared.turn.wait_timeout(current, limit);
        }
    }

    /// Whether orders wait for something else than ours.
    fn take_next(self: &Arc<Self>) -> Result<bool> {
        loop {
            let mine = self.beginning.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.is_idle() {
                return Ok(false);
            }
            let installation = self.open()?;
            let Some(record) = self.first_of(installation.store.waiting_orders()?) else {
                return Ok(false);
            };
            if app::somebody_is_at_work(&installation)? {
                return Ok(true);
            }
            self.current().busy = Some(record.id.clone());
            // Others may be told to wait meanwhile.
            drop(mine);
            let begun = app::begin_order(&self.root, self.config(), &record);
            let came = match begun {
                Ok(Begun::NotNow(_)) => {
                    self.current().busy = None;
                    return Ok(true);
                }
                Ok(Begun::Drive(accepted)) => {
                    let driven = Self::drive(self, *accepted);
                    self.current().busy = None;
                    driven?;
                    continue;
                }
                Ok(Begun::Settled(value)) => Ok(value),
                Err(AppError::Closed { message, .. }) if record.not_before.is_some() => {
                    self.current().busy = None;
                    self.missed(&installation, &record, message)?;
                    continue;
                }
                Err(error) => Err(error),
            };
            let settled = app::settle_order(&installation, &record.id, &came);
            let written = app::audit_order(&installation, &record, &came);
            self.current().busy = None;
            settled.and(written)?;
        }
    }

    /// Its time had come, but not its turn before the calendar closed.
    fn missed(&self, installation: &Installation, record: &OrderRecord, why: String) -> Result<()> {
        self.current().due.remove(&record.id);
        let due = app::miss(installation, record, why, clock::now())?;
        clockwork::say_missed(installation, record, &due);
        Ok(())
    }

    fn copy_checkpoints(&self) {
        loop {
            let seen = self.to_copy.load(Ordering::SeqCst);
            let copied = self.open().and_then(|installation| app::copy_checkpoint(&installation));
            copied.unwrap_or_else(|error| say_error(&error));
            // What came meanwhile is copied, too.
            let exchanged = self
                .to_copy
                .compare_exchange(seen, 0, Ordering::SeqCst, Ordering::SeqCst);
            if exchanged.is_ok() {
                return;
            }
        }
    }
}
