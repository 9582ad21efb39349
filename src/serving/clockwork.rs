//! What the server does by the clock: orders for later come due, and, where the policy says so, something newer is looked for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::guard::guarded;
use super::say::{say, say_error};
use super::shared::Shared;
use super::work::copy_checkpoint_soon;
use crate::app::{self, Due, Installation, Look, Result};
use crate::clock::{self, Deadline};
use crate::crypt;
use crate::store::{OrderId, OrderRecord, OrderState};

/// Other processes give orders too, and clocks are set: so often it is looked at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The first look for something newer comes so long after the start at the latest.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// Where looks fail one after the other, the pause between them grows up to this, or to the interval where that is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Has orders for later come due, until the server ends.
pub fn follow_schedule(shared: &Arc<Shared>) {
    let mut held = HashSet::new();
    loop {
        let pause = match guarded("the schedule", || look_at_schedule(shared, &mut held)) {
            Ok(next) => next.map_or(LOOK_EVERY, |next| until(next).min(LOOK_EVERY)),
            Err(error) => {
                say_error(&error);
                LOOK_EVERY
            }
        };
        if !shared.rest(pause) {
            return;
        }
    }
}

fn until(time: Timestamp) -> Duration {
    let left = time.duration_since(clock::now());
    Duration::try_from(left).unwrap_or(Duration::ZERO)
}

/// When the next order comes due, if one waits for its time. `held` are those of which it was said that they cannot begin.
fn look_at_schedule(shared: &Arc<Shared>, held: &mut HashSet<OrderId>) -> Result<Option<Timestamp>> {
    let installation = shared.open()?;
    let now = clock::now();
    let waiting = installation.store.open_orders()?;
    let timed = waiting
        .iter()
        .filter(|order| order.not_before.is_some() && !order.came_due);
    let (due, later): (Vec<_>, Vec<_>) = timed.partition(|order| order.is_due(now));
    for order in due {
        // One that cannot is no reason for the others to wait.
        let became = comes_due(shared, &installation, order, held, now);
        became.unwrap_or_else(|error| say_error(&error));
    }
    Ok(later.into_iter().filter_map(|order| order.not_before).min())
}

fn comes_due(
    shared: &Arc<Shared>,
    installation: &Installation,
    order: &OrderRecord,
    held: &mut HashSet<OrderId>,
    now: Timestamp,
) -> Result<()> {
    match app::come_due(installation, order, now)? {
        Due::Now => {
            installation.store.set_due(&order.id, true)?;
            shared.wake();
        }
        Due::Held { .. } if !held.insert(order.id.clone()) => {}
        missed => {
            copy_checkpoint_soon(shared);
            say_missed(installation, order, &missed);
        }
    }
    Ok(())
}

/// A line of the log for an order whose time was missed.
pub fn say_missed(installation: &Installation, order: &OrderRecord, due: &Due) {
    let id = &order.id;
    match due {
        Due::Now => {}
        Due::Later { why, at } => {
            let at = app::local_time(installation, *at);
            say(&format!("{id} has missed its time: {why}; it begins at {at}"));
        }
        Due::Held { why } => say(&format!("{id} waits: {why}")),
        Due::Skipped { why } => say(&format!("{id} has missed its time and is skipped: {why}")),
    }
}

/// Looks for something newer again and again, until the server ends. What the policy says is read anew each time.
pub fn follow_policy(shared: &Arc<Shared>) {
    let mut looks = Looks::default();
    let mut pause = looks.interval(shared).min(FIRST_LOOK);
    loop {
        let end = Deadline::after(with_jitter(pause));
        while !end.has_passed() {
            if !shared.rest(end.left()) {
                return;
            }
        }
        let looked = guarded("the policy", || {
            looks.look(shared);
            Ok(())
        });
        looked.unwrap_or_else(|error| looks.failed(&error));
        pause = looks.pause(shared);
    }
}

#[derive(Default)]
struct Looks {
    /// How many have failed one after the other.
    failures: u32,
    /// What was ordered last, as long as it is not known what came of it.
    ordered: Option<OrderId>,
    /// What was said last: the same is not said again.
    said: String,
}

impl Looks {
    fn look(&mut self, shared: &Shared) {
        let refused = match self.was_refused(shared) {
            Ok(refused) => refused,
            Err(error) => return self.failed(&error),
        };
        match app::look_for_newer(&shared.root, shared.config()) {
            Err(error) => self.failed(&error),
            Ok(Look::Off) => *self = Self::default(),
            Ok(Look::Busy) => {}
            Ok(Look::Nothing { why }) => {
                self.failures = 0;
                self.say(why);
            }
            Ok(Look::Ordered { version, id, at }) => {
                // What is refused each time is asked for less and less often.
                self.failures = if refused { self.failures.saturating_add(1) } else { 0 };
                let when = at.map_or_else(String::new, |at| format!(", to begin at {at}"));
                self.say(format!("policy: {version} is ordered as {id}{when}"));
                self.ordered = Some(id);
                shared.wake();
            }
        }
    }

    fn was_refused(&mut self, shared: &Shared) -> Result<bool> {
        let Some(id) = &self.ordered else { return Ok(false) };
        let record = shared.open()?.store.order(id)?;
        let state = record.map(|record| record.state);
        if state != Some(OrderState::Waiting) {
            self.ordered = None;
        }
        Ok(state == Some(OrderState::Refused))
    }

    fn failed(&mut self, error: &app::AppError) {
        self.failures = self.failures.saturating_add(1);
        self.say(format!("policy: {error} [{}]", error.code().id));
    }

    fn say(&mut self, line: String) {
        if self.said != line {
            say(&line);
            self.said = line;
        }
    }

    fn interval(&self, shared: &Shared) -> Duration {
        let settings = shared
            .open()
            .map(|installation| installation.settings.policy.check_interval);
        settings.unwrap_or(LONGEST_PAUSE)
    }

    fn pause(&self, shared: &Shared) -> Duration {
        backed_off(self.interval(shared), self.failures)
    }
}

/// Twice as long after each failure.
fn backed_off(interval: Duration, failures: u32) -> Duration {
    let grown = interval.saturating_mul(2_u32.saturating_pow(failures));
    grown.min(LONGEST_PAUSE.max(interval))
}

/// Up to a tenth more, so that many installations do not ask all at once.
fn with_jitter(pause: Duration) -> Duration {
    let [chance] = crypt::random::<1>();
    pause + pause.mul_f64(f64::from(chance) / 2560.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_failures_up_to_an_hour_or_the_interval() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        for (interval, failures, expected) in [
            (minutes(5), 0, minutes(5)),
            (minutes(5), 1, minutes(10)),
            (minutes(5), 3, minutes(40)),
            (minutes(5), 4, minutes(60)),
            (minutes(5), 4_000_000_000, minutes(60)),
            (minutes(600), 7, minutes(600)),
        ] {
            assert_eq!(backed_off(interval, failures), expected, "{interval:?} {failures}");
        }
    }

    #[test]
    fn chance_adds_a_tenth_at_most() {
        for _ in 0..100 {
            let pause = with_jitter(Duration::from_secs(100));
            assert!((100.0..110.0).contains(&pause.as_secs_f64()), "{pause:?}");
        }
    }
}
