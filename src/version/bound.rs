//! The end of what is allowed: a version, or all that begin alike, such as `2.x.x`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::read_text;
use super::{Scheme, Version, VersionError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound<V: Scheme = Version> {
    Version(V),
    Series(V::Pattern),
}

impl<V: Scheme> Bound<V> {
    pub fn is_above(&self, version: &V) -> bool {
        match self {
            Self::Version(bound) => version < bound,
            Self::Series(series) => version.beside(series).is_lt(),
        }
    }

    pub fn is_below(&self, version: &V) -> bool {
        match self {
            Self::Version(bound) => version > bound,
            Self::Series(series) => version.beside(series).is_gt(),
        }
    }
}

impl<V: Scheme> From<V> for Bound<V> {
    fn from(version: V) -> Self {
        Self::Version(version)
    }
}

impl<V: Scheme> FromStr for Bound<V> {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        match V::pattern(text)? {
            Some(series) => Ok(Self::Series(series)),
            None => text.parse().map(Self::Version),
        }
    }
}

impl<V: Scheme> fmt::Display for Bound<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => fmt::Display::fmt(version, f),
            Self::Series(series) => fmt::Display::fmt(series, f),
        }
    }
}

impl<V: Scheme> Serialize for Bound<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, V: Scheme> Deserialize<'de> for Bound<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a version, or versions that begin alike such as `2.x`")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dotted;
    use super::*;

    #[test]
    fn a_series_is_allowed_to_its_end() {
        let bound: Bound<Dotted> = "2.x.x".parse().unwrap();
        for (version, above, below) in [
            ("1.9.9", true, false),
            ("2.0.0-rc.1", false, false),
            ("2.0", false, false),
            ("2.99.1", false, false),
            ("3.0.0-rc.1", false, true),
        ] {
            let version = version.parse().unwrap();
            assert_eq!(
                (bound.is_above(&version), bound.is_below(&version)),
                (above, below),
                "{version}"
            );
        }
        let own: Bound = "0x".parse().unwrap();
        assert!(!own.is_below(&"0r9".parse().unwrap()) && own.is_below(&"1a1".parse().unwrap()));
        assert!("2.q".parse::<Bound<Dotted>>().is_err());
    }
}
