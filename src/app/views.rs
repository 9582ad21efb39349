//! What doors show of a running update, in the one shape of INTERFACES.md ("Event").

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::engine::Progress;
use crate::journal::{Event, Outcome, WHOLE_PACKAGE_BECAUSE};
use crate::plan::{Phase, Plan, Step, StepKind};
use crate::store::{Row, UpdateId};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventView {
    /// Grows; progress carries that of the last journal entry.
    pub seq: i64,
    pub time: Timestamp,
    pub update_id: UpdateId,
    pub kind: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepKind>,
    /// How the release comes to this disk, where a download or a staging begins or falls back; the message says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressView {
    pub done: u64,
    pub total: u64,
    pub unit: Cow<'static, str>,
    /// Units a second of late, and seconds left at that speed; none before enough was seen to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

impl EventView {
    pub fn of_row(id: &UpdateId, plan: &Plan, row: &Row) -> Self {
        let step = row.event.step().and_then(|step| plan.step(step));
        let (strategy, reason) = strategy(plan, step, &row.event).unzip();
        Self {
            seq: row.seq,
            time: row.time,
            update_id: id.clone(),
            kind: row.event.name().into(),
            phase: step.map(|step| step.kind.phase()),
            step: step.map(|step| step.kind),
            strategy: strategy.map(Cow::Borrowed),
            progress: None,
            message: reason.unwrap_or_else(|| message(&row.event)),
        }
    }

    /// What is not in the journal: it concerns the update from outside.
    pub fn said(id: &UpdateId, seq: i64, kind: &'static str, message: String) -> Self {
        Self {
            seq,
            time: clock::now(),
            update_id: id.clone(),
            kind: kind.into(),
            phase: None,
            step: None,
            strategy: None,
            progress: None,
            message,
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
            kind: "progress".into(),
            phase: step.map(|step| step.kind.phase()),
            step: step.map(|step| step.kind),
            strategy: None,
            progress: Some(ProgressView {
                done,
                total,
                unit: unit.into(),
                per_second,
                seconds_left,
            }),
            message: String::new(),
        }
    }
}

/// The strategy of a download or staging that begins, or falls back, and the reason.
fn strategy(plan: &Plan, step: Option<&Step>, event: &Event) -> Option<(&'static str, String)> {
    let step = step.filter(|step| matches!(step.kind, StepKind::Download | StepKind::Stage))?;
    match event {
        Event::Started { undo, .. } => Some(
            match undo.get(WHOLE_PACKAGE_BECAUSE).and_then(|reason| reason.as_str()) {
                Some(reason) => ("full", reason.to_owned()),
                None => {
                    let strategy = &plan.legs().get(step.leg)?.strategy;
                    (strategy.name(), strategy.reason())
                }
            },
        ),
        Event::FellBack { reason, .. } => Some(("full", reason.clone())),
        _ => None,
    }
}

fn message(event: &Event) -> String {
    match event {
        Event::Succeeded { note, .. } => note.clone(),
        Event::Failed { failure, .. } | Event::UndoFailed { failure, .. } => failure.message.clone(),
        Event::FellBack { reason, .. } => reason.clone(),
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
