//! How long each role's metadata is good for from its signing on.

use std::fmt;
use std::str::FromStr;

use jiff::civil::date;
use jiff::{SignedDuration, Span};
use serde::{Deserialize, Serialize};

use crate::tuf::Role;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifetimes {
    root: Lifetime,
    targets: Lifetime,
    snapshot: Lifetime,
    timestamp: Lifetime,
}

/// A whole number of hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lifetime(SignedDuration);

/// Other lifetimes of some roles, e.g. `root=1y,targets=180d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifetimeChanges(Vec<(Role, Lifetime)>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    #[error("`{0}` is not a lifetime of a role; expected for example `root=1y,targets=180d,snapshot=30d,timestamp=7d`")]
    Shape(String),
    #[error("`{text}` is not a time: {reason}; expected for example 1y, 6mo, 180d, 12h")]
    Time { text: String, reason: String },
    #[error("{role} may be good for {least} to {most}, not for {asked}")]
    Bounds {
        role: Role,
        asked: Lifetime,
        least: Lifetime,
        most: Lifetime,
    },
    #[error("{0} is named twice")]
    Twice(Role),
}

impl Default for Lifetimes {
    fn default() -> Self {
        let days = |days: i64| Lifetime(DAY * i32::try_from(days).unwrap_or(1));
        Self {
            root: days(365),
            targets: days(180),
            snapshot: days(30),
            timestamp: days(7),
        }
    }
}

impl Lifetimes {
    pub fn of(&self, role: Role) -> Lifetime {
        match role {
            Role::Root => self.root,
            Role::Targets => self.targets,
            Role::Snapshot => self.snapshot,
            Role::Timestamp => self.timestamp,
        }
    }

    #[must_use]
    pub fn changed(mut self, changes: &LifetimeChanges) -> Self {
        for (role, lifetime) in &changes.0 {
            *match role {
                Role::Root => &mut self.root,
                Role::Targets => &mut self.targets,
                Role::Snapshot => &mut self.snapshot,
                Role::Timestamp => &mut self.timestamp,
            } = *lifetime;
        }
        self
    }

    /// What is read from a file is held to the same bounds.
    pub fn checked(self) -> Result<Self, LifetimeError> {
        Role::ALL.into_iter().try_for_each(|role| within(role, self.of(role)))?;
        Ok(self)
    }
}

impl Lifetime {
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

/// Short-lived roles are what keeps a repository from being held at an old state; the others are signed by people, who need days.
fn within(role: Role, asked: Lifetime) -> Result<(), LifetimeError> {
    let (least, most) = match role {
        Role::Root | Role::Targets => (DAY, YEAR * 10),
        Role::Snapshot | Role::Timestamp => (HOUR, YEAR),
    };
    if (least..=most).contains(&asked.0) {
        return Ok(());
    }
    Err(LifetimeError::Bounds {
        role,
        asked,
        least: Lifetime(least),
        most: Lifetime(most),
    })
}

impl FromStr for LifetimeChanges {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let mut changes: Vec<(Role, Lifetime)> = Vec::new();
        for part in text.split(',') {
            let shape = || LifetimeError::Shape(part.trim().to_owned());
            let (role, time) = part.split_once('=').ok_or_else(shape)?;
            let role: Role = role.trim().parse().map_err(|_| shape())?;
            let lifetime: Lifetime = time.parse()?;
            within(role, lifetime)?;
            if changes.iter().any(|(other, _)| *other == role) {
                return Err(LifetimeError::Twice(role));
            }
            changes.push((role, lifetime));
        }
        Ok(Self(changes))
    }
}

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        let wrong = |reason: String| LifetimeError::Time {
            text: text.trim().to_owned(),
            reason,
        };
        let span: Span = text.trim().parse().map_err(|e: jiff::Error| wrong(e.to_string()))?;
        // A year of 365 days: what is said of a lifetime must not depend on when it is said.
        let duration = span.to_duration(date(2026, 1, 1)).map_err(|e| wrong(e.to_string()))?;
        if duration <= SignedDuration::ZERO || duration.as_secs() % HOUR.as_secs() != 0 || duration.subsec_nanos() != 0
        {
            return Err(wrong("it is not a number of whole hours".into()));
        }
        Ok(Self(duration))
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.0.as_hours();
        match hours % 24 {
            0 => write!(f, "{}d", hours / 24),
            _ => write!(f, "{hours}h"),
        }
    }
}

impl TryFrom<String> for Lifetime {
    type Error = LifetimeError;

    fn try_from(text: String) -> Result<Self, LifetimeError> {
        text.parse()
    }
}

impl From<Lifetime> for String {
    fn from(lifetime: Lifetime) -> Self {
        lifetime.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changed(text: &str) -> Result<Lifetimes, String> {
        let changes: LifetimeChanges = text.parse().map_err(|e: LifetimeError| e.to_string())?;
        Ok(Lifetimes::default().changed(&changes))
    }

    #[test]
    fn some_or_all_roles_are_changed() {
        let all = changed("root=1y, targets=6mo,snapshot=2w,timestamp=36h").unwrap();
        let shown = Role::ALL.map(|role| all.of(role).to_string());
        assert_eq!(shown, ["365d", "36h", "14d", "181d"]);
        let one = changed("timestamp=1 day 12 hours").unwrap();
        assert_eq!(one.of(Role::Timestamp).to_string(), "36h");
        assert_eq!(one.of(Role::Root), Lifetimes::default().of(Role::Root));
    }

    #[test]
    fn what_would_lock_operators_out_or_protect_nobody_is_refused() {
        for (text, said) in [
            ("", "not a lifetime of a role"),
            ("root", "not a lifetime of a role"),
            ("roots=1y", "not a lifetime of a role"),
            ("root=soon", "`soon` is not a time"),
            ("root=-1d", "whole hours"),
            ("timestamp=90m", "whole hours"),
            ("root=23h", "root may be good for 1d to 3650d, not for 23h"),
            ("targets=11y", "1d to 3650d"),
            ("timestamp=0d", "whole hours"),
            ("snapshot=366d", "snapshot may be good for 1h to 365d, not for 366d"),
            ("timestamp=2y", "1h to 365d"),
            ("root=1y,root=2y", "named twice"),
        ] {
            let error = changed(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_stored_is_held_to_the_same_bounds() {
        let text = serde_json::to_string(&Lifetimes::default()).unwrap();
        assert_eq!(
            text,
            r#"{"root":"365d","targets":"180d","snapshot":"30d","timestamp":"7d"}"#
        );
        let read = |text: &str| serde_json::from_str::<Lifetimes>(text).map(Lifetimes::checked);
        assert_eq!(read(&text).unwrap(), Ok(Lifetimes::default()));
        assert_eq!(read("{}").unwrap(), Ok(Lifetimes::default()));
        assert!(read(r#"{"timestamp":"2y"}"#).unwrap().is_err());
        assert!(read(r#"{"other":"2y"}"#).is_err());
    }

    proptest! {
        #[test]
        fn a_lifetime_comes_back_from_its_text(hours in 1i64..100_000) {
            let lifetime = Lifetime(SignedDuration::from_hours(hours));
            prop_assert_eq!(lifetime.to_string().parse::<Lifetime>(), Ok(lifetime));
        }
    }
}
