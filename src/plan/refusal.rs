//! A planned no: a value with its reasons, not an error.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Rule;
use crate::version::{Scheme, Version};

/// One move that a rule forbids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(bound = "")]
#[schema(bound = "")]
pub struct RefusedHop<V: Scheme = Version> {
    #[schema(value_type = Option<String>, required = true)]
    pub from: Option<V>,
    #[schema(value_type = String)]
    pub to: V,
    pub rule: Rule,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Reason {
    /// The target is not among the releases; these are.
    UnknownVersion { wanted: Version, known: Vec<Version> },
    /// The repository has no release that fits the wish.
    NoRelease { wish: &'static str },
    /// The installed release cannot be fetched again.
    NotOffered { version: Version },
    /// `upgrade` to a lower version or `downgrade` to a higher one.
    WrongDirection {
        installed: Version,
        wanted: Version,
        command: &'static str,
    },
    /// Nothing is installed that could go down or back.
    NotInstalled,
    /// No permitted hops lead there.
    NoPath {
        farthest: Version,
        witness: Vec<RefusedHop>,
    },
    /// A later move requires something that shows only once the release before it runs.
    Gated { at: Version, gates: Vec<String> },
    /// The releases cannot all be meant as they are described.
    Contradiction,
    /// The release has no schema that the database could be brought to from where it is.
    NoSchema { version: Version },
    /// The database is ahead of what the target's code knows.
    SchemaAhead { found: u32, known: u32 },
    /// The planner made something that the linter does not accept; a fault of ours.
    Unsound,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub reason: Reason,
    /// One sentence for a person, naming the thing and the next command.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl<V: Scheme> fmt::Display for RefusedHop<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Some(from) => write!(f, "{from} -> {}: {} ({})", self.to, self.reason, self.rule),
            None => write!(f, "-> {}: {} ({})", self.to, self.reason, self.rule),
        }
    }
}
