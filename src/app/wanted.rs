//! What may be ordered, in the words in which it is kept.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::backup::BackupId;
use crate::plan::UpgradeStrategy;
use crate::release::{ExtensionName, RelPath};
use crate::store::UpdateId;
use crate::version::Version;

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wanted {
    Upgrade {
        #[schema(value_type = String)]
        target_version: Version,
        force: bool,
        /// What was warned of was seen, and it goes on all the same.
        #[serde(default)]
        accept_warnings: bool,
        accept_breaking: bool,
        acknowledge: BTreeSet<String>,
        full: bool,
        accept_risk: BTreeSet<String>,
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        disable_incompatible: BTreeSet<ExtensionName>,
        #[serde(default)]
        strategy: UpgradeStrategy,
        /// The time that it was ordered for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, format = DateTime)]
        scheduled_time: Option<Timestamp>,
        /// In which the product may become quiet, where that is not as the policy says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        graceful_timeout_seconds: Option<u32>,
    },
    Downgrade {
        #[schema(value_type = String)]
        target_version: Version,
        force: bool,
        /// What was warned of was seen, and it goes on all the same.
        #[serde(default)]
        accept_warnings: bool,
        accept_risk: BTreeSet<String>,
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        disable_incompatible: BTreeSet<ExtensionName>,
        #[serde(default)]
        strategy: UpgradeStrategy,
        /// The time that it was ordered for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, format = DateTime)]
        scheduled_time: Option<Timestamp>,
        /// In which the product may become quiet, where that is not as the policy says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        graceful_timeout_seconds: Option<u32>,
    },
    Rollback {
        #[schema(value_type = String)]
        update_id: UpdateId,
        force: bool,
        /// What was warned of was seen, and it goes on all the same.
        #[serde(default)]
        accept_warnings: bool,
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        disable_incompatible: BTreeSet<ExtensionName>,
    },
    BackupCreate {
        full: bool,
    },
    BackupVerify {
        #[schema(value_type = String)]
        backup_id: BackupId,
    },
    BackupRestore {
        #[schema(value_type = String)]
        backup_id: BackupId,
        /// Only these paths; everything when empty.
        #[schema(value_type = Vec<String>)]
        only: Vec<RelPath>,
    },
    BackupDrill {
        #[schema(value_type = String)]
        backup_id: BackupId,
    },
    BackupPrune,
}

impl Wanted {
    /// The values of `kind`.
    pub const KINDS: [&'static str; 8] = [
        "upgrade",
        "downgrade",
        "rollback",
        "backup_create",
        "backup_verify",
        "backup_restore",
        "backup_drill",
        "backup_prune",
    ];

    pub fn is_update(&self) -> bool {
        matches!(
            self,
            Self::Upgrade { .. } | Self::Downgrade { .. } | Self::Rollback { .. }
        )
    }

    /// When it is to begin; none for at once.
    pub fn scheduled_time(&self) -> Option<Timestamp> {
        match self {
            Self::Upgrade { scheduled_time, .. } | Self::Downgrade { scheduled_time, .. } => *scheduled_time,
            _ => None,
        }
    }

    pub fn strategy(&self) -> UpgradeStrategy {
        match self {
            Self::Upgrade { strategy, .. } | Self::Downgrade { strategy, .. } => *strategy,
            _ => UpgradeStrategy::default(),
        }
    }

    /// Seconds in which the product may become quiet, where that is not as the policy says.
    pub fn graceful_timeout(&self) -> Option<u32> {
        match self {
            Self::Upgrade {
                graceful_timeout_seconds,
                ..
            }
            | Self::Downgrade {
                graceful_timeout_seconds,
                ..
            } => *graceful_timeout_seconds,
            _ => None,
        }
    }

    /// Neither warnings nor the calendar hold it back.
    pub fn is_forced(&self) -> bool {
        match self {
            Self::Upgrade { force, .. } | Self::Downgrade { force, .. } | Self::Rollback { force, .. } => *force,
            _ => false,
        }
    }

    /// Warnings do not hold it back.
    pub fn accepts_warnings(&self) -> bool {
        match self {
            Self::Upgrade { accept_warnings, .. }
            | Self::Downgrade { accept_warnings, .. }
            | Self::Rollback { accept_warnings, .. } => *accept_warnings || self.is_forced(),
            _ => false,
        }
    }

    /// In a few words, e.g. `upgrade to 0b1`.
    pub fn told(&self) -> String {
        match self {
            Self::Upgrade { target_version, .. } => format!("upgrade to {target_version}"),
            Self::Downgrade { target_version, .. } => format!("downgrade to {target_version}"),
            Self::Rollback { update_id, .. } => format!("roll back {update_id}"),
            Self::BackupCreate { .. } => "make a backup".to_owned(),
            Self::BackupVerify { backup_id } => format!("verify backup {backup_id}"),
            Self::BackupRestore { backup_id, .. } => format!("restore backup {backup_id}"),
            Self::BackupDrill { backup_id } => format!("drill backup {backup_id}"),
            Self::BackupPrune => "prune backups".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_are_those_that_are_kept() {
        let backup_id: BackupId = "backup_0b1_20260131_235959".parse().unwrap();
        let only = Vec::new();
        let all = [
            Wanted::BackupCreate { full: false },
            Wanted::BackupVerify {
                backup_id: backup_id.clone(),
            },
            Wanted::BackupRestore {
                backup_id: backup_id.clone(),
                only,
            },
            Wanted::BackupDrill { backup_id },
            Wanted::BackupPrune,
        ];
        let kept = all.map(|one| serde_json::to_value(one).unwrap()["kind"].clone());
        assert_eq!(
            kept,
            *Wanted::KINDS[3..]
                .iter()
                .map(|kind| serde_json::json!(kind))
                .collect::<Vec<_>>()
        );
        for kind in Wanted::KINDS {
            let unknown = serde_json::from_value::<Wanted>(serde_json::json!({"kind": kind}));
            let said = unknown.err().map(|e| e.to_string()).unwrap_or_default();
            assert!(!said.contains("unknown variant"), "{said}");
        }
    }
}
