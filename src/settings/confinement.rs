//! What hooks, notifiers and the commands of releases may change, and as whom they run.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::release::HookPoint;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Confinement {
    pub enabled: bool,
    /// Beside the installation; relative to it unless absolute.
    pub writes: Vec<PathBuf>,
    /// Hooks that are let off all of it: they run as NetLink itself does.
    pub unconfined_hooks: BTreeSet<HookPoint>,
    /// Bytes for each process; no limit when absent.
    pub memory: Option<u64>,
    /// Whom they run as; as NetLink itself when absent.
    pub user: Option<UserName>,
}

impl Default for Confinement {
    fn default() -> Self {
        Self {
            enabled: true,
            writes: Vec::new(),
            unconfined_hooks: BTreeSet::new(),
            memory: None,
            user: None,
        }
    }
}

/// A user of the machine, by name or number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

#[derive(Debug, thiserror::Error)]
#[error("a user is named by one word that begins with no hyphen, e.g. `guestbook`")]
pub struct UserNameError;

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let is_in_a_name = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, ':' | '/' | ',');
        match !text.is_empty() && text.len() <= 256 && !text.starts_with('-') && text.chars().all(is_in_a_name) {
            true => Ok(Self(text.to_owned())),
            false => Err(UserNameError),
        }
    }
}

impl TryFrom<String> for UserName {
    type Error = UserNameError;

    fn try_from(text: String) -> Result<Self, UserNameError> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_one_word() {
        for name in ["guestbook", "65534", "EXAMPLE\\box$", "a.b@example"] {
            assert_eq!(name.parse::<UserName>().unwrap().to_string(), name);
        }
        for name in ["", "-x", "a b", "a:b", "a/b", "a\n", "a,b"] {
            assert!(name.parse::<UserName>().is_err(), "{name}");
        }
    }
}
