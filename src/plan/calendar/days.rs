//! Days of the week as people name them, and single days or stretches of them that are not as every week's.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub Weekday);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of the week: expected one of {names}, or its first three letters", names = NAMES.join(", "))]
pub struct DayError(String);

const NAMES: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let lower = text.trim().to_ascii_lowercase();
        let fits = |name: &&str| **name == *lower || name.get(..3) == Some(&*lower);
        let at = NAMES.iter().position(fits);
        let weekday = at.and_then(|at| Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok());
        weekday.map(Self).ok_or_else(|| DayError(text.to_owned()))
    }
}

impl TryFrom<String> for Day {
    type Error = DayError;

    fn try_from(text: String) -> Result<Self, DayError> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = usize::from(self.0.to_monday_zero_offset().unsigned_abs());
        f.pad(NAMES.get(at).copied().unwrap_or_default())
    }
}

/// One date, or all from one to another: `2026-12-24`, `2026-12-24..2027-01-06`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dates {
    first: Date,
    last: Date,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date and no stretch of dates: expected e.g. `2026-12-24` or `2026-12-24..2027-01-06`")]
pub struct DatesError(String);

impl Dates {
    pub fn contain(self, date: Date) -> bool {
        (self.first..=self.last).contains(&date)
    }
}

impl FromStr for Dates {
    type Err = DatesError;

    fn from_str(text: &str) -> Result<Self, DatesError> {
        let wrong = || DatesError(text.to_owned());
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let first = date(first.trim()).ok_or_else(wrong)?;
        let last = date(last.trim()).filter(|last| first <= *last).ok_or_else(wrong)?;
        Ok(Self { first, last })
    }
}

/// `2026-12-24` and nothing longer.
pub(super) fn date(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "2026-12-24".len())
}

impl TryFrom<String> for Dates {
    type Error = DatesError;

    fn try_from(text: String) -> Result<Self, DatesError> {
        text.parse()
    }
}

impl From<Dates> for String {
    fn from(dates: Dates) -> Self {
        dates.to_string()
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

/// Days on which it is otherwise than every week, with the reason: it goes before hours and days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Exception {
    pub days: Dates,
    pub rule: ExceptionRule,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceptionRule {
    /// From midnight to midnight.
    Open,
    Closed,
}

/// As it stands in the settings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    days: Dates,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the exception `{0}` needs either `open` or `closed`, with the reason as its text")]
pub struct ExceptionError(Dates);

impl TryFrom<Written> for Exception {
    type Error = ExceptionError;

    fn try_from(written: Written) -> Result<Self, ExceptionError> {
        let Written { days, open, closed } = written;
        let (rule, reason) = match (open, closed) {
            (Some(reason), None) => (ExceptionRule::Open, reason),
            (None, Some(reason)) => (ExceptionRule::Closed, reason),
            (None, None) | (Some(_), Some(_)) => return Err(ExceptionError(days)),
        };
        match reason.trim().is_empty() {
            true => Err(ExceptionError(days)),
            false => Ok(Self { days, rule, reason }),
        }
    }
}

impl From<Exception> for Written {
    fn from(exception: Exception) -> Self {
        let Exception { days, rule, reason } = exception;
        let (open, closed) = match rule {
            ExceptionRule::Open => (Some(reason), None),
            ExceptionRule::Closed => (None, Some(reason)),
        };
        Self { days, open, closed }
    }
}
