//! Dotted paths of keys, as TOML writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml_edit::Key;

use super::ConfigError;

/// At least one key; `a.b`, or `a."b.c"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPath(Vec<String>);

impl KeyPath {
    pub(super) fn of(parts: &[String]) -> Self {
        Self(parts.to_vec())
    }

    pub(super) fn parts(&self) -> &[String] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Empty for a key of the root.
    pub(super) fn parent(&self) -> &[String] {
        &self.0[..self.0.len().saturating_sub(1)]
    }

    pub(super) fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// Keys as TOML writes them, dotted.
pub(super) fn written(parts: &[String]) -> String {
    let keys: Vec<_> = parts
        .iter()
        .map(|part| Key::new(part).display_repr().into_owned())
        .collect();
    keys.join(".")
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&written(&self.0))
    }
}

impl FromStr for KeyPath {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let keys = Key::parse(text).map_err(|e| ConfigError::Key {
            text: text.to_owned(),
            reason: e.message().to_owned(),
        })?;
        Ok(Self(keys.iter().map(|key| key.get().to_owned()).collect()))
    }
}

impl TryFrom<String> for KeyPath {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl From<KeyPath> for String {
    fn from(key: KeyPath) -> Self {
        key.to_string()
    }
}
