//! Which versions are meant: rules joined by `,` (all of them), groups joined by `||` (any of them).
//!
//! A rule is a comparison (`>=0b1`, `!=0b2`, a bare `0b1` is `=0b1`), `*` for any version, or a channel: `alpha`, `beta`, `stable`.
//! A bound without build identifier means the release whatever its build: `<=0b1` holds for `0b1+7`, `>0b1` does not.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Channel, Version, VersionError};

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    any_of: Vec<Vec<Rule>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Rule {
    Any,
    In(Channel),
    Compare(Comparison, Version),
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

/// Longer signs first, so that none is read as the beginning of another.
const OPERATORS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("!=", Comparison::NotEqual),
    (">", Comparison::More),
    ("<", Comparison::Less),
    ("=", Comparison::Equal),
];

const CHANNELS: [(&str, Channel); 3] = [
    ("alpha", Channel::Alpha),
    ("beta", Channel::Beta),
    ("stable", Channel::Release),
];

impl Constraint {
    pub fn matches(&self, version: &Version) -> bool {
        self.any_of
            .iter()
            .any(|group| group.iter().all(|rule| rule.holds(version)))
    }
}

impl Rule {
    fn holds(&self, version: &Version) -> bool {
        match self {
            Self::Any => true,
            Self::In(channel) => version.channel() == *channel,
            Self::Compare(comparison, bound) if bound.has_build() => comparison.allows(version.cmp(bound)),
            Self::Compare(comparison, bound) => comparison.allows(version.cmp_release(bound)),
        }
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

impl FromStr for Constraint {
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
fn rule(text: &str) -> Result<Rule, VersionError> {
    let trimmed = text.trim();
    if trimmed == "*" {
        return Ok(Rule::Any);
    }
    if let Some((_, channel)) = CHANNELS.iter().find(|(word, _)| *word == trimmed) {
        return Ok(Rule::In(*channel));
    }
    let sign = OPERATORS.iter().find(|(sign, _)| trimmed.starts_with(sign));
    let bound = sign.map_or(trimmed, |(sign, _)| trimmed[sign.len()..].trim_start());
    let start = text.trim_end().len() - bound.len();
    let comparison = sign.map_or(Comparison::Equal, |(_, comparison)| *comparison);
    let version = bound.parse().map_err(|error: VersionError| VersionError {
        at: start + error.at,
        expected: if sign.is_none() && error.at == 0 {
            "a version, a comparison such as `>=0b1`, `*`, `stable`, `beta` or `alpha`"
        } else {
            error.expected
        },
        ..error
    })?;
    Ok(Rule::Compare(comparison, version))
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::In(channel) => {
                let word = CHANNELS.iter().find(|(_, named)| named == channel);
                f.write_str(word.map_or("", |(word, _)| word))
            }
            Self::Compare(comparison, bound) => {
                let sign = OPERATORS.iter().find(|(_, named)| named == comparison);
                write!(f, "{}{bound}", sign.map_or("", |(sign, _)| sign))
            }
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |rules: &Vec<Rule>| rules.iter().map(Rule::to_string).collect::<Vec<_>>().join(", ");
        f.pad(&self.any_of.iter().map(group).collect::<Vec<_>>().join(" || "))
    }
}

impl TryFrom<String> for Constraint {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Constraint> for String {
    fn from(constraint: Constraint) -> Self {
        constraint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_mean_what_they_say() {
        let check = |constraint: &str, version: &str, expected: bool| {
            let parsed: Constraint = constraint.parse().unwrap();
            assert_eq!(
                parsed.matches(&version.parse().unwrap()),
                expected,
                "{version} in {constraint}"
            );
            let printed = parsed.to_string().parse::<Constraint>().unwrap();
            assert_eq!(printed, parsed, "printing {constraint} and reading it back");
        };
        for (constraint, version, expected) in [
            (">=0b1, <1a1", "0b1", true),
            (">=0b1, <1a1", "0a1", false),
            (">=0b1, <1a1", "1a1", false),
            ("0a1 || >=1a1,!=1b1", "1r1", true),
            ("0a1 || >=1a1,!=1b1", "1b1", false),
            ("0a1 || >=1a1,!=1b1", "0a1", true),
            ("*", "7r7", true),
            ("*, !=7r7", "7r7", false),
            ("stable", "0r1", true),
            ("stable || beta", "0b3", true),
            ("stable || beta", "0a3", false),
            ("<=0b1", "0b1+7", true),
            ("=0b1", "0b1+7", true),
            ("!=0b1", "0b1+7", false),
            (">0b1", "0b1+7", false),
            ("=0b1+7", "0b1", false),
            ("<0b1+7", "0b1", true),
            ("<0b1+7", "0b1+6", true),
            (">0b1+7", "0b1+10", true),
        ] {
            check(constraint, version, expected);
        }
    }

    #[test]
    fn mistakes_are_placed_in_the_whole_text() {
        for (constraint, at) in [
            ("", 0),
            (">=0b1,", 6),
            (">=0b1, <1x1", 9),
            ("0a1 || >= 0b0", 12),
            ("0a1||", 5),
            ("  2.x.x ", 3),
            ("0a1 0b1", 3),
            ("stables", 0),
            (">stable", 1),
            ("<>0a1", 1),
        ] {
            let error = constraint.parse::<Constraint>().unwrap_err();
            assert_eq!((error.at, error.text.as_str()), (at, constraint), "{error}");
            assert!(error.to_string().contains("is not a version constraint"), "{error}");
        }
    }
}
