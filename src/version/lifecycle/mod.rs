//! The lifecycle scheme `{major}{a|b|r}{minor}[+build]`, e.g. `0b1+20241219.7` (spec 003, "New Versioning Scheme").

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use nom::Parser;
use nom::branch::alt;
use nom::character::complete::{char, u32};
use nom::combinator::value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod short;

use super::build::Build;
use super::text::{padded, read_text};
use super::{Channel, Scheme, VersionError};

/// In bytes. A version names folders, files and updates, so it stays well below what file systems allow.
const LONGEST: usize = 100;
const WILDCARDS: [char; 3] = ['*', 'x', 'X'];

/// Ordered by major, then minor, then channel, then build: `0a1 < 0b1 < 0r1 < 0a2 < 1a1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    major: u32,
    channel: Channel,
    minor: u32,
    build: Option<Build>,
}

/// All versions that begin alike: of one major number, of one channel or minor number of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Series {
    major: u32,
    channel: Option<Channel>,
    minor: Option<u32>,
}

impl Version {
    fn rank(&self) -> (u32, u32, Channel) {
        (self.major, self.minor, self.channel)
    }
}

impl Scheme for Version {
    const NAME: &'static str = "lifecycle";
    const EXAMPLES: &'static str =
        "a version, a comparison such as `>=0b1`, `0b*`, `~0b1`, `^0b1`, `*`, `stable`, `beta` or `alpha`";
    type Pattern = Series;

    fn channel(&self) -> Channel {
        self.channel
    }

    fn cmp_release(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }

    fn has_build(&self) -> bool {
        self.build.is_some()
    }

    /// Alpha, beta, release, then alpha of the next minor; after the last minor, of the next major.
    fn next(&self) -> Option<Self> {
        let (major, minor, channel) = match (self.channel, self.minor.checked_add(1)) {
            (Channel::Alpha, _) => (self.major, self.minor, Channel::Beta),
            (Channel::Beta, _) => (self.major, self.minor, Channel::Release),
            (Channel::Release, Some(minor)) => (self.major, minor, Channel::Alpha),
            (Channel::Release, None) => (self.major.checked_add(1)?, 1, Channel::Alpha),
        };
        Some(Self {
            major,
            channel,
            minor,
            build: None,
        })
    }

    fn pattern(text: &str) -> Result<Option<Series>, VersionError> {
        let version = text.split('+').next().unwrap_or_default();
        if !version.contains(WILDCARDS) {
            return Ok(None);
        }
        let fail = |(rest, expected): Mistake<'_>| VersionError::new(text, text.len() - rest.len(), expected);
        let (rest, major) = number(text.as_bytes()).map_err(fail)?;
        if let Some(rest) = dotted_wildcards(rest) {
            let whole = rest.is_empty().then_some(Some(Series {
                major,
                channel: None,
                minor: None,
            }));
            return whole.ok_or_else(|| fail((rest, "the end")));
        }
        let (rest, channel) = match wildcard(rest) {
            Some(rest) => (rest, None),
            None => letter(rest)
                .map(|(rest, channel)| (rest, Some(channel)))
                .map_err(fail)?,
        };
        let (rest, minor) = match wildcard(rest) {
            Some(rest) => (rest, None),
            None if rest.is_empty() && channel.is_none() => (rest, None),
            None => minor(rest).map(|(rest, minor)| (rest, Some(minor))).map_err(fail)?,
        };
        if !rest.is_empty() {
            return Err(fail((rest, "the end")));
        }
        Ok(Some(Series { major, channel, minor }))
    }

    fn series(&self) -> Series {
        Series {
            major: self.major,
            channel: Some(self.channel),
            minor: Some(self.minor),
        }
    }

    /// `~0b1` lets the channel change: `0b1`, `0r1`.
    fn minor_series(&self) -> Series {
        Series {
            major: self.major,
            channel: None,
            minor: Some(self.minor),
        }
    }

    /// `^0b1` lets the minor number grow: `0b1` and everything after it of major 0.
    fn compatible_series(&self) -> Series {
        Series {
            major: self.major,
            channel: None,
            minor: None,
        }
    }

