//! Which versions are meant: rules joined by `,` (all of them), groups joined by `||` (any of them).
//!
//! A rule is a comparison (`>=0b1`, `!=0b2`, a bare `0b1` is `=0b1`), all versions that begin alike (`2.x`, `0b*`, `!=2.x`),
//! `~` (changes below the minor number), `^` (what keeps compatible), `*` for any version, or a channel: `alpha`, `beta`, `stable`.
//! A bound without build identifier means the release whatever its build: `<=0b1` holds for `0b1+7`, `>0b1` does not.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::read_text;
use super::{Channel, Scheme, Version, VersionError};

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Constraint<V: Scheme = Version> {
    any_of: Vec<Vec<Rule<V>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Rule<V: Scheme> {
    Any,
    In(Channel),
    Compare(Comparison, V),
    Like(V::Pattern),
    Unlike(V::Pattern),
    /// `~`: from this version on, as long as major and minor stay.
    Tilde(V),
    /// `^`: from this version on, as long as it stays compatible.
    Caret(V),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    NotEqual,
    AtLeast,
    More,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Compare(Comparison),
    Tilde,
    Caret,
}

/// Longer signs first, so that none is read as the beginning of another.
const OPERATORS: [(&str, Operator); 8] = [
    (">=", Operator::Compare(Comparison::AtLeast)),
    ("<=", Operator::Compare(Comparison::AtMost)),
    ("!=", Operator::Compare(Comparison::NotEqual)),
    (">", Operator::Compare(Comparison::More)),
    ("<", Operator::Compare(Comparison::Less)),
    ("=", Operator::Compare(Comparison::Equal)),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

const CHANNELS: [(&str, Channel); 3] = [
    ("alpha", Channel::Alpha),
    ("beta", Channel::Beta),
    ("stable", Channel::Release),
];

impl<V: Scheme> Constraint<V> {
    pub fn matches(&self, version: &V) -> bool {
        self.any_of
            .iter()
            .any(|group| group.iter().all(|rule| rule.holds(version)))
    }

    /// Whether it is `*`, which holds for what has no version, too.
    pub fn is_any(&self) -> bool {
        matches!(self.any_of.as_slice(), [group] if group.iter().all(|rule| *rule == Rule::Any))
    }

    /// Whether it names one version.
    pub fn is_exact(&self) -> bool {
        matches!(self.any_of.as_slice(), [group] if matches!(group.as_slice(), [Rule::Compare(Comparison::Equal, _)]))
    }

    /// Stretches of `sorted`, an ascending list, outside of which no version matches.
    pub fn stretches<'a>(&'a self, sorted: &'a [V]) -> impl Iterator<Item = Range<usize>> + 'a {
        self.any_of.iter().map(|group| {
            group.iter().fold(0..sorted.len(), |within, rule| {
                let own = rule.stretch(&sorted[within.clone()]);
                within.start + own.start..within.start + own.end
            })
        })
    }

    /// Whether every version of a stretch matches, so that the stretches say all.
    pub fn is_continuous(&self) -> bool {
        let continuous = |rule: &Rule<V>| match rule {
            Rule::Any => true,
            Rule::Compare(comparison, _) => *comparison != Comparison::NotEqual,
            Rule::Like(pattern) => V::is_continuous(pattern),
            Rule::Tilde(bound) => V::is_continuous(&bound.minor_series()),
            Rule::Caret(bound) => V::is_continuous(&bound.compatible_series()),
            Rule::In(_) | Rule::Unlike(_) => false,
        };
        self.any_of.iter().flatten().all(continuous)
    }
}

impl<V: Scheme> Rule<V> {
    fn holds(&self, version: &V) -> bool {
        match self {
            Self::Any => true,
            Self::In(channel) => version.channel() == *channel,
            Self::Compare(comparison, bound) => comparison.allows(against(version, bound)),
            Self::Like(pattern) => version.fits(pattern),
            Self::Unlike(pattern) => !version.fits(pattern),
            Self::Tilde(bound) => against(version, bound).is_ge() && version.fits(&bound.minor_series()),
            Self::Caret(bound) => against(version, bound).is_ge() && version.fits(&bound.compatible_series()),
        }
    }

    /// The part of `sorted` outside of which the rule holds for none. Open ends are not searched for.
    fn stretch(&self, sorted: &[V]) -> Range<usize> {
        use Comparison::{AtLeast, AtMost, Equal, Less, More, NotEqual};
        let (below, above) = match self {
            Self::Any | Self::In(_) | Self::Unlike(_) | Self::Compare(NotEqual, _) => (false, false),
            Self::Compare(Less | AtMost, _) => (false, true),
            Self::Compare(More | AtLeast, _) => (true, false),
            Self::Like(_) | Self::Tilde(_) | Self::Caret(_) | Self::Compare(Equal, _) => (true, true),
        };
        let start = if below {
            sorted.partition_point(|version| self.side(version).is_lt())
        } else {
            0
        };
        let rest = &sorted[start..];
        let length = if above {
            rest.partition_point(|version| !self.side(version).is_gt())
        } else {
            rest.len()
        };
        start..start + length
    }

    /// Less where a version lies below all that the rule may hold for, greater where it lies above.
    fn side(&self, version: &V) -> Ordering {
        let from = |bound: &V, series: &V::Pattern| {
            if against(version, bound).is_lt() {
                Ordering::Less
            } else {
                version.beside(series)
            }
        };
        match self {
            Self::Any | Self::In(_) | Self::Unlike(_) => Ordering::Equal,
            Self::Like(pattern) => version.beside(pattern),
            Self::Tilde(bound) => from(bound, &bound.minor_series()),
            Self::Caret(bound) => from(bound, &bound.compatible_series()),
            Self::Compare(comparison, bound) => {
                let found = against(version, bound);
                match comparison {
                    Comparison::NotEqual => Ordering::Equal,
                    _ if comparison.allows(found) => Ordering::Equal,
                    // What is not allowed lies on the other side than what is; an equal version beyond the open end.
                    Comparison::Less | Comparison::AtMost => Ordering::Greater,
                    Comparison::More | Comparison::AtLeast => Ordering::Less,
                    Comparison::Equal => found,
                }
            }
        }
    }
}

fn against<V: Scheme>(version: &V, bound: &V) -> Ordering {
    if bound.has_build() {
        version.cmp(bound)
    } else {
        version.cmp_release(bound)
    }
}

impl Comparison {
    fn allows(self, found: Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::AtMost => found.is_le(),
            Self::Equal => found.is_eq(),
            Self::NotEqual => found.is_ne(),
            Self::AtLeast => found.is_ge(),
            Self::More => found.is_gt(),
        }
    }
}

impl<V: Scheme> FromStr for Constraint<V> {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut any_of = Vec::new();
        let mut group_start = 0;
        for group in text.split("||") {
            let mut rules = Vec::new();
            let mut start = group_start;
            for one in group.split(',') {
                rules.push(rule(one).map_err(|error| error.within_constraint(text, start))?);
                start += one.len() + 1;
            }
            any_of.push(rules);
            group_start += group.len() + 2;
        }
        Ok(Self { any_of })
    }
}

