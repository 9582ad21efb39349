//! The rules that may forbid a move, each by its stable name.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why one release cannot be moved to from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It was withdrawn.
    Yanked,
    /// It has no package for this platform.
    Platform,
    /// The operator's policy.
    Policy,
    /// Its phased roll-out has not come to this node.
    Rollout,
    /// A component is of a version with which it does not run.
    Components,
    /// A fact that must hold before does not.
    Requires,
    /// It is passed by unless asked for.
    Avoid,
    /// Its ranges.
    From,
    /// No edge leads there.
    Edge,
    /// A release that may not be skipped lies between.
    Stop,
    /// The publisher blocks the move.
    Block,
    /// The publisher blocks the move under a condition that cannot be judged here.
    Risk,
    /// It came out before the release that is left.
    ReleaseDate,
    /// Nodes of the two would not understand each other.
    Protocol,
    /// It cannot take over so old a schema.
    Schema,
    /// It may never be crossed downwards.
    Barrier,
    /// It cannot be reversed.
    Irreversible,
}

impl Rule {
    pub const ALL: [Self; 17] = [
        Self::Yanked,
        Self::Platform,
        Self::Policy,
        Self::Rollout,
        Self::Components,
        Self::Requires,
        Self::Avoid,
        Self::From,
        Self::Edge,
        Self::Stop,
        Self::Block,
        Self::Risk,
        Self::ReleaseDate,
        Self::Protocol,
        Self::Schema,
        Self::Barrier,
        Self::Irreversible,
    ];

    /// Those that keep one out of a release wherever one comes from.
    pub const OF_ENTERING: [Self; 7] = [
        Self::Yanked,
        Self::Platform,
        Self::Policy,
        Self::Rollout,
        Self::Components,
        Self::Requires,
        Self::Avoid,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Yanked => "yanked",
            Self::Platform => "platform",
            Self::Policy => "policy",
            Self::Rollout => "rollout",
            Self::Components => "components",
            Self::Requires => "requires",
            Self::Avoid => "avoid",
            Self::From => "from",
            Self::Edge => "edge",
            Self::Stop => "stop",
            Self::Block => "block",
            Self::Risk => "risk",
            Self::ReleaseDate => "release-date",
            Self::Protocol => "protocol",
            Self::Schema => "schema",
            Self::Barrier => "barrier",
            Self::Irreversible => "irreversible",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
