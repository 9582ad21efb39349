//! The lifecycle scheme `{major}{a|b|r}{minor}[+build]`, e.g. `0b1+20241219.7` (spec 003, "New Versioning Scheme").

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::character::complete::{digit1, one_of};
use nom::combinator::opt;
use nom::error::Error;
use serde::{Deserialize, Serialize};

use super::VersionError;

/// The stage a release is in; within one minor, alpha comes before beta before release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Alpha,
    Beta,
    Release,
}

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Release => "release",
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Alpha => 'a',
            Self::Beta => 'b',
            Self::Release => 'r',
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Ordered by major, then minor, then channel, then build: `0a1 < 0b1 < 0r1 < 0a2 < 1a1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    major: u32,
    channel: Channel,
    minor: u32,
    build: Option<Box<str>>,
}

impl Version {
    pub fn channel(&self) -> Channel {
        self.channel
    }

    pub fn is_stable(&self) -> bool {
        self.channel == Channel::Release
    }

    /// The next version of the lifecycle: alpha, beta, release, then alpha of the next minor.
    #[must_use]
    pub fn next(&self) -> Self {
        let (channel, minor) = match self.channel {
            Channel::Alpha => (Channel::Beta, self.minor),
            Channel::Beta => (Channel::Release, self.minor),
            Channel::Release => (Channel::Alpha, self.minor.saturating_add(1)),
        };
        Self {
            major: self.major,
            channel,
            minor,
            build: None,
        }
    }

    fn rank(&self) -> (u32, u32, Channel) {
        (self.major, self.minor, self.channel)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank()
            .cmp(&other.rank())
            .then_with(|| self.build.cmp(&other.build))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.build {
            None => format!("{}{}{}", self.major, self.channel.letter(), self.minor),
            Some(build) => format!("{}{}{}+{build}", self.major, self.channel.letter(), self.minor),
        };
        f.pad(&text)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |rest: &str, expected| VersionError {
            text: text.to_owned(),
            at: text.len() - rest.len(),
            expected,
        };
        let (rest, major) = number(text).map_err(|rest| fail(rest, "a number without leading zeros"))?;
        let (rest, letter) = one_of::<_, _, Error<&str>>("abr")
            .parse(rest)
            .map_err(|_| fail(rest, "`a`, `b` or `r`"))?;
        let (after, minor) = number(rest).map_err(|rest| fail(rest, "a number from 1 without leading zeros"))?;
        if minor == 0 {
            return Err(fail(rest, "a number from 1 without leading zeros"));
        }
        let (rest, build) = opt((
            one_of("+"),
            take_while1(|c: char| c.is_ascii_alphanumeric() || "-.".contains(c)),
        ))
        .parse(after)
        .map_err(|_: nom::Err<Error<&str>>| fail(after, "`+` and a build identifier, or the end"))?;
        if !rest.is_empty() {
            return Err(fail(rest, "`+` and a build identifier, or the end"));
        }
        let channel = match letter {
            'a' => Channel::Alpha,
            'b' => Channel::Beta,
            _ => Channel::Release,
        };
        Ok(Self {
            major,
            channel,
            minor,
            build: build.map(|(_, name)| name.into()),
        })
    }
}

/// A decimal number without sign or leading zeros; on failure what was left to read.
fn number(text: &str) -> Result<(&str, u32), &str> {
    let (rest, digits) = digit1::<_, Error<&str>>(text).map_err(|_| text)?;
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(text);
    }
    Ok((rest, digits.parse().map_err(|_| text)?))
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}
