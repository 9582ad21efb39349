//! What the planner goes by: which moves to a release, and back over it, are permitted.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Expression, Supported};
use crate::version::{Channel, Constraint, Dotted, Scheme, Version};

/// The same in the repository's signed metadata, in the package, and for each release of a release index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, bound = "")]
#[schema(bound = "")]
pub struct ReleaseRules<V: Scheme = Version> {
    /// When absent, the channel that the version itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub released_at: Option<jiff::Timestamp>,
    /// The versions that may move here; empty means those that the index has edges for, or every earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub from: Vec<Constraint<V>>,
    /// A path may not skip this release: true, or `{"when": "<expression over facts>"}`.
    #[serde(default)]
    #[schema(required = true)]
    pub stop: Stop,
    /// What it speaks with other nodes, and the oldest that it understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_protocol: Option<u32>,
    /// The number of the last schema migration that this release brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_level: Option<u32>,
    /// The oldest schema that it can take over; when absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_schema_level: Option<u32>,
    /// Whether one can go back to before this release without a restore.
    #[serde(default = "yes")]
    #[schema(required = true)]
    pub reversible: bool,
    /// May never be crossed downwards.
    #[serde(default)]
    #[schema(required = true)]
    pub barrier: bool,
    /// Facts that must hold before one moves up to here, e.g. `finalized`, `migrations-done`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// The versions of other components with which it runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub components: BTreeMap<String, Constraint<Dotted>>,
    /// The extensions with which it runs; when absent, it says nothing of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub extensions: Option<Supported>,
    /// Why it is passed by, unless it is what is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

/// Whether a path may skip a release.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Stop {
    #[default]
    No,
    Always,
    /// Where this holds; and where it cannot be told, to be safe.
    When(Expression),
}

/// A release that comes to a growing share of all nodes, from none at `start` to all after `hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    #[schema(value_type = String, format = DateTime)]
    pub start: jiff::Timestamp,
    pub hours: u32,
}

impl<V: Scheme> Default for ReleaseRules<V> {
    fn default() -> Self {
        Self {
            channel: None,
            released_at: None,
            from: Vec::new(),
            stop: Stop::No,
            protocol: None,
            min_protocol: None,
            schema_level: None,
            min_schema_level: None,
            reversible: true,
            barrier: false,
            requires: Vec::new(),
            components: BTreeMap::new(),
            extensions: None,
            avoid: None,
            rollout: None,
        }
    }
}

fn yes() -> bool {
    true
}

/// Written as what is read.
impl PartialSchema for Stop {
    fn schema() -> RefOr<Schema> {
        WrittenStop::schema()
    }
}

impl ToSchema for Stop {}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum WrittenStop {
    Plain(bool),
    When {
        #[schema(value_type = String)]
        when: Expression,
    },
}

/// By hand, so that a mistake in the expression is told as such.
impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Conditional {
            when: Expression,
        }
        struct BoolOrTable;
        impl<'de> Visitor<'de> for BoolOrTable {
            type Value = Stop;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or {\"when\": \"an expression over facts\"}")
            }

            fn visit_bool<E>(self, stop: bool) -> Result<Stop, E> {
                Ok(if stop { Stop::Always } else { Stop::No })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Stop, A::Error> {
                Conditional::deserialize(MapAccessDeserializer::new(map)).map(|stop| Stop::When(stop.when))
            }
        }
        deserializer.deserialize_any(BoolOrTable)
    }
}

impl Serialize for Stop {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => WrittenStop::Plain(false),
            Self::Always => WrittenStop::Plain(true),
            Self::When(when) => WrittenStop::When { when: when.clone() },
        }
        .serialize(serializer)
    }
}
