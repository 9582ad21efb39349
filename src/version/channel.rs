//! The stage of its life that a release is in.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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

    pub(super) fn letter(self) -> char {
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
