//! Counts how long servers have served: by that it is told when a day is over, since wall clocks are set.

use std::sync::Arc;
use std::time::Duration;

use super::say::say_error;
use super::shared::Shared;
use crate::clock;

/// So much is not counted at most when a server dies.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// Until the server ends.
pub fn count(shared: &Arc<Shared>) {
    let mut written = clock::monotonic();
    loop {
        let goes_on = shared.rest(WRITE_EVERY.saturating_sub(written.elapsed()));
        let served = written.elapsed();
        if served < WRITE_EVERY && goes_on {
            continue;
        }
        let noted = shared
            .open()
            .and_then(|installation| Ok(installation.store.has_served(served.as_secs())?));
        match noted {
            Ok(()) => written += Duration::from_secs(served.as_secs()),
            Err(error) => {
                say_error(&error);
                if !shared.rest(WRITE_EVERY) {
                    return;
                }
            }
        }
        if !goes_on {
            return;
        }
    }
}
