//! What doors show of a running update, in the one shape of INTERFACES.md ("Event").

use jiff::Timestamp;
use serde::Serialize;

use crate::clock;
use crate::engine::Progress;
use crate::journal::{Event, Outcome};
use crate::plan::{Phase, Plan};
use crate::store::{Row, UpdateId};

#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// Grows; progress carries that of the last journal entry.
    pub seq: i64,
    pub time: Timestamp,
    pub update_id: UpdateId,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ProgressView {
    pub done: u64,
    pub total: u64,
    pub unit: &'static str,
    /// Units a second of late, and seconds left at that speed; none before enough was seen to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

impl EventView {
    pub fn of_row(id: &UpdateId, plan: &Plan, row: &Row) -> Self {
        let step = row.event.step().and_then(|step| plan.step(step));
        Self {
            seq: row.seq,
            time: row.time,
            update_id: id.clone(),
            kind: row.event.name(),
            phase: step.map(|step| step.kind.phase()),
            step: step.map(|step| step.kind.name()),
            progress: None,
            message: message(&row.event),
        }
    }

    pub fn of_progress(
        id: &UpdateId,
        plan: &Plan,
        seq: i64,
        progress: Progress,
        (per_second, seconds_left): (Option<u64>, Option<u64>),
    ) -> Self {
        let step = plan.step(progress.step);
        let Progress { done, total, unit, .. } = progress;
        Self {
            seq,
            time: clock::now(),
            update_id: id.clone(),
            kind: "progress",
            phase: step.map(|step| step.kind.phase()),
            step: step.map(|step| step.kind.name()),
            progress: Some(ProgressView {
                done,
                total,
                unit,
                per_second,
                seconds_left,
            }),
            message: String::new(),
        }
    }
}

fn message(event: &Event) -> String {
    match event {
        Event::Succeeded { note, .. } => note.clone(),
        Event::Failed { failure, .. } | Event::UndoFailed { failure, .. } => failure.message.clone(),
        Event::Aborted { by } | Event::Resumed { by } => format!("by {by}"),
        Event::Finished {
            outcome: Outcome::Completed,
        } => "completed".into(),
        Event::Finished {
            outcome: Outcome::RolledBack,
        } => "rolled back".into(),
        Event::Accepted { consented_to } if !consented_to.is_empty() => {
            format!("with consent to breaking changes: {}", consented_to.join("; "))
        }
        Event::Accepted { .. }
        | Event::Started { .. }
        | Event::UndoStarted { .. }
        | Event::UndoFinished { .. }
        | Event::Paused { .. }
        | Event::Committed => String::new(),
    }
}