/// Reads one rule with blanks around it; positions in its errors count from the start of `text`.
fn rule<V: Scheme>(text: &str) -> Result<Rule<V>, VersionError> {
    let trimmed = text.trim();
    if matches!(trimmed, "*" | "x" | "X") {
        return Ok(Rule::Any);
    }
    if let Some((_, channel)) = CHANNELS.iter().find(|(word, _)| *word == trimmed) {
        return Ok(Rule::In(*channel));
    }
    let sign = OPERATORS.iter().find(|(sign, _)| trimmed.starts_with(sign));
    let bound = sign.map_or(trimmed, |(sign, _)| trimmed[sign.len()..].trim_start());
    let start = text.trim_end().len() - bound.len();
    let operator = sign.map_or(Operator::Compare(Comparison::Equal), |(_, operator)| *operator);
    let placed = |error: VersionError| error.moved(start, sign.is_none().then_some(V::EXAMPLES));
    match (V::pattern(bound).map_err(placed)?, operator) {
        (Some(pattern), Operator::Compare(Comparison::Equal)) => return Ok(Rule::Like(pattern)),
        (Some(pattern), Operator::Compare(Comparison::NotEqual)) => return Ok(Rule::Unlike(pattern)),
        (Some(_), _) => {
            return Err(VersionError::new(
                text,
                start,
                "a version: wildcards go with `=` and `!=` only",
            ));
        }
        (None, _) => {}
    }
    let version = bound.parse().map_err(placed)?;
    Ok(match operator {
        Operator::Compare(comparison) => Rule::Compare(comparison, version),
        Operator::Tilde => Rule::Tilde(version),
        Operator::Caret => Rule::Caret(version),
    })
}

fn sign_of(operator: Operator) -> &'static str {
    OPERATORS
        .iter()
        .find(|(_, named)| *named == operator)
        .map_or("", |(sign, _)| sign)
}

impl<V: Scheme> fmt::Display for Rule<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::In(channel) => {
                let word = CHANNELS.iter().find(|(_, named)| named == channel);
                f.write_str(word.map_or("", |(word, _)| word))
            }
            Self::Compare(comparison, bound) => write!(f, "{}{bound}", sign_of(Operator::Compare(*comparison))),
            Self::Like(pattern) => write!(f, "{pattern}"),
            Self::Unlike(pattern) => write!(f, "!={pattern}"),
            Self::Tilde(bound) => write!(f, "~{bound}"),
            Self::Caret(bound) => write!(f, "^{bound}"),
        }
    }
}

impl<V: Scheme> fmt::Display for Constraint<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.any_of.iter().enumerate() {
            f.write_str(if at > 0 { " || " } else { "" })?;
            for (at, rule) in group.iter().enumerate() {
                f.write_str(if at > 0 { ", " } else { "" })?;
                rule.fmt(f)?;
            }
        }
        Ok(())
    }
}

impl<V: Scheme> Serialize for Constraint<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, V: Scheme> Deserialize<'de> for Constraint<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a version constraint")
    }
}

#[cfg(test)]
mod tests;
