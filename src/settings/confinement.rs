//! What hooks, notifiers and the commands of releases may change.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::release::HookPoint;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Confinement {
    pub enabled: bool,
    /// Beside the installation; relative to it unless absolute.
    pub writes: Vec<PathBuf>,
    /// Hooks that may change whatever their user may.
    pub unconfined_hooks: BTreeSet<HookPoint>,
    /// Bytes for each process; no limit when absent.
    pub memory: Option<u64>,
}

impl Default for Confinement {
    fn default() -> Self {
        Self {
            enabled: true,
            writes: Vec::new(),
            unconfined_hooks: BTreeSet::new(),
            memory: None,
        }
    }
}
