//! The build identifier after `+`, e.g. `20241219.7`: dot-separated parts of letters, digits and `-`.

use std::cmp::Ordering;
use std::fmt;

use nom::Parser;
use nom::bytes::complete::{tag, take_while1};
use nom::error::Error;

use super::VersionError;

/// Ordered part by part, a shorter one before a longer one that it begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Build(Box<str>);

impl Build {
    /// All of `text` from byte `start` on, which follows the `+` of a version.
    pub(super) fn whole(text: &str, start: usize) -> Result<Self, VersionError> {
        let fail = |(rest, expected): (&str, _)| VersionError::new(text, text.len() - rest.len(), expected);
        match Self::parse(&text[start..]).map_err(fail)? {
            ("", build) => Ok(build),
            (rest, _) => Err(fail((rest, "a letter, a digit, `-`, `.` or the end"))),
        }
    }

    /// Reads what follows `+`, up to the first byte that does not belong to it; on failure what was left and what was expected.
    pub(super) fn parse(text: &str) -> Result<(&str, Self), (&str, &'static str)> {
        let mut rest = text;
        loop {
            let part = take_while1::<_, _, Error<&str>>(|c: char| c.is_ascii_alphanumeric() || c == '-').parse(rest);
            (rest, _) = part.map_err(|_| (rest, "a letter, a digit or `-`"))?;
            match tag::<_, _, Error<&str>>(".").parse(rest) {
                Ok((after, _)) => rest = after,
                Err(_) => return Ok((rest, Self(text[..text.len() - rest.len()].into()))),
            }
        }
    }
}

impl Ord for Build {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.split('.').map(part).cmp(other.0.split('.').map(part))
    }
}

impl PartialOrd for Build {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Numbers come before names. A number compares by its count of digits, then by the digits, so that a time stamp
/// longer than any machine word still counts as a number; of `7` and `07` the shorter is first, so that only equal texts are equal.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number {
        digits: usize,
        value: &'a str,
        zeros: usize,
    },
    Name(&'a str),
}

fn part(text: &str) -> Part<'_> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Part::Name(text);
    }
    let value = text.trim_start_matches('0');
    Part::Number {
        digits: value.len(),
        value,
        zeros: text.len() - value.len(),
    }
}
