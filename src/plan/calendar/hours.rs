//! Hours of a day, also across midnight: `02:00-04:00`, `22:00-02:00`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// From the first time on, and before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    from: Time,
    /// Not after `from` where midnight lies between, or is the end.
    to: Time,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not hours of a day: expected e.g. `02:00-04:00`, or `22:00-02:00` across midnight")]
pub struct HoursError(String);

impl Hours {
    pub fn contain(self, time: Time) -> bool {
        if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }

    /// The times of a day at which they begin and end.
    pub(super) fn edges(self) -> [Time; 2] {
        [self.from, self.to]
    }
}

impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let wrong = || HoursError(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let from = time(from.trim()).ok_or_else(wrong)?;
        let to = match to.trim() {
            "24:00" => Time::midnight(),
            // What ends when it begins may be meant as nothing, or as the whole day.
            to => time(to).filter(|to| *to != from).ok_or_else(wrong)?,
        };
        Ok(Self { from, to })
    }
}

/// `02:00`, also `2:00`.
pub(super) fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour, 2) || !digits(minute, 2) || minute.len() != 2 {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

impl TryFrom<String> for Hours {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.from.strftime("%H:%M"))?;
        if self.to == Time::midnight() {
            f.write_str("24:00")
        } else {
            write!(f, "{}", self.to.strftime("%H:%M"))
        }
    }
}
