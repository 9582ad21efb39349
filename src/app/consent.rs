//! What an operator has to agree to before an update that asks for it may begin.

use std::collections::BTreeSet;

use super::{AppError, Result};
use crate::plan::{Concern, PlanNotes};

/// What the operator has agreed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// All breaking changes on the way.
    pub breaking: bool,
    /// Ids of the blocking notes that were read and seen to.
    pub acknowledged: BTreeSet<String>,
}

impl Consent {
    /// Blocking notes that are still to be acknowledged.
    pub fn missing<'a>(&'a self, notes: &'a PlanNotes) -> impl Iterator<Item = &'a Concern> {
        notes.blocking().filter(|note| !self.acknowledged.contains(&note.id))
    }

    /// Refuses what the plan asks for and was not agreed to.
    pub(super) fn covers(&self, notes: &PlanNotes) -> Result<()> {
        if !self.breaking && !notes.breaking.is_empty() {
            let told: Vec<String> = notes.breaking.iter().map(ToString::to_string).collect();
            let message = format!(
                "there are breaking changes on the way, which need consent (`--accept-breaking`, `accept_breaking`): {}",
                told.join("; ")
            );
            return Err(AppError::said("NL0113", message));
        }
        let missing: Vec<String> = self
            .missing(notes)
            .map(|note| format!("`{}`: {note}", note.id))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "there are notes on the way that must be acknowledged, each by its id (`--acknowledge ID`, `acknowledge`): {}",
            missing.join("; ")
        );
        Err(AppError::said("NL0114", message))
    }
}
