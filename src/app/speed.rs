//! How fast a step goes and how long it will take yet, from what was seen of it in the last seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::Progress;
use crate::plan::StepId;

/// So far back a look counts; long enough that a line that stutters does not make the time left jump.
const WINDOW: Duration = Duration::from_secs(10);
/// Nothing is said before so much time has been seen.
const LEAST: Duration = Duration::from_millis(500);
/// Looks closer together than this are one.
const GRAIN: Duration = Duration::from_millis(200);

/// Looks at one step, the oldest first.
#[derive(Debug, Default)]
pub struct Speed {
    step: Option<StepId>,
    looks: VecDeque<(Instant, u64)>,
}

impl Speed {
    /// Units a second, and seconds left at that speed. What was there when the step was first seen (a download that goes on)
    /// does not count as having been done since.
    pub fn look(&mut self, now: Instant, progress: &Progress) -> (Option<u64>, Option<u64>) {
        let went_back = self.looks.back().is_some_and(|(_, done)| progress.done < *done);
        if self.step != Some(progress.step) || went_back {
            self.step = Some(progress.step);
            self.looks.clear();
        }
        let is_new = self
            .looks
            .back()
            .is_none_or(|(then, _)| now.duration_since(*then) >= GRAIN);
        while self.looks.len() > 1
            && self
                .looks
                .front()
                .is_some_and(|(then, _)| now.duration_since(*then) > WINDOW)
        {
            self.looks.pop_front();
        }
        let speed = self.looks.front().and_then(|(then, done)| {
            let elapsed = now.duration_since(*then);
            (elapsed >= LEAST).then(|| ((progress.done - done) as f64 / elapsed.as_secs_f64()) as u64)
        });
        if is_new {
            self.looks.push_back((now, progress.done));
        }
        let left = progress.total.saturating_sub(progress.done);
        let seconds = speed.filter(|speed| *speed > 0).map(|speed| left.div_ceil(speed));
        (speed, seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn at(done: u64) -> Progress {
        Progress {
            step: StepId(1),
            done,
            total: 10_000,
            unit: "bytes",
        }
    }

    #[test]
    fn only_what_was_done_under_our_eyes_in_the_last_seconds_counts() {
        let start = clock::monotonic();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut speed = Speed::default();
        assert_eq!(speed.look(start, &at(5000)), (None, None), "a download that goes on");
        assert_eq!(speed.look(after(1), &at(5100)), (Some(100), Some(49)));
        assert_eq!(speed.look(after(2), &at(5200)), (Some(100), Some(48)));
        for second in 3..30 {
            speed.look(after(second), &at(5200));
        }
        assert_eq!(speed.look(after(30), &at(5200)), (Some(0), None), "it stands still");
        assert_eq!(speed.look(after(31), &at(0)), (None, None), "begun anew");
        assert_eq!(speed.look(after(33), &at(10_000)), (Some(5000), Some(0)));
    }
}
