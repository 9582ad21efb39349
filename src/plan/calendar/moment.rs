//! A time for something to begin, as an operator writes it.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::{AHEAD, days, hours};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    #[error("`{0}` is not a time: expected `2026-11-22T02:00:00Z`, `2026-11-22 02:00` or `02:00`")]
    NotATime(String),
    #[error("`{0}` does not exist there: the clock is put forward over it; name another time")]
    LeftOut(String),
    #[error("`{0}` has passed; name a time to come")]
    Passed(String),
    #[error("`{0}` is more than a year away; name an earlier time")]
    TooFar(String),
}

/// With an offset as it says, else by the clock of `zone`; without a date the next time that clock shows it. An hour that the
/// clock shows twice is the first of the two that is still to come.
pub fn moment(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, MomentError> {
    let text = text.trim();
    let at = read(text, zone, now)?;
    to_come(at, text, now).map(|()| at)
}

/// Refuses what has passed, and what is more than a year away.
pub fn to_come(at: Timestamp, text: &str, now: Timestamp) -> Result<(), MomentError> {
    if at < now {
        return Err(MomentError::Passed(text.to_owned()));
    }
    if at.duration_since(now) > AHEAD {
        return Err(MomentError::TooFar(text.to_owned()));
    }
    Ok(())
}

fn read(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, MomentError> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let unknown = || MomentError::NotATime(text.to_owned());
    if let Some(time) = hours::time(text) {
        return next_time(time, zone, now).ok_or_else(unknown);
    }
    let (date, time) = text.split_once([' ', 'T']).ok_or_else(unknown)?;
    let (date, time) = days::date(date).zip(hours::time(time)).ok_or_else(unknown)?;
    local(date.to_datetime(time), zone, now).ok_or_else(|| MomentError::LeftOut(text.to_owned()))
}

/// On the first of the next days that has this time.
fn next_time(time: Time, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    const DAYS: i64 = 4;
    let today = zone.to_datetime(now).date();
    let day = |ahead: i64| -> Option<Date> { today.checked_add(SignedDuration::from_hours(24 * ahead)).ok() };
    let times = (0..DAYS).filter_map(|ahead| local(day(ahead)?.to_datetime(time), zone, now));
    times.into_iter().find(|at| *at >= now)
}

/// None in a gap.
fn local(at: DateTime, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let by = |offset: jiff::tz::Offset| offset.to_timestamp(at).ok();
    match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Unambiguous { offset } => by(offset),
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Fold { before, after } => by(before).filter(|first| *first >= now).or_else(|| by(after)),
    }
}
