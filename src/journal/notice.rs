//! What others are told of: the kinds of notices, and which entry of a journal is one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Event, Outcome};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NoticeKind {
    /// An update is stored and begins.
    UpdateAccepted,
    UpdatePaused,
    UpdateResumed,
    /// A step has failed; the way back begins, or tidying up waits.
    UpdateFailed,
    /// Somebody has asked for the way back.
    UpdateAborted,
    /// A step could not be undone: a person is needed.
    UpdateStuck,
    UpdateCompleted,
    UpdateRolledBack,
    /// An order to the server came to nothing.
    OrderRefused,
    /// A signed checkpoint of the audit, to be kept off this host.
    AuditCheckpoint,
    /// Somebody tries whether notices arrive.
    Test,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of notice; they are: {names}", names = names())]
pub struct NoticeKindError(String);

fn names() -> String {
    NoticeKind::ALL.map(NoticeKind::name).join(", ")
}

impl NoticeKind {
    pub const ALL: [Self; 11] = [
        Self::UpdateAccepted,
        Self::UpdatePaused,
        Self::UpdateResumed,
        Self::UpdateFailed,
        Self::UpdateAborted,
        Self::UpdateStuck,
        Self::UpdateCompleted,
        Self::UpdateRolledBack,
        Self::OrderRefused,
        Self::AuditCheckpoint,
        Self::Test,
    ];

    /// The notice that an entry of the journal is; none for the small steps between.
    pub fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Accepted { .. } => Some(Self::UpdateAccepted),
            Event::Paused { .. } => Some(Self::UpdatePaused),
            Event::Resumed { .. } => Some(Self::UpdateResumed),
            Event::Failed { .. } => Some(Self::UpdateFailed),
            Event::Aborted { .. } => Some(Self::UpdateAborted),
            Event::UndoFailed { .. } => Some(Self::UpdateStuck),
            Event::Finished {
                outcome: Outcome::Completed,
            } => Some(Self::UpdateCompleted),
            Event::Finished {
                outcome: Outcome::RolledBack,
            } => Some(Self::UpdateRolledBack),
            Event::Started { .. }
            | Event::Succeeded { .. }
            | Event::FellBack { .. }
            | Event::UndoStarted { .. }
            | Event::UndoFinished { .. }
            | Event::Committed => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::UpdateAccepted => "update.accepted",
            Self::UpdatePaused => "update.paused",
            Self::UpdateResumed => "update.resumed",
            Self::UpdateFailed => "update.failed",
            Self::UpdateAborted => "update.aborted",
            Self::UpdateStuck => "update.stuck",
            Self::UpdateCompleted => "update.completed",
            Self::UpdateRolledBack => "update.rolled-back",
            Self::OrderRefused => "order.refused",
            Self::AuditCheckpoint => "audit.checkpoint",
            Self::Test => "notify.test",
        }
    }

    /// Told also to a receiver that names no kinds: what becomes of updates and orders. Each change leaves a checkpoint, which only
    /// who keeps them wants.
    pub fn is_usual(self) -> bool {
        !matches!(self, Self::AuditCheckpoint | Self::Test)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for NoticeKind {
    type Err = NoticeKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| NoticeKindError(text.to_owned()))
    }
}

impl TryFrom<String> for NoticeKind {
    type Error = NoticeKindError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NoticeKind> for String {
    fn from(kind: NoticeKind) -> Self {
        kind.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name() {
        for kind in NoticeKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let wrong = "update.done".parse::<NoticeKind>().unwrap_err().to_string();
        assert!(wrong.contains("update.completed"), "{wrong}");
    }
}
