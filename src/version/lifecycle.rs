//! The lifecycle scheme `{major}{a|b|r}{minor}[+build]`, e.g. `0b1+20241219.7` (spec 003, "New Versioning Scheme").

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::{digit1, one_of};
use nom::error::Error;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::VersionError;
use super::build::Build;

/// In bytes. A version names folders, files and updates, so it stays well below what file systems allow.
const LONGEST: usize = 100;

/// The stage a release is in; within one minor, alpha comes before beta before release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
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
    build: Option<Build>,
}

impl Version {
    pub fn channel(&self) -> Channel {
        self.channel
    }

    pub fn is_stable(&self) -> bool {
        self.channel == Channel::Release
    }

    /// The next version of the lifecycle: alpha, beta, release, then alpha of the next minor; after the last minor, of the next major.
    #[must_use]
    pub fn next(&self) -> Self {
        let (major, minor, channel) = match (self.channel, self.minor.checked_add(1)) {
            (Channel::Alpha, _) => (self.major, self.minor, Channel::Beta),
            (Channel::Beta, _) => (self.major, self.minor, Channel::Release),
            (Channel::Release, Some(minor)) => (self.major, minor, Channel::Alpha),
            (Channel::Release, None) => (self.major.saturating_add(1), 1, Channel::Alpha),
        };
        Self {
            major,
            channel,
            minor,
            build: None,
        }
    }

    pub(super) fn has_build(&self) -> bool {
        self.build.is_some()
    }

    /// The order of releases, whatever their builds.
    pub(super) fn cmp_release(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }

    fn rank(&self) -> (u32, u32, Channel) {
        (self.major, self.minor, self.channel)
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
        let fail = |rest: &str, expected| VersionError::new(text, text.len() - rest.len(), expected);
        if text.len() > LONGEST {
            let at = text.floor_char_boundary(LONGEST);
            return Err(VersionError::new(text, at, "the end: a version has 100 bytes at most"));
        }
        let (rest, major) = number(text).map_err(|(rest, expected)| fail(rest, expected))?;
        let (rest, letter) = one_of::<_, _, Error<&str>>("abr")
            .parse(rest)
            .map_err(|_| fail(rest, "`a`, `b` or `r`"))?;
        let (after, minor) = number(rest).map_err(|(rest, expected)| fail(rest, expected))?;
        if minor == 0 {
            return Err(fail(rest, "a number from 1"));
        }
        let (rest, build) = match tag::<_, _, Error<&str>>("+").parse(after) {
            Err(_) => (after, None),
            Ok((rest, _)) => {
                let (rest, build) = Build::parse(rest).map_err(|(rest, expected)| fail(rest, expected))?;
                (rest, Some(build))
            }
        };
        if !rest.is_empty() {
            let more = if build.is_some() {
                "a letter, a digit, `-`, `.` or the end"
            } else {
                "a digit, `+` and a build identifier, or the end"
            };
            return Err(fail(rest, more));
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
            build,
        })
    }
}

/// A decimal number without sign or leading zeros; on failure what was left to read and what was expected.
fn number(text: &str) -> Result<(&str, u32), (&str, &'static str)> {
    let (rest, digits) = digit1::<_, Error<&str>>(text).map_err(|_| (text, "a number"))?;
    if digits.len() > 1 && digits.starts_with('0') {
        return Err((text, "a number without leading zeros"));
    }
    let value = digits.parse().map_err(|_| (text, "a number up to 4294967295"))?;
    Ok((rest, value))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn each_row_is_older_than_the_next() {
        let rows = [
            "0a1",
            "0b1",
            "0b1+0",
            "0b1+00",
            "0b1+7",
            "0b1+7.a",
            "0b1+07",
            "0b1+20241219.7",
            "0b1+20241219.10",
            "0b1+99999999999999999999999",
            "0b1+-",
            "0b1+A",
            "0b1+a",
            "0b1+a.1",
            "0b1+a1",
            "0r1",
            "0a2",
            "0b2",
            "0r2",
            "0a10",
            "1a1",
            "10a1",
            "4294967295r4294967295",
        ];
        for (i, older) in rows.iter().enumerate() {
            for (j, newer) in rows.iter().enumerate() {
                assert_eq!(
                    version(older).cmp(&version(newer)),
                    i.cmp(&j),
                    "{older} against {newer}"
                );
            }
        }
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, at, expected) in [
            ("", 0, "a number"),
            ("v0a1", 0, "a number"),
            ("01a1", 0, "leading zeros"),
            ("0", 1, "`a`, `b` or `r`"),
            ("0A1", 1, "`a`, `b` or `r`"),
            ("0x1", 1, "`a`, `b` or `r`"),
            ("1.7.0", 1, "`a`, `b` or `r`"),
            ("0a", 2, "a number"),
            ("0a0", 2, "from 1"),
            ("0a01", 2, "leading zeros"),
            ("0a4294967296", 2, "up to 4294967295"),
            ("4294967296a1", 0, "up to 4294967295"),
            ("0a1 ", 3, "the end"),
            ("0a1\n", 3, "the end"),
            ("0b1+", 4, "a letter"),
            ("0b1+a..b", 6, "a letter"),
            ("0b1+a.", 6, "a letter"),
            ("0b1+a_b", 5, "the end"),
            ("0b1+a+b", 5, "the end"),
            ("0b1+é", 4, "a letter"),
        ] {
            let error = text.parse::<Version>().unwrap_err();
            assert_eq!(error.at, at, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(
            "0x1".parse::<Version>().unwrap_err().to_string(),
            "`0x1` is not a version: at byte 1 expected `a`, `b` or `r`, found `x`"
        );
        let endless = format!("0a1+{}", "é".repeat(500));
        assert!(endless.parse::<Version>().unwrap_err().to_string().len() < 400);
    }

    #[test]
    fn the_lifecycle_goes_on() {
        let mut at = version("0a1+7");
        for expected in ["0b1", "0r1", "0a2", "0b2"] {
            at = at.next();
            assert_eq!(at.to_string(), expected);
        }
        assert_eq!(version("0r4294967295").next().to_string(), "1a1");
    }

    fn text() -> impl Strategy<Value = String> {
        let number = prop_oneof![0..4_u32, any::<u32>()];
        let part = "([0-9]{1,3}|[0-9a-bA-B-]{1,3})";
        let build = prop::option::of(prop::collection::vec(part, 1..4));
        (number.clone(), "[abr]", number, build).prop_map(|(major, letter, minor, build)| {
            let build = build.map_or(String::new(), |parts| format!("+{}", parts.join(".")));
            format!("{major}{letter}{}{build}", minor.max(1))
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_printed(text in text()) {
            prop_assert_eq!(version(&text).to_string(), text);
        }

        #[test]
        fn the_order_is_total(a in text(), b in text(), c in text()) {
            let [a, b, c] = [version(&a), version(&b), version(&c)];
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
            prop_assert!(a.next() > a);
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(text in "\\PC{0,12}") {
            let _ = text.parse::<Version>();
            let _ = text.parse::<crate::version::Constraint>();
        }
    }
}