    fn fits(&self, series: &Series) -> bool {
        self.beside(series).is_eq() && series.channel.is_none_or(|channel| channel == self.channel)
    }

    fn beside(&self, series: &Series) -> Ordering {
        let within = series.minor.map_or(Ordering::Equal, |minor| {
            let channel = series
                .channel
                .map_or(Ordering::Equal, |channel| self.channel.cmp(&channel));
            self.minor.cmp(&minor).then(channel)
        });
        self.major.cmp(&series.major).then(within)
    }

    fn is_continuous(series: &Series) -> bool {
        series.channel.is_none() || series.minor.is_some()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_release(other).then_with(|| self.build.cmp(&other.build))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        padded(f, |f| {
            write!(f, "{}{}{}", self.major, self.channel.letter(), self.minor)?;
            match &self.build {
                None => Ok(()),
                Some(build) => write!(f, "+{build}"),
            }
        })
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channel = self.channel.map_or('*', Channel::letter);
        match self.minor {
            Some(minor) => write!(f, "{}{channel}{minor}", self.major),
            None if self.channel.is_none() => write!(f, "{}*", self.major),
            None => write!(f, "{}{channel}*", self.major),
        }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match short::read(text.as_bytes()) {
            None => grammar(text),
            Some((major, channel, minor)) => Ok(Self {
                major,
                channel,
                minor,
                build: None,
            }),
        }
    }
}

/// Any version, or what was expected where.
fn grammar(text: &str) -> Result<Version, VersionError> {
    let fail = |(rest, expected): Mistake<'_>| VersionError::new(text, text.len() - rest.len(), expected);
    if text.len() > LONGEST {
        let at = text.floor_char_boundary(LONGEST);
        return Err(VersionError::new(text, at, "the end: a version has 100 bytes at most"));
    }
    let (rest, major) = number(text.as_bytes()).map_err(fail)?;
    let (rest, channel) = letter(rest).map_err(fail)?;
    let (rest, minor) = minor(rest).map_err(fail)?;
    let build = match rest {
        [] => None,
        [b'+', ..] => Some(Build::whole(text, text.len() - rest.len() + 1)?),
        _ => return Err(fail((rest, "a digit, `+` and a build identifier, or the end"))),
    };
    Ok(Version {
        major,
        channel,
        minor,
        build,
    })
}

/// What was left to read, and what was expected there. Bytes, not characters: all that a version is made of is ASCII.
type Mistake<'a> = (&'a [u8], &'static str);

/// `.x.x`, as in the ranges of other schemes.
fn dotted_wildcards(text: &[u8]) -> Option<&[u8]> {
    let (mut rest, mut found) = (text, None);
    while let Some(after) = rest.strip_prefix(b".").and_then(wildcard) {
        (rest, found) = (after, Some(after));
    }
    found
}

fn wildcard(text: &[u8]) -> Option<&[u8]> {
    let (first, rest) = text.split_first()?;
    WILDCARDS.contains(&char::from(*first)).then_some(rest)
}

/// A decimal number without sign or leading zeros.
fn number(text: &[u8]) -> Result<(&[u8], u32), Mistake<'_>> {
    match text {
        [b'0', b'0'..=b'9', ..] => Err((text, "a number without leading zeros")),
        [b'0'..=b'9', ..] => u32::<_, ()>(text).map_err(|_| (text, "a number up to 4294967295")),
        _ => Err((text, "a number")),
    }
}

fn minor(text: &[u8]) -> Result<(&[u8], u32), Mistake<'_>> {
    match number(text)? {
        (_, 0) => Err((text, "a number from 1")),
        found => Ok(found),
    }
}

fn letter(text: &[u8]) -> Result<(&[u8], Channel), Mistake<'_>> {
    let mut letters = alt((
        value(Channel::Alpha, char::<_, ()>('a')),
        value(Channel::Beta, char('b')),
        value(Channel::Release, char('r')),
    ));
    letters.parse(text).map_err(|_| (text, "`a`, `b` or `r`"))
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a version")
    }
}

#[cfg(test)]
mod tests;
