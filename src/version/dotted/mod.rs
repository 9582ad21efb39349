//! Dotted versions of any length, as components have them: `1.7.0`, `v0.0.13.2`, `2.0.0-rc.1`, `16beta1`, `1.30.0+k3s1`.
//!
//! Missing numbers are zero, so `1.7` is `1.7.0`; leading zeros mean nothing and are shown as written, so `24.04` is `24.4`.
//! What follows `-`, and one of the usual words right behind a number, names a pre-release, which comes before its release.
//! Order of pre-releases and builds as in Semantic Versioning 2.0, but a word and the number behind it count apart:
//! `rc2 < rc10`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::character::complete::digit1;
use nom::error::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod plain;
mod pre_release;

use self::pre_release::PreRelease;
use super::build::Build;
use super::text::{padded, read_text};
use super::{Channel, Scheme, VersionError};

/// In bytes, as for versions of the lifecycle scheme.
const LONGEST: usize = 100;
/// Numbers that lie in the version itself; most versions have no more and need no allocation.
const HEAD: usize = 4;

#[derive(Debug, Clone)]
pub struct Dotted {
    head: [u64; HEAD],
    /// How many numbers were written.
    written: u8,
    more: Option<Box<More>>,
}

/// What few versions have.
#[derive(Debug, Clone, Default)]
struct More {
    numbers: Vec<u64>,
    /// The numbers as written, if with leading zeros: `24.04`.
    digits: Option<Box<str>>,
    pre: Option<PreRelease>,
    build: Option<Build>,
}

/// The first numbers of a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Vec<u64>);

impl Dotted {
    fn number(&self, at: usize) -> u64 {
        match at.checked_sub(HEAD) {
            None => self.head[at],
            Some(at) => self
                .more
                .as_ref()
                .and_then(|more| more.numbers.get(at))
                .copied()
                .unwrap_or(0),
        }
    }

    fn from_numbers(numbers: &[u64]) -> Self {
        let mut head = [0; HEAD];
        let inside = numbers.len().min(HEAD);
        head[..inside].copy_from_slice(&numbers[..inside]);
        let more = (numbers.len() > HEAD).then(|| {
            Box::new(More {
                numbers: numbers[HEAD..].to_vec(),
                ..More::default()
            })
        });
        Self {
            head,
            written: u8::try_from(numbers.len()).unwrap_or(u8::MAX),
            more,
        }
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        (0..usize::from(self.written)).map(|at| self.number(at))
    }

    fn pre(&self) -> Option<&PreRelease> {
        self.more.as_ref()?.pre.as_ref()
    }

    fn build(&self) -> Option<&Build> {
        self.more.as_ref()?.build.as_ref()
    }

    fn cmp_numbers(&self, other: &Self) -> Ordering {
        let longest = usize::from(self.written.max(other.written));
        self.head.cmp(&other.head).then_with(|| {
            (HEAD..longest)
                .map(|at| self.number(at))
                .cmp((HEAD..longest).map(|at| other.number(at)))
        })
    }

    fn prefix(&self, length: usize) -> Prefix {
        Prefix((0..length).map(|at| self.number(at)).collect())
    }
}

impl Scheme for Dotted {
    const NAME: &'static str = "dotted";
    const EXAMPLES: &'static str =
        "a version, a comparison such as `>=1.7`, `2.x`, `~1.7`, `^1.7`, `*`, `stable`, `beta` or `alpha`";
    type Pattern = Prefix;

    fn channel(&self) -> Channel {
        self.pre().map_or(Channel::Release, PreRelease::channel)
    }

    fn cmp_release(&self, other: &Self) -> Ordering {
        self.cmp_numbers(other).then_with(|| match (self.pre(), other.pre()) {
            (Some(pre), Some(other)) => pre.cmp(other),
            // A pre-release comes before its release.
            (pre, other) => other.is_some().cmp(&pre.is_some()),
        })
    }

    fn has_build(&self) -> bool {
        self.build().is_some()
    }

    /// The release of a pre-release, else one more in the last number that can grow.
    fn next(&self) -> Option<Self> {
        let mut numbers: Vec<u64> = self.numbers().collect();
        if self.pre().is_none() {
            let at = numbers.iter().rposition(|number| *number < u64::MAX)?;
            numbers[at] += 1;
            numbers[at + 1..].fill(0);
        }
        Some(Self::from_numbers(&numbers))
    }

