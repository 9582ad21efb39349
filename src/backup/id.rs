//! Names of backups: `backup_<version or none>_<YYYYMMDD>_<HHMMSS>`, and `_<n>` from the second of a second on.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::version::Version;

/// Also the name of the file, so nothing that has a meaning in a path is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a backup: expected e.g. `backup_0b1_20260131_235959`")]
pub struct BackupIdError(String);

impl BackupId {
    /// The `n`th id for a backup of this version in this second.
    pub(super) fn new(version: Option<&Version>, created: Timestamp, n: u32) -> Result<Self, BackupIdError> {
        let version = version.map_or("none".to_owned(), ToString::to_string);
        let time = created.to_zoned(TimeZone::UTC).strftime("%Y%m%d_%H%M%S").to_string();
        let n = if n > 1 { format!("_{n}") } else { String::new() };
        format!("backup_{version}_{time}{n}").parse()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Date, time and number as text: later ones are greater.
    pub(super) fn moment(&self) -> (&str, u32) {
        let mut parts = self.0.splitn(3, '_').nth(2).unwrap_or_default().rsplitn(2, '_');
        let (last, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match rest.len() {
            15 => (rest, last.parse().unwrap_or(u32::MAX)),
            _ => (&self.0[self.0.len() - 15..], 1),
        }
    }
}

impl FromStr for BackupId {
    type Err = BackupIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
        let version = |part: &str| {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'+' || b == b'-';
            !part.is_empty() && part.len() <= 128 && !part.starts_with('.') && part.bytes().all(legal)
        };
        let number = |part: &str| part.parse::<u32>().is_ok_and(|n| n > 1 && n.to_string() == part);
        let parts: Vec<_> = text.split('_').collect();
        let right = match parts[..] {
            ["backup", v, date, time] => version(v) && digits(date, 8) && digits(time, 6),
            ["backup", v, date, time, n] => version(v) && digits(date, 8) && digits(time, 6) && number(n),
            _ => false,
        };
        if right {
            return Ok(Self(text.to_owned()));
        }
        Err(BackupIdError(text.to_owned()))
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for BackupId {
    type Error = BackupIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_as_they_are_read_and_never_a_path() {
        let at: Timestamp = "2026-01-31T23:59:58Z".parse().unwrap();
        let version: Version = "0b1+20241219.7".parse().unwrap();
        let first = BackupId::new(Some(&version), at, 1).unwrap();
        assert_eq!(first.as_str(), "backup_0b1+20241219.7_20260131_235958");
        let third = BackupId::new(None, at, 3).unwrap();
        assert_eq!(third.as_str(), "backup_none_20260131_235958_3");
        assert_eq!(first.moment(), ("20260131_235958", 1));
        assert_eq!(third.moment(), ("20260131_235958", 3));
        for bad in [
            "",
            "backup_none_20260131",
            "backup_../x_20260131_235958",
            "backup_.._20260131_235958",
            "backup_0b1_20260131_235958_1",
            "backup_0b1_20260131_235958_02",
            "backup_0b1_20260131_235958/../x",
            "backup__20260131_235958",
        ] {
            assert!(bad.parse::<BackupId>().is_err(), "{bad}");
        }
    }
}
