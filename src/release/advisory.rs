//! What a publisher says of releases after they came out: withdrawn ones, moves that are blocked, how a release is rolled out.
//! Packages never change; this does.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Expression, Rollout};
use crate::version::{Constraint, Scheme, Version};

/// All that is said of the releases of a product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advisory {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withdrawn: BTreeMap<Version, Withdrawal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<BlockRule>,
    /// In place of what the release itself says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollouts: BTreeMap<Version, Rollout>,
}

/// A release that may not be entered any more; whoever has it may leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<Version>,
}

/// A kind of move that is blocked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct BlockRule<V: Scheme = Version> {
    /// Of those that risks are taken by; when empty, the move itself: `0a1 -> 0b1`.
    #[serde(default)]
    pub name: String,
    /// When absent, from anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Constraint<V>>,
    pub to: Constraint<V>,
    #[serde(default)]
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The first that can be judged decides; none at all: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_more")]
    pub when: Vec<Expression>,
}

impl<V: Scheme> BlockRule<V> {
    pub fn name(&self) -> Cow<'_, str> {
        if !self.name.is_empty() {
            return Cow::Borrowed(&self.name);
        }
        let from = self.from.as_ref().map_or("*".to_owned(), ToString::to_string);
        Cow::Owned(format!("{from} -> {}", self.to))
    }
}

impl Withdrawal {
    /// In one sentence, without the version.
    pub fn reason(&self) -> String {
        let url = self.url.as_ref().map(|url| format!(", see {url}")).unwrap_or_default();
        let instead = self
            .instead
            .as_ref()
            .map(|instead| format!("; go to {instead} instead"));
        format!(
            "it was withdrawn by its publisher: {}{url}{}",
            self.reason,
            instead.unwrap_or_default()
        )
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Expression>, D::Error> {
    struct OneOrMore;
    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<Expression>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an expression over facts, or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            text.parse().map(|one| vec![one]).map_err(E::custom)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
    deserializer.deserialize_any(OneOrMore)
}
