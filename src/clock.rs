//! The only place that reads a clock. Wall time is for people and expiry; limits and durations use monotonic time.
#![allow(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

/// Wall time, UTC.
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The day in UTC.
pub fn date_of(time: jiff::Timestamp) -> jiff::civil::Date {
    time.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// Monotonic time, for durations.
pub fn monotonic() -> Instant {
    Instant::now()
}

/// How long ago a file's time was by the wall clock; none when it lies ahead.
pub fn age_of(time: std::time::SystemTime) -> Option<Duration> {
    std::time::SystemTime::now().duration_since(time).ok()
}

/// A point in monotonic time after which a wait gives up.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    pub fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }

    /// Time left, zero once passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
