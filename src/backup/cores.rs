//! The same work on many things, on all cores.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::{BackupError, Result};
use crate::host;

/// Does `each` with every item; every thread has a state of its own, made by `start`. The first error ends the rest.
pub fn on_all_cores<T: Sync, S>(
    items: &[T],
    start: impl Fn() -> Result<S> + Sync,
    each: impl Fn(&mut S, &T) -> Result<()> + Sync,
) -> Result<()> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut state = start()?;
        while !stopped.load(Ordering::Relaxed) {
            let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            each(&mut state, item)?;
        }
        Ok(())
    };
    let worked = || work().inspect_err(|_| stopped.store(true, Ordering::Relaxed));
    let threads = host::cores().min(items.len());
    if threads <= 1 {
        return worked();
    }
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(worked)).collect();
        let mut all = Ok(());
        for one in running {
            all = all.and(one.join().unwrap_or(Err(BackupError::Stopped)));
        }
        all
    })
}

/// What is in a mutex, also when a thread died that held it.
pub fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