    fn pattern(text: &str) -> Result<Option<Prefix>, VersionError> {
        let is_wildcard = |part: &str| matches!(part, "x" | "X" | "*");
        if !text.split('.').any(is_wildcard) {
            return Ok(None);
        }
        let mut numbers = Vec::new();
        let mut at = 0;
        let mut open = false;
        for part in text.split('.') {
            if is_wildcard(part) {
                open = true;
            } else if open {
                return Err(VersionError::new(
                    text,
                    at,
                    "`x` or `*`: after a wildcard there are only wildcards",
                ));
            } else {
                let read = number(part).ok().filter(|(rest, _)| rest.is_empty());
                let (_, number) = read.ok_or_else(|| VersionError::new(text, at, "a number, `x` or `*`"))?;
                numbers.push(number);
            }
            at += part.len() + 1;
        }
        Ok(Some(Prefix(numbers)))
    }

    fn series(&self) -> Prefix {
        self.prefix(usize::from(self.written))
    }

    /// `~1.7.2` keeps `1.7`, `~1` keeps `1`.
    fn minor_series(&self) -> Prefix {
        self.prefix(usize::from(self.written.min(2)))
    }

    /// The numbers up to the first that is not zero: `^1.7` keeps `1`, `^0.3.1` keeps `0.3`.
    fn compatible_series(&self) -> Prefix {
        let written = usize::from(self.written);
        let first = self.numbers().position(|number| number != 0);
        self.prefix(first.map_or(written, |at| at + 1))
    }

    fn fits(&self, pattern: &Prefix) -> bool {
        self.beside(pattern).is_eq()
    }

    fn beside(&self, pattern: &Prefix) -> Ordering {
        (0..pattern.0.len())
            .map(|at| self.number(at))
            .cmp(pattern.0.iter().copied())
    }
}

impl Ord for Dotted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_release(other).then_with(|| self.build().cmp(&other.build()))
    }
}

impl PartialOrd for Dotted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Dotted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Dotted {}

/// Like equality, without regard to trailing zeros and to how a pre-release is written.
impl Hash for Dotted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.head.hash(state);
        let more = self.more.as_ref().map_or(&[][..], |more| &more.numbers);
        let end = more.iter().rposition(|number| *number != 0).map_or(0, |at| at + 1);
        more[..end].hash(state);
        self.pre().hash(state);
        self.build().hash(state);
    }
}

impl fmt::Display for Dotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        padded(f, |f| {
            match self.more.as_ref().and_then(|more| more.digits.as_deref()) {
                Some(digits) => f.write_str(digits)?,
                None => write_numbers(f, self.numbers())?,
            }
            if let Some(pre) = self.pre() {
                write!(f, "{pre}")?;
            }
            match self.build() {
                Some(build) => write!(f, "+{build}"),
                None => Ok(()),
            }
        })
    }
}

fn write_numbers(f: &mut fmt::Formatter<'_>, numbers: impl Iterator<Item = u64>) -> fmt::Result {
    for (at, number) in numbers.enumerate() {
        write!(f, "{}{number}", if at > 0 { "." } else { "" })?;
    }
    Ok(())
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            // `x` alone is the rule for any version, which is no pattern.
            return f.pad("x.x");
        }
        let numbers = self.0.iter().map(|number| format!("{number}."));
        f.pad(&(numbers.collect::<String>() + "x"))
    }
}

impl FromStr for Dotted {
    type Err = VersionError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match plain::read(text.as_bytes()) {
            Some((head, written)) => Ok(Self {
                head,
                written,
                more: None,
            }),
            None => Self::by_the_grammar(text),
        }
    }
}

