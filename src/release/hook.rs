//! The named points of an update at which an operator's own programs run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookPoint {
    PreUpdate,
    MaintenanceEnter,
    Drain,
    TransferLeadership,
    Rejoin,
    Validate,
    MaintenanceExit,
    PostUpdate,
    Rollback,
}

impl HookPoint {
    pub const ALL: [Self; 9] = [
        Self::PreUpdate,
        Self::MaintenanceEnter,
        Self::Drain,
        Self::TransferLeadership,
        Self::Rejoin,
        Self::Validate,
        Self::MaintenanceExit,
        Self::PostUpdate,
        Self::Rollback,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::PreUpdate => "pre-update",
            Self::MaintenanceEnter => "maintenance-enter",
            Self::Drain => "drain",
            Self::TransferLeadership => "transfer-leadership",
            Self::Rejoin => "rejoin",
            Self::Validate => "validate",
            Self::MaintenanceExit => "maintenance-exit",
            Self::PostUpdate => "post-update",
            Self::Rollback => "rollback",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a point at which hooks run; they are: {names}", names = names())]
pub struct HookPointError(String);

fn names() -> String {
    HookPoint::ALL.map(HookPoint::name).join(", ")
}

impl FromStr for HookPoint {
    type Err = HookPointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|point| point.name() == text);
        found.ok_or_else(|| HookPointError(text.to_owned()))
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_reads_back_from_its_name_in_text_and_json() {
        for point in HookPoint::ALL {
            assert_eq!(point.to_string().parse(), Ok(point));
            assert_eq!(serde_json::to_value(point).unwrap(), point.to_string());
        }
        assert!(
            "pre-upgrade"
                .parse::<HookPoint>()
                .unwrap_err()
                .to_string()
                .contains("pre-update")
        );
    }
}
