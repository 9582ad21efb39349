//! The operator's policy: what may be installed, when, and what happens by itself (spec 000, "Upgrade Policy").

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Settings, SettingsError, Zone};
use crate::plan::{Calendar, Day, Exception, Hours, UpgradeStrategy};
use crate::version::{Bound, Channel, Constraint};

/// What may be installed and when, and what the planner is told of this installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The server upgrades by itself.
    pub auto_upgrade: bool,
    /// How often the server looks for something newer.
    #[serde(with = "crate::release::duration")]
    pub check_interval: Duration,
    /// How an update is begun whose request does not say.
    pub upgrade_strategy: UpgradeStrategy,
    /// So long the product may take to become quiet, or to end by itself, in a graceful update.
    #[serde(with = "crate::release::duration")]
    pub graceful_timeout: Duration,
    /// A command that ends with 0 once the product is quiet.
    pub quiet: Vec<String>,
    /// As `update_system.safety.rollback_on_failure` when absent.
    pub rollback_on_failure: Option<bool>,
    /// The least stable channel that an update chooses or passes through by itself.
    pub channel: Channel,
    pub version_constraints: VersionConstraints,
    /// The whole day when empty.
    pub allowed_hours: Vec<Hours>,
    pub blocked_days: Vec<Day>,
    /// The machine's when absent.
    pub time_zone: Option<Zone>,
    pub exceptions: Vec<Exception>,
    /// Why nothing may begin.
    pub freeze: Option<String>,
    pub when_missed: WhenMissed,
    /// Names this node in phased roll-outs; the host's name when absent.
    pub node: Option<String>,
    /// Facts by name, each the first line that a command prints.
    pub facts: BTreeMap<String, Vec<String>>,
}

/// Versions that may be installed at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionConstraints {
    pub min_version: Option<Bound>,
    pub max_version: Option<Bound>,
    pub exclude_versions: Vec<Constraint>,
}

/// What becomes of an update whose time has passed while nobody was there to begin it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenMissed {
    /// It begins when the calendar opens next.
    Run,
    #[default]
    Skip,
}

impl WhenMissed {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Skip => "skip",
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            auto_upgrade: false,
            check_interval: Duration::from_secs(5 * 60),
            upgrade_strategy: UpgradeStrategy::Immediate,
            graceful_timeout: Duration::from_secs(30),
            quiet: Vec::new(),
            rollback_on_failure: None,
            channel: Channel::Alpha,
            version_constraints: VersionConstraints::default(),
            allowed_hours: Vec::new(),
            blocked_days: Vec::new(),
            time_zone: None,
            exceptions: Vec::new(),
            freeze: None,
            when_missed: WhenMissed::Skip,
            node: None,
            facts: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// When updates may begin; the rules of its time zone are loaded with it.
    pub fn calendar(&self) -> Calendar {
        let zone = self.time_zone.as_ref().map(|zone| zone.rules().clone());
        Calendar {
            zone: zone.unwrap_or_else(Zone::of_this_machine),
            hours: self.allowed_hours.clone(),
            blocked: self.blocked_days.clone(),
            exceptions: self.exceptions.clone(),
            freeze: self.freeze.clone(),
        }
    }

    /// The time limits with their keys.
    pub(super) fn times(&self) -> [(&'static str, Duration); 2] {
        [
            ("policy.check_interval", self.check_interval),
            ("policy.graceful_timeout", self.graceful_timeout),
        ]
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let refuse = |key, value: &str, reason| {
            Err(SettingsError::NotPossible {
                key,
                value: value.to_owned(),
                reason,
            })
        };
        if let Some(text) = self.freeze.as_deref().filter(|text| is_a_switch(text)) {
            let reason = "it says why updates are frozen, and freezes them whatever it says; remove the key to lift it";
            return refuse("policy.freeze", text, reason);
        }
        if self.rollback_on_failure == Some(false) {
            let reason = "an update that fails is always undone; remove the key";
            return refuse("policy.rollback_on_failure", "false", reason);
        }
        if self.check_interval < SHORTEST_INTERVAL {
            let reason = "the repository is asked at most once a second";
            return refuse("policy.check_interval", &format!("{:?}", self.check_interval), reason);
        }
        if let Some(reason) = self.freeze.as_ref().filter(|reason| reason.trim().is_empty()) {
            let why = "a freeze needs its reason as text; remove the key, or set it to null, where there is none";
            return refuse("policy.freeze", reason, why);
        }
        Ok(())
    }
}

const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

impl Settings {
    /// What is late by more was missed: nobody was there, or the clock jumped.
    pub fn missed_after(&self) -> Duration {
        self.policy.check_interval + Duration::from_secs(60)
    }
}

/// What somebody writes who takes a reason for a switch.
fn is_a_switch(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    ["false", "no", "off", "0"].contains(&text.as_str())
}
