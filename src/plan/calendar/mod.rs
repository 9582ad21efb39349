//! When updates may begin: hours, days of the week, exceptions, and a freeze.
//!
//! An instant is open by the local clock of that instant alone. So an hour that a change of the clock repeats is open twice, one
//! that it leaves out not at all. The zone's rules come loaded; nothing is read here.

mod days;
mod hours;
mod moment;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub use days::{Dates, Day, Exception, ExceptionRule};
pub use hours::Hours;
pub use moment::{MomentError, moment, to_come};

/// So far ahead an opening is looked for: a year, and the day that a leap year has more.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    pub zone: TimeZone,
    /// The whole day when empty.
    pub hours: Vec<Hours>,
    pub blocked: Vec<Day>,
    /// The first that has a day speaks for it.
    pub exceptions: Vec<Exception>,
    /// Why nothing may begin, whatever the clock says.
    pub freeze: Option<String>,
}

/// What keeps updates from beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    Frozen { reason: String },
    Exception { days: Dates, reason: String },
    Day(Day),
    Hours(Vec<Hours>),
}

/// How it is at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `until` is none when nothing closes it within a year.
    Open { until: Option<Timestamp> },
    /// `opens` is none when nothing opens it within a year.
    Closed { why: Closed, opens: Option<Timestamp> },
}

/// A stretch of time in which it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    pub from: Timestamp,
    pub until: Timestamp,
    /// None while updates may begin.
    pub closed: Option<Closed>,
}

impl Calendar {
    /// Always open.
    pub fn open_in(zone: TimeZone) -> Self {
        Self {
            zone,
            hours: Vec::new(),
            blocked: Vec::new(),
            exceptions: Vec::new(),
            freeze: None,
        }
    }

    pub fn at(&self, now: Timestamp) -> Answer {
        match self.closed(now) {
            None => Answer::Open {
                until: self.first(now, |closed| closed.is_some()),
            },
            Some(why) => Answer::Closed {
                why,
                opens: self.next_opening(now),
            },
        }
    }

    /// The first instant from this one on at which updates may begin; none within a year.
    pub fn next_opening(&self, from: Timestamp) -> Option<Timestamp> {
        match self.freeze {
            Some(_) => None,
            None => self.first(from, |closed| closed.is_none()),
        }
    }

    /// Why updates may not begin at an instant; none when they may.
    pub fn closed(&self, at: Timestamp) -> Option<Closed> {
        if let Some(reason) = &self.freeze {
            return Some(Closed::Frozen { reason: reason.clone() });
        }
        let local = self.zone.to_datetime(at);
        let exception = self.exceptions.iter().find(|one| one.days.contain(local.date()));
        if let Some(Exception { days, rule, reason }) = exception {
            return match rule {
                ExceptionRule::Open => None,
                ExceptionRule::Closed => Some(Closed::Exception {
                    days: *days,
                    reason: reason.clone(),
                }),
            };
        }
        let day = Day(local.date().weekday());
        if self.blocked.contains(&day) {
            return Some(Closed::Day(day));
        }
        let within = self.hours.is_empty() || self.hours.iter().any(|hours| hours.contain(local.time()));
        (!within).then(|| Closed::Hours(self.hours.clone()))
    }

    /// From one instant up to another, without gaps.
    pub fn intervals(&self, from: Timestamp, until: Timestamp) -> Vec<Interval> {
        let mut found: Vec<Interval> = Vec::new();
        let mut at = from;
        while at < until {
            let end = self.next_edge(at).map_or(until, |edge| edge.min(until));
            let closed = self.closed(at);
            match found.last_mut().filter(|last| last.closed == closed) {
                Some(last) => last.until = end,
                None => found.push(Interval {
                    from: at,
                    until: end,
                    closed,
                }),
            }
            at = end;
        }
        found
    }

    /// The first instant at which it is as wished. It changes at edges alone, so that looking there is enough.
    fn first(&self, from: Timestamp, wished: impl Fn(Option<Closed>) -> bool) -> Option<Timestamp> {
        let last = from.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let mut at = from;
        while !wished(self.closed(at)) {
            at = self.next_edge(at).filter(|edge| *edge <= last)?;
        }
        Some(at)
    }

    /// The next instant at which it may change: by the local clock, or because the clock itself is changed before.
    fn next_edge(&self, after: Timestamp) -> Option<Timestamp> {
        let offset = self.zone.to_offset(after);
        let by_clock = self
            .next_local_edge(offset.to_datetime(after))
            .and_then(|local| offset.to_timestamp(local).ok());
        let change = self.zone.following(after).next().map(|change| change.timestamp());
        [by_clock, change].into_iter().flatten().min()
    }

    fn next_local_edge(&self, after: DateTime) -> Option<DateTime> {
        let today = self.hours.iter().flat_map(|hours| hours.edges());
        let today = today
            .map(|time| after.date().to_datetime(time))
            .filter(|edge| *edge > after);
        let midnight = after
            .date()
            .tomorrow()
            .ok()
            .map(|date| date.to_datetime(Time::midnight()));
        today.chain(midnight).min()
    }

    /// A time as it is read here.
    pub fn local(&self, at: Timestamp) -> String {
        local(&self.zone, at)
    }
}

/// A time as it is read in a zone, e.g. `2026-11-22 02:00 +01:00`; with seconds where it is not at the full minute.
pub fn local(zone: &TimeZone, at: Timestamp) -> String {
    let there = at.to_zoned(zone.clone());
    let form = match there.second() {
        0 => "%Y-%m-%d %H:%M %:z",
        _ => "%Y-%m-%d %H:%M:%S %:z",
    };
    there.strftime(form).to_string()
}

impl Closed {
    /// A stable word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Frozen { .. } => "freeze",
            Self::Exception { .. } => "exception",
            Self::Day(_) => "day",
            Self::Hours(_) => "hours",
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frozen { reason } => write!(f, "updates are frozen: {reason}"),
            Self::Exception { days, reason } => write!(f, "no updates on {days}: {reason}"),
            Self::Day(day) => write!(f, "no updates on a {day}"),
            Self::Hours(hours) => {
                let hours: Vec<String> = hours.iter().map(ToString::to_string).collect();
                write!(f, "outside the hours of updates ({})", hours.join(", "))
            }
        }
    }
}
