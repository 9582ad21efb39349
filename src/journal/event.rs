//! The entries of the journal.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::plan::StepId;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// The plan is stored; from here on a crash is resumed. Who accepted it has consented to these breaking changes.
    Accepted {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        consented_to: Vec<String>,
    },
    /// `undo` is all that undoing the step will need; it was gathered before anything was touched.
    Started {
        step: StepId,
        undo: Value,
    },
    /// `note` says in words what was done, for people.
    Succeeded {
        step: StepId,
        note: String,
    },
    Failed {
        step: StepId,
        failure: Failure,
    },
    /// The patch cannot be used; the step goes on with the whole package.
    FellBack {
        step: StepId,
        reason: String,
    },
    UndoStarted {
        step: StepId,
    },
    UndoFinished {
        step: StepId,
    },
    UndoFailed {
        step: StepId,
        failure: Failure,
    },
    /// Somebody asked for the way back before the point of commitment.
    Aborted {
        by: String,
    },
    Paused {
        reason: PauseReason,
    },
    Resumed {
        by: String,
    },
    /// The new version is proven and recorded; from here on there is only forward.
    Committed,
    Finished {
        outcome: Outcome,
    },
}

impl Event {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Started { .. } => "started",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::FellBack { .. } => "fell-back",
            Self::UndoStarted { .. } => "undo-started",
            Self::UndoFinished { .. } => "undo-finished",
            Self::UndoFailed { .. } => "undo-failed",
            Self::Aborted { .. } => "aborted",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Committed => "committed",
            Self::Finished { .. } => "finished",
        }
    }

    pub fn step(&self) -> Option<StepId> {
        match self {
            Self::Started { step, .. }
            | Self::Succeeded { step, .. }
            | Self::Failed { step, .. }
            | Self::FellBack { step, .. }
            | Self::UndoStarted { step }
            | Self::UndoFinished { step }
            | Self::UndoFailed { step, .. } => Some(*step),
            _ => None,
        }
    }
}

/// Why a step failed, in terms that a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// Stable code, `NL…`.
    pub code: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The last lines that the product or the command printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed,
    RolledBack,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Completed => "completed",
            Self::RolledBack => "rolled_back",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// The operator asked (Ctrl-C).
    Asked,
    /// The server was told to end; it goes on when it starts again.
    ServerEnded,
    /// A step could not be undone.
    UndoFailed,
    /// The new version runs, but tidying up after it failed.
    CleanUpFailed,
}
