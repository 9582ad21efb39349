//! Names that cannot be wrong: product, platform, and paths that stay inside a tree.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: expected {expected}")]
pub struct NameError {
    pub text: String,
    pub what: &'static str,
    pub expected: &'static str,
}

/// Lower-case letters, digits, `-`, `_`; starts with a letter; at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductName(String);

impl ProductName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProductName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(legal) {
            return Ok(Self(text.to_owned()));
        }
        let expected = "a lower-case letter, then letters, digits, `-` or `_`, 64 bytes at most";
        Err(NameError {
            text: text.to_owned(),
            what: "product name",
            expected,
        })
    }
}

/// What one of the dependencies of a release is called: as a product.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DependencyName(String);

impl DependencyName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DependencyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |e: NameError| NameError {
            what: "name of a dependency",
            ..e
        };
        text.parse().map(|ProductName(name)| Self(name)).map_err(wrong)
    }
}

/// `any`, or `<os>-<arch>` as Rust names them, e.g. `linux-x86_64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform(String);

impl Platform {
    pub fn any() -> Self {
        Self("any".into())
    }

    /// The one this program was built for.
    pub fn this_host() -> Self {
        Self(format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH))
    }

    /// Whether a package for `self` runs on `host`.
    pub fn runs_on(&self, host: &Self) -> bool {
        self == host || *self == Self::any()
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self::any()
    }
}

impl FromStr for Platform {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let part = |p: &str| {
            !p.is_empty()
                && p.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let pair = text.split_once('-').is_some_and(|(os, arch)| part(os) && part(arch));
        if text == "any" || (pair && text.len() <= 64) {
            return Ok(Self(text.to_owned()));
        }
        Err(NameError {
            text: text.to_owned(),
            what: "platform",
            expected: "`any` or `<os>-<arch>`, e.g. linux-x86_64",
        })
    }
}

/// A path below some folder: relative, no `.` or `..`, no empty part, UTF-8, at most 4096 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

impl RelPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn under(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }
}

impl AsRef<Path> for RelPath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl FromStr for RelPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = Path::new(text).components().all(|c| matches!(c, Component::Normal(_)));
        let canonical = text.split('/').all(|part| !part.is_empty() && part != ".");
        let control = text.chars().any(char::is_control);
        if !text.is_empty() && text.len() <= 4096 && plain && canonical && !control {
            return Ok(Self(text.to_owned()));
        }
        let expected = "a relative path without `.`, `..` or control characters";
        Err(NameError {
            text: text.to_owned(),
            what: "path inside a tree",
            expected,
        })
    }
}

macro_rules! text_name {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

text_name!(ProductName);
text_name!(DependencyName);
text_name!(Platform);
text_name!(RelPath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for good in ["a", "bin/guestbook", ".hidden", "a..b"] {
            assert!(good.parse::<RelPath>().is_ok(), "{good}");
        }
        for bad in ["", "/etc", "a/../b", "./a", "a//b", "a/", "..", "a\nb"] {
            assert!(bad.parse::<RelPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn platforms_and_products_are_plain() {
        assert!("linux-x86_64".parse::<Platform>().is_ok());
        assert!("linux".parse::<Platform>().is_err());
        assert!("guestbook".parse::<ProductName>().is_ok());
        assert!("../x".parse::<ProductName>().is_err());
    }
}
