//! The queue: one order at a time begins, as the installation's lock has it, and updates run on threads of their own.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::clockwork;
use super::guard::guarded;
use super::say::say_error;
use super::say_work::{
    say_order_begins, say_order_ended, say_order_waits, say_update_begins, say_update_broke_off, say_update_ended,
};
use super::shared::{Driven, Shared};
use super::work::{Submitted, copy_checkpoint_soon};
use crate::app::{self, Accepted, AppError, Begun, Due, Installation, Report, Result};
use crate::clock;
use crate::engine::Control;
use crate::store::{Answered, OrderId, OrderRecord, Store, UpdateId};

/// How often somebody else's work, and orders that others have given, are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So many such looks at the latest, whatever has changed.
const LOOKS: u32 = 20;

/// For who waits for the answer: what is in the way of the first order of all is said as a no, where nobody is at work.
pub fn begin_at_once(shared: &Arc<Shared>, record: OrderRecord, _mine: MutexGuard<'_, ()>) -> Result<Submitted> {
    let installation = shared.open()?;
    let first = Shared::first_of(installation.store.open_orders()?);
    let is_first = first.is_some_and(|first| first.id == record.id);
    if !is_first || !shared.is_idle() || !shared.performs() {
        return Ok(waits(shared, record));
    }
    let begun = guarded(&record.id.to_string(), || {
        app::begin_order(&shared.root, shared.config(), &record)
    });
    match begun {
        Ok(Begun::Drive(accepted)) => drive(shared, *accepted, Some(&record.id)).map(Submitted::Update),
        Ok(Begun::Settled(value)) => {
            app::settle_order(&installation, &record.id, &Ok(value.clone()), Answered::AtOnce)?;
            Ok(Submitted::Settled(value))
        }
        Ok(Begun::NotNow(_)) => match app::waits_for_a_person(&installation)? {
            Some(error) => refuse(&installation, &record.id, error),
            None => Ok(waits(shared, record)),
        },
        Ok(Begun::Gone) => Ok(Submitted::Waits(record.id)),
        Err(error) => refuse(&installation, &record.id, error),
    }
}

/// It waits for its turn, or its time.
pub fn waits(shared: &Shared, record: OrderRecord) -> Submitted {
    say_order_waits(&record);
    shared.wake();
    Submitted::Waits(record.id)
}

/// The one who orders is told so at once.
pub fn refuse(installation: &Installation, id: &OrderId, error: AppError) -> Result<Submitted> {
    let came = Err(error);
    app::settle_order(installation, id, &came, Answered::AtOnce)?;
    came.map(Submitted::Settled)
}

