//! Runs the engine on a thread of its own and shows its journal to whoever watches.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{AppError, EventView, Installation, Result};
use crate::clock;
use crate::engine::{self, Context, Control, InstallationLock, Progress, Stopped};
use crate::fetch::Location;
use crate::plan::Plan;
use crate::store::{Store, UpdateId};

const LOOK_EVERY: Duration = Duration::from_millis(40);
const BEAT_EVERY: Duration = Duration::from_secs(1);

/// Is told of every journal entry in order, and of progress now and then.
pub type Watcher<'a> = dyn FnMut(&EventView) + 'a;

/// Drives the update to its end or to where it waits.
pub fn drive_watched(
    installation: &Installation,
    lock: &InstallationLock,
    (id, plan): (&UpdateId, &Plan),
    repository: Option<&Location>,
    control: &Control,
    watcher: &mut Watcher<'_>,
) -> Result<Stopped> {
    let progress = Mutex::new(None::<Progress>);
    let store_path = installation.layout.store();
    thread::scope(|scope| {
        let work = || {
            let store = Store::open(&store_path)?;
            let report = |now| *progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
            let Installation { layout, settings, .. } = installation;
            let cx = Context {
                layout,
                store: &store,
                settings,
                plan,
                id,
                repository,
                progress: &report,
            };
            Ok::<_, AppError>(engine::drive(&cx, lock, control)?)
        };
        let engine = thread::Builder::new().name("engine".into()).spawn_scoped(scope, work);
        let engine = engine.map_err(|e| AppError::below("NL0408", &e))?;
        let mut seen = last_seen(installation, id)?;
        let mut beaten = clock::monotonic();
        loop {
            let ended = engine.is_finished();
            show_new(installation, (id, plan), &mut seen, watcher)?;
            if let Some(now) = progress.lock().unwrap_or_else(PoisonError::into_inner).take() {
                watcher(&EventView::of_progress(id, plan, seen, clock::now(), now));
            }
            if ended {
                break;
            }
            if beaten.elapsed() >= BEAT_EVERY {
                beaten = clock::monotonic();
                let _ = lock.beat();
            }
            thread::sleep(LOOK_EVERY);
        }
        engine
            .join()
            .map_err(|_| AppError::said("NL0323", "the engine ended by a fault in NetLink itself"))?
    })
}

/// On a resume only what is new is shown.
fn last_seen(installation: &Installation, id: &UpdateId) -> Result<i64> {
    let rows = installation.store.journal(id, 0)?;
    Ok(if rows.len() <= 1 {
        0
    } else {
        rows.last().map_or(0, |row| row.seq)
    })
}

fn show_new(
    installation: &Installation,
    (id, plan): (&UpdateId, &Plan),
    seen: &mut i64,
    watcher: &mut Watcher<'_>,
) -> Result<()> {
    for row in installation.store.journal(id, *seen)? {
        *seen = row.seq;
        watcher(&EventView::of_row(id, plan, &row));
    }
    Ok(())
}