impl Dotted {
    /// Any version, or what was expected where.
    fn by_the_grammar(text: &str) -> Result<Self, VersionError> {
        let fail = |(rest, expected): (&str, _)| VersionError::new(text, text.len() - rest.len(), expected);
        if text.len() > LONGEST {
            let at = text.floor_char_boundary(LONGEST);
            return Err(VersionError::new(text, at, "the end: a version has 100 bytes at most"));
        }
        let start = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (rest, mut found) = numbers(start).map_err(fail)?;
        let digits = &start[..start.len() - rest.len()];
        if digits
            .split('.')
            .any(|number| number.len() > 1 && number.starts_with('0'))
        {
            found.more.get_or_insert_default().digits = Some(digits.into());
        }
        let (rest, pre) = pre_release(rest).map_err(fail)?;
        let (rest, build) = match tag::<_, _, Error<&str>>("+").parse(rest) {
            Err(_) => (rest, None),
            Ok((rest, _)) => Build::parse(rest)
                .map(|(rest, build)| (rest, Some(build)))
                .map_err(fail)?,
        };
        if !rest.is_empty() {
            let more = match (&pre, &build) {
                (_, Some(_)) => "a letter, a digit, `-`, `.` or the end",
                (Some(_), None) => "a letter, a digit, `-`, `.`, `+` and a build identifier, or the end",
                (None, None) => "a digit, `.`, `-` and a pre-release, `+` and a build identifier, or the end",
            };
            return Err(fail((rest, more)));
        }
        if pre.is_some() || build.is_some() {
            let more = found.more.get_or_insert_default();
            (more.pre, more.build) = (pre, build);
        }
        Ok(found)
    }
}

/// What was left to read, and what was expected there.
type Mistake<'a> = (&'a str, &'static str);

fn numbers(text: &str) -> Result<(&str, Dotted), Mistake<'_>> {
    let mut found = Dotted {
        head: [0; HEAD],
        written: 0,
        more: None,
    };
    let mut rest = text;
    loop {
        let (after, value) = number(rest)?;
        let at = usize::from(found.written);
        match found.head.get_mut(at) {
            Some(place) => *place = value,
            None => found.more.get_or_insert_default().numbers.push(value),
        }
        found.written = found.written.saturating_add(1);
        match after.strip_prefix('.') {
            // A dot before a word (`1.0.rc1`, `1.0.dev3`) belongs to the pre-release.
            Some(next) if !next.starts_with(|c: char| c.is_ascii_alphabetic()) => rest = next,
            _ => return Ok((after, found)),
        }
    }
}

fn number(text: &str) -> Result<(&str, u64), Mistake<'_>> {
    let (rest, digits) = digit1::<_, Error<&str>>(text).map_err(|_| (text, "a number"))?;
    let value = digits
        .parse()
        .map_err(|_| (text, "a number up to 18446744073709551615"))?;
    Ok((rest, value))
}

/// `-` and anything, or one of the usual words right behind the last number or behind a dot.
fn pre_release(text: &str) -> Result<(&str, Option<PreRelease>), Mistake<'_>> {
    let identifiers = |text| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        take_while1::<_, _, Error<&str>>(allowed).parse(text)
    };
    if let Some(rest) = text.strip_prefix('-') {
        let (after, found) = identifiers(rest).map_err(|_| (rest, "a pre-release: letters, digits, `-` or `.`"))?;
        let empty = found.split('.').scan(0, |at, part| {
            let here = *at;
            *at += part.len() + 1;
            Some((here, part))
        });
        if let Some((at, _)) = empty.into_iter().find(|(_, part)| part.is_empty()) {
            return Err((&rest[at..], "a letter, a digit or `-`"));
        }
        return Ok((after, Some(PreRelease::new(&text[..text.len() - after.len()]))));
    }
    let word = text.strip_prefix('.').unwrap_or(text);
    if !word.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok((text, None));
    }
    let letters = take_while1::<_, _, Error<&str>>(|c: char| c.is_ascii_alphabetic());
    let known = alt((
        alt((
            tag_no_case::<_, _, Error<&str>>("alpha"),
            tag_no_case("beta"),
            tag_no_case("rc"),
            tag_no_case("preview"),
        )),
        alt((
            tag_no_case("pre"),
            tag_no_case("dev"),
            tag_no_case("snapshot"),
            tag_no_case("nightly"),
            tag_no_case("m"),
        )),
        alt((tag_no_case("a"), tag_no_case("b"), tag_no_case("c"))),
    ));
    let whole = letters.and_then(nom::combinator::all_consuming(known)).parse(word);
    let (rest, _) = whole.map_err(|_| (word, "the end, or the word of a pre-release such as `rc` or `beta`"))?;
    let tail = rest.len()
        - rest
            .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-')
            .len();
    let (tail, after) = rest.split_at(tail);
    if tail.ends_with(['.', '-']) {
        return Err((after, "a digit"));
    }
    Ok((after, Some(PreRelease::new(&text[..text.len() - after.len()]))))
}

impl Serialize for Dotted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dotted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a version")
    }
}

#[cfg(test)]
mod tests;