/// Runs an accepted update, of an order where there was one, on a thread of its own; gives the id at once.
pub fn drive(shared: &Arc<Shared>, accepted: Accepted, order: Option<&OrderId>) -> Result<UpdateId> {
    let id = accepted.id().clone();
    match accepted.beginning() {
        Ok(begins) => say_update_begins(&begins, order),
        Err(error) => say_error(&error),
    }
    let control = Arc::new(Control::default());
    let (handle, mine, what) = (Arc::clone(&control), Arc::clone(shared), id.to_string());
    let run = move || {
        let feed = Arc::clone(&mine.feed);
        let ended = guarded(&what, || accepted.run(&handle, &mut |event| feed.progress(event)));
        mine.note(ended.as_ref().map(|_| ()));
        has_ended(&mine, &handle, &what, ended);
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
fn has_ended(shared: &Arc<Shared>, control: &Arc<Control>, id: &str, ended: Result<Report>) {
    let is_this = |driven: &&mut Driven| Arc::ptr_eq(&driven.control, control);
    if let Some(driven) = shared.current().update.as_mut().filter(is_this) {
        driven.is_over = true;
    }
    match &ended {
        Ok(report) => say_update_ended(report),
        Err(error) => say_update_broke_off(id, error),
    }
    if let Ok(report) = ended {
        let written = guarded("the audit", || app::audit_end(&shared.root, shared.config(), &report));
        written.unwrap_or_else(|error| say_error(&error));
        copy_checkpoint_soon(shared);
    }
    let _over = shared
        .current()
        .update
        .take_if(|driven| Arc::ptr_eq(&driven.control, control));
    shared.wake();
}

/// Whether this process is at that update.
pub fn drives(shared: &Shared, wanted: &UpdateId) -> bool {
    let current = shared.current();
    let driven = current.update.as_ref();
    driven.is_some_and(|driven| driven.id == *wanted && !driven.is_over)
}

pub fn tell_to_turn_back(shared: &Shared, wanted: &UpdateId) {
    if let Some(driven) = shared.current().update.as_ref().filter(|driven| driven.id == *wanted) {
        driven.control.roll_back();
    }
}

/// Lets one order after the other begin, until the server ends.
pub fn take_orders(shared: &Arc<Shared>) {
    let mut others = Others::default();
    loop {
        let waits = match guarded("the queue", || take_next(shared)) {
            Ok(waits) => waits,
            Err(error) => {
                shared.current().busy = None;
                shared.note(Err(&error));
                say_error(&error);
                true
            }
        };
        for look in 1.. {
            let mut current = shared.current();
            if current.ending {
                return;
            }
            if std::mem::take(&mut current.woken) {
                break;
            }
            drop(shared.turn.wait_timeout(current, LOOK_EVERY));
            // The end of somebody else's work tells us nothing.
            if waits || look >= LOOKS || others.have_changed_something(shared) {
                break;
            }
        }
    }
}

/// What other connections and processes have written.
#[derive(Default)]
struct Others {
    store: Option<Store>,
    seen: Option<i64>,
}

impl Others {
    fn have_changed_something(&mut self, shared: &Shared) -> bool {
        if self.store.is_none() {
            self.store = shared.open().ok().map(|installation| installation.store);
        }
        let now = self.store.as_ref().and_then(|store| store.outside_changes().ok());
        let before = std::mem::replace(&mut self.seen, now);
        now.is_none() || now != before
    }
}

/// Whether orders wait for something else than ours.
fn take_next(shared: &Arc<Shared>) -> Result<bool> {
    loop {
        let mine = shared.beginning.lock().unwrap_or_else(PoisonError::into_inner);
        if !shared.is_idle() {
            return Ok(false);
        }
        let installation = shared.open()?;
        settle_taken(shared, &installation)?;
        let Some(record) = Shared::first_of(installation.store.open_orders()?) else {
            return Ok(false);
        };
        if app::somebody_is_at_work(&installation)? {
            return Ok(true);
        }
        shared.current().busy = Some(record.id.clone());
        // Others may be told to wait meanwhile.
        drop(mine);
        let since = clock::monotonic();
        if !app::is_update(&record)? {
            say_order_begins(&record);
        }
        let begun = guarded(&record.id.to_string(), || {
            app::begin_order(&shared.root, shared.config(), &record)
        });
        let goes_on = begun_in_turn(shared, &installation, (&record, since), begun);
        shared.current().busy = None;
        if !goes_on? {
            return Ok(true);
        }
    }
}

/// What the order has come to whose turn it was; whether the next one may begin.
fn begun_in_turn(
    shared: &Arc<Shared>,
    installation: &Installation,
    (record, since): (&OrderRecord, Instant),
    begun: Result<Begun>,
) -> Result<bool> {
    let came = match begun {
        Ok(Begun::NotNow(_)) => return Ok(false),
        Ok(Begun::Gone) => return Ok(true),
        Ok(Begun::Drive(accepted)) => return drive(shared, *accepted, Some(&record.id)).map(|_| true),
        Ok(Begun::Settled(value)) => Ok(value),
        Err(AppError::Closed { message, .. }) if record.not_before.is_some() => {
            return missed(shared, installation, record, message).map(|()| true);
        }
        Err(error) => Err(error),
    };
    shared.note(came.as_ref().map(|_| ()));
    say_order_ended(record, &came, Some(since.elapsed()));
    let settled = app::settle_order(installation, &record.id, &came, Answered::Later);
    let written = app::audit_order(installation, record, &came);
    copy_checkpoint_soon(shared);
    settled.and(written).map(|()| true)
}

/// Says what became of what nobody does any more: its server died, or its end could not be written down, as on a full disk. Only
/// while nothing is being done.
pub fn settle_taken(shared: &Arc<Shared>, installation: &Installation) -> Result<()> {
    let settled = app::settle_taken(installation)?;
    for (order, came) in &settled {
        say_order_ended(order, came, None);
    }
    if !settled.is_empty() {
        copy_checkpoint_soon(shared);
    }
    Ok(())
}

/// Its time had come, but not its turn before the calendar closed.
fn missed(shared: &Arc<Shared>, installation: &Installation, record: &OrderRecord, why: String) -> Result<()> {
    let due = app::miss(installation, record, why, clock::now())?;
    if matches!(due, Due::Held { .. }) {
        // The clock is looked at again, until it is open.
        installation.store.set_due(&record.id, false)?;
    }
    copy_checkpoint_soon(shared);
    clockwork::say_missed(installation, record, &due);
    Ok(())
}
