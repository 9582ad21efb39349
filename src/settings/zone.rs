//! A time zone by its IANA name, with its rules: from the machine's database, else from the one that is built in.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: expected a name like `Europe/Berlin` or `UTC`")]
pub struct ZoneError(String);

impl Zone {
    /// The machine's own.
    pub fn of_this_machine() -> TimeZone {
        TimeZone::system()
    }

    pub fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let rules = TimeZone::get(text).map_err(|_| ZoneError(text.to_owned()))?;
        Ok(Self {
            name: text.to_owned(),
            rules,
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;

    fn try_from(text: String) -> Result<Self, ZoneError> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
