//! How an update is begun: at once, once the product is quiet, or at its time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpgradeStrategy {
    #[default]
    Immediate,
    /// The product is given time to become quiet, or to end by itself, before it is stopped.
    Graceful,
    /// By the clock: at a named time, or when the calendar opens next.
    Scheduled,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a strategy: expected immediate, graceful or scheduled")]
pub struct UpgradeStrategyError(String);

impl UpgradeStrategy {
    pub const ALL: [Self; 3] = [Self::Immediate, Self::Graceful, Self::Scheduled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Graceful => "graceful",
            Self::Scheduled => "scheduled",
        }
    }

    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl FromStr for UpgradeStrategy {
    type Err = UpgradeStrategyError;

    fn from_str(text: &str) -> Result<Self, UpgradeStrategyError> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| UpgradeStrategyError(text.to_owned()))
    }
}

impl fmt::Display for UpgradeStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
