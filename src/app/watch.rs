//! Shows the journal of a running update to whoever watches, on a thread of its own. The engine keeps the caller's thread, so
//! that the order of its system calls does not depend on who watches.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::speed::Speed;
use super::{AppError, EventView, Installation, Result};
use crate::clock;
use crate::engine::{self, Context, Control, EngineError, InstallationLock, Progress, Stopped};
use crate::fetch::Sources;
use crate::plan::Plan;
use crate::store::{Store, UpdateId};

const LOOK_EVERY: Duration = Duration::from_millis(40);
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Is told of every journal entry in order, and of progress now and then.
pub type Watcher<'a> = dyn FnMut(&EventView) + Send + 'a;

/// Drives the update to its end or to where it waits.
pub fn drive_watched(
    installation: &Installation,
    lock: &InstallationLock,
    (id, plan): (&UpdateId, &Plan),
    repository: Option<&Sources>,
    control: &Control,
    watcher: &mut Watcher<'_>,
) -> Result<Stopped> {
    let latest = Mutex::new(None::<Progress>);
    let report = |now| *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    let Installation {
        layout,
        settings,
        store,
    } = installation;
    let watch = Watch {
        store: Store::open_to_read(&layout.store())?,
        update: (id, plan),
        seen: last_seen(store, id)?,
        latest: &latest,
        lock,
        speed: Speed::default(),
    };
    let cx = Context {
        layout,
        store,
        settings,
        plan,
        id,
        repository,
        progress: &report,
        control,
    };
    thread::scope(|scope| {
        let (ended, until) = mpsc::channel::<()>();
        let show = move || watch.run(&until, watcher);
        let shown = thread::Builder::new().name("watch".into()).spawn_scoped(scope, show);
        let shown = shown.map_err(|e| AppError::below("NL0408", &e))?;
        let stopped = engine::drive(&cx, lock);
        drop(ended);
        // What cannot be shown does not change how the update went.
        let _ = shown.join();
        stopped.map_err(|e| cut_off(id, e))
    })
}

/// The journal says where the update is; until it can be written again nobody may call it done or undone.
fn cut_off(id: &UpdateId, error: EngineError) -> AppError {
    let cause = AppError::from(error);
    let message = format!("update {id} is not finished: {cause}; mend the cause, then run `netlink update resume`");
    AppError::said("NL0328", message)
}

/// On a resume only what is new is shown.
fn last_seen(store: &Store, id: &UpdateId) -> Result<i64> {
    let rows = store.journal(id, 0)?;
    Ok(if rows.len() <= 1 {
        0
    } else {
        rows.last().map_or(0, |row| row.seq)
    })
}

struct Watch<'a> {
    store: Store,
    update: (&'a UpdateId, &'a Plan),
    seen: i64,
    latest: &'a Mutex<Option<Progress>>,
    lock: &'a InstallationLock,
    speed: Speed,
}

impl Watch<'_> {
    /// Until the engine has let go of the other end.
    fn run(mut self, until: &Receiver<()>, watcher: &mut Watcher<'_>) {
        let mut beaten = clock::monotonic();
        loop {
            let waited = until.recv_timeout(LOOK_EVERY);
            self.show(watcher);
            if waited != Err(RecvTimeoutError::Timeout) {
                return;
            }
            if beaten.elapsed() >= BEAT_EVERY {
                beaten = clock::monotonic();
                let _ = self.lock.beat();
            }
        }
    }

    fn show(&mut self, watcher: &mut Watcher<'_>) {
        let (id, plan) = self.update;
        for row in self.store.journal(id, self.seen).unwrap_or_default() {
            self.seen = row.seq;
            watcher(&EventView::of_row(id, plan, &row));
        }
        if let Some(now) = self.latest.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let speed = self.speed.look(clock::monotonic(), &now);
            watcher(&EventView::of_progress(id, plan, self.seen, now, speed));
        }
    }
}
