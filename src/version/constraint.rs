//! Which versions are meant: comparisons joined by `,` (all of them), groups joined by `||` (any of them).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Version, VersionError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Constraint {
    any_of: Vec<Vec<(Comparison, Version)>>,
}

const OPERATORS: [(&str, Comparison); 5] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::More),
    ("<", Comparison::Less),
    ("=", Comparison::Equal),
];

impl Constraint {
    pub fn matches(&self, version: &Version) -> bool {
        self.any_of
            .iter()
            .any(|group| group.iter().all(|(comparison, bound)| comparison.holds(version, bound)))
    }
}

impl Comparison {
    fn holds(self, version: &Version, bound: &Version) -> bool {
        match self {
            Self::Less => version < bound,
            Self::AtMost => version <= bound,
            Self::Equal => version == bound,
            Self::AtLeast => version >= bound,
            Self::More => version > bound,
        }
    }

    fn sign(self) -> &'static str {
        OPERATORS
            .iter()
            .find(|(_, comparison)| *comparison == self)
            .map_or("", |(sign, _)| sign)
    }
}

impl FromStr for Constraint {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let group = |group: &str| group.split(',').map(|one| comparison(one.trim())).collect();
        Ok(Self {
            any_of: text.split("||").map(group).collect::<Result<_, _>>()?,
        })
    }
}

fn comparison(text: &str) -> Result<(Comparison, Version), VersionError> {
    for (sign, comparison) in OPERATORS {
        if let Some(rest) = text.strip_prefix(sign) {
            return Ok((comparison, rest.trim().parse()?));
        }
    }
    Ok((Comparison::Equal, text.parse()?))
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |group: &Vec<(Comparison, Version)>| {
            group
                .iter()
                .map(|(c, bound)| format!("{}{bound}", c.sign()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        f.write_str(&self.any_of.iter().map(group).collect::<Vec<_>>().join(" || "))
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
