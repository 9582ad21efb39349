//! How an update ended, or where it waits: what the journal says, and what a fresh look at the installation finds.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::updating::{record, replay};
use super::{AppError, Installation, Result, verify};
use crate::engine::Stopped;
use crate::journal::{Course, Failure, Outcome, PauseReason};
use crate::plan::{Direction, Plan, StepKind};
use crate::store::{UpdateId, UpdateRecord};
use crate::version::Version;

/// How an update ended, after a fresh look at the installation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// `result`.
    #[schema(value_type = String)]
    pub kind: Cow<'static, str>,
    pub status: ReportStatus,
    #[schema(value_type = String)]
    pub update_id: UpdateId,
    #[schema(value_type = Option<String>, required = true)]
    pub from: Option<Version>,
    #[schema(value_type = String)]
    pub to: Version,
    /// The version that is in place now.
    #[schema(value_type = Option<String>, required = true)]
    pub installed: Option<Version>,
    /// Where the database is now, after an update of it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_level: Option<u32>,
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Name of the step that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_step: Option<StepKind>,
    /// What a fresh look found to be other than it should; empty when all is well.
    pub differences: Vec<String>,
    /// Folder with what the product wrote while the version ran that was then taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub set_aside: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    Completed,
    RolledBack,
    Paused,
    UndoFailed,
    CleanUpFailed,
}

impl Report {
    /// The code of how it ended; none for a success.
    pub fn code(&self) -> Option<&'static str> {
        match self.status {
            _ if !self.differences.is_empty() => Some("NL0327"),
            ReportStatus::Completed => None,
            ReportStatus::RolledBack => Some("NL0325"),
            ReportStatus::Paused => Some("NL0326"),
            ReportStatus::UndoFailed => Some("NL0324"),
            ReportStatus::CleanUpFailed => Some("NL0319"),
        }
    }
}

/// The same for one that somebody else has driven; refused while it runs, or after it died.
pub fn report(installation: &Installation, id: &UpdateId) -> Result<Report> {
    let update = record(installation, id)?;
    let state = replay(installation, &update)?;
    let stopped = match (state.course(), state.paused()) {
        (Course::Finished(outcome), _) => Stopped::Finished(outcome),
        (_, Some(reason)) => Stopped::Waiting(reason),
        _ => {
            let message = format!("update {id} has not come to its end; `netlink update watch` shows it as it goes on");
            return Err(AppError::said("NL0407", message));
        }
    };
    let rows = installation.store.journal(id, 0)?;
    let ended = rows.last().map_or(update.accepted_at, |row| row.time);
    let took = Duration::try_from(ended.duration_since(update.accepted_at)).unwrap_or_default();
    reported(installation, &update, stopped, took)
}

pub(super) fn reported(
    installation: &Installation,
    update: &UpdateRecord,
    stopped: Stopped,
    took: Duration,
) -> Result<Report> {
    let state = replay(installation, update)?;
    let (status, should_be) = match stopped {
        Stopped::Finished(Outcome::Completed) => (ReportStatus::Completed, Some(Some(update.plan.ends_at()))),
        Stopped::Finished(Outcome::RolledBack) => (ReportStatus::RolledBack, Some(update.plan.from())),
        Stopped::Waiting(PauseReason::Asked | PauseReason::ServerEnded) => (ReportStatus::Paused, None),
        Stopped::Waiting(PauseReason::UndoFailed) => (ReportStatus::UndoFailed, None),
        Stopped::Waiting(PauseReason::CleanUpFailed) => {
            (ReportStatus::CleanUpFailed, Some(Some(update.plan.ends_at())))
        }
    };
    let level = level_alone(&update.plan, stopped);
    let differences = match should_be {
        None => Vec::new(),
        Some(version) => verify::end_state_at(installation, version, level)?,
    };
    let failure = state.failure().cloned();
    Ok(Report {
        kind: "result".into(),
        status,
        update_id: update.id.clone(),
        from: update.plan.from().cloned(),
        to: update.plan.to().clone(),
        installed: installation.installed()?,
        schema_level: level,
        seconds: took.as_secs_f64(),
        failed_step: failure
            .as_ref()
            .and_then(|(step, _)| update.plan.step(*step))
            .map(|step| step.kind),
        failure: failure.map(|(_, failure)| failure),
        differences,
        set_aside: Some(installation.layout.set_aside(&update.id)).filter(|dir| dir.exists()),
    })
}

/// Where an update of the database alone has brought it.
fn level_alone(plan: &Plan, stopped: Stopped) -> Option<u32> {
    let moved = plan.legs().last().and_then(|leg| leg.schema);
    let moved = moved.filter(|_| plan.direction() == Direction::Schema)?;
    match stopped {
        Stopped::Finished(Outcome::RolledBack) => moved.from,
        Stopped::Finished(Outcome::Completed) => Some(moved.to),
        Stopped::Waiting(_) => None,
    }
}
