//! Asking again until all is well or patience ends.

use std::thread;
use std::time::Duration;

use super::Check;
use crate::clock::Deadline;

/// Even when little time is left, an answer gets this long to come.
const SHORTEST: Duration = Duration::from_secs(1);
/// Between two rounds at least, so that a product that starts is not kept busy with checks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub deadline: Deadline,
    pub interval: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Healthy {
    /// Rounds it took, the good one included.
    pub attempts: u32,
}

/// The first check that failed in the last round.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{check}: expected {expected}, found {found}")]
pub struct Unhealthy {
    pub check: String,
    pub expected: String,
    pub found: String,
}

/// Healthy once all checks pass in one round. Asks at least once, and one last time at the deadline. `give_up` is looked at
/// between two rounds: whoever waits may have something else in mind by then.
pub fn check_all(checks: &[Check], patience: &Patience, give_up: &dyn Fn() -> bool) -> Result<Healthy, Unhealthy> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let last = patience.deadline.has_passed() || give_up();
        match round(checks, patience.deadline) {
            Ok(()) => return Ok(Healthy { attempts }),
            Err(unhealthy) if last => return Err(unhealthy),
            Err(_) => thread::sleep(patience.interval.max(SHORTEST_PAUSE).min(patience.deadline.left())),
        }
    }
}

fn round(checks: &[Check], deadline: Deadline) -> Result<(), Unhealthy> {
    let ask = |check: &Check| {
        let asked = check.ask(deadline.left().max(SHORTEST));
        asked.map_err(|mismatch| Unhealthy {
            check: check.to_string(),
            expected: mismatch.expected,
            found: mismatch.found,
        })
    };
    checks.iter().try_for_each(ask)
}
