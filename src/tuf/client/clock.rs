//! The latest time that a refresh began at, so that a clock that went back is noticed.

use std::path::Path;

use jiff::{SignedDuration, Timestamp as Time};

use super::Note;
use crate::disk::{self, DiskError};

const FILE: &str = "clock";
const LIMIT: u64 = 64;
/// A file is not worth writing for less.
const STEP: SignedDuration = SignedDuration::from_mins(10);
/// Clocks are set right by a little all the time.
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);

/// Whether the clock is behind a time that it has shown before.
pub fn went_back(dir: &Path, now: Time) -> Option<Note> {
    let seen = seen(dir)?;
    (now.duration_since(seen) < -TOLERATED).then(|| Note::ClockWentBack {
        seen,
        now,
        file: dir.join(FILE).display().to_string(),
    })
}

/// Remembers `now`, when it is later than what was seen.
pub fn remember(dir: &Path, now: Time) -> Result<(), DiskError> {
    if seen(dir).is_some_and(|seen| now.duration_since(seen) < STEP) {
        return Ok(());
    }
    disk::write_atomic(&dir.join(FILE), now.to_string().as_bytes(), 0o644)
}

/// None too for a file that is damaged: it only serves a warning.
fn seen(dir: &Path) -> Option<Time> {
    let text = disk::read_text_limited(&dir.join(FILE), LIMIT).ok()?;
    text.trim().parse().ok()
}
