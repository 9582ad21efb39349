//! What is installed, what runs, what waits, what went wrong.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::background::left_for_background;
use super::updating::{record, replay_to};
use super::{AppError, BY_ITSELF, Installation, OrderView, Result, orders, queue};
use crate::engine::extensions::{Disabled, waiting};
use crate::engine::{self, LockState, Owner};
use crate::journal::{Course, Failure, Outcome, PauseReason, StepState};
use crate::plan::{StepKind, UpgradeStrategy};
use crate::store::{Fact, OneView, OrderState, UpdateId, UpdateRecord, Verb};
use crate::target;
use crate::version::{Channel, Scheme, Version};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    pub product: String,
    #[schema(value_type = Option<String>, required = true)]
    pub current_version: Option<Version>,
    #[schema(required = true)]
    pub channel: Option<Channel>,
    #[schema(value_type = String)]
    pub netlink: Cow<'static, str>,
    #[schema(value_type = String)]
    pub root: std::path::PathBuf,
    #[schema(required = true)]
    pub repository: Option<String>,
    /// Releases on disk besides the active one.
    #[schema(value_type = Vec<String>)]
    pub kept: Vec<Version>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub last_updated: Option<Timestamp>,
}

pub fn version(installation: &Installation) -> Result<VersionView> {
    let current_version = installation.installed()?;
    let file = engine::VersionFile::read(&installation.layout.version_file())
        .ok()
        .flatten();
    let dirs = super::repository::release_dirs(installation)?;
    let on_disk = dirs.iter().filter_map(|dir| dir.file_name()?.to_str()?.parse().ok());
    let mut kept: Vec<Version> = on_disk
        .filter(|version| Some(version) != current_version.as_ref())
        .collect();
    kept.sort();
    Ok(VersionView {
        product: installation.product()?.to_string(),
        channel: current_version.as_ref().map(Version::channel),
        current_version,
        netlink: crate::VERSION.into(),
        root: installation.layout.root().to_path_buf(),
        repository: installation.store.fact(Fact::Repository)?,
        kept,
        last_updated: file.map(|file| file.last_updated),
    })
}

/// What an unfinished update is doing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Running {
    /// A process holds the lock and works.
    Running {
        #[schema(required = true)]
        owner: Option<Owner>,
    },
    /// Nobody holds the lock: the process that worked on it is gone. `resume` finishes or undoes it.
    Died,
    Waiting {
        reason: PauseReason,
    },
    Finished {
        outcome: Outcome,
    },
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UpdateView {
    #[schema(value_type = String)]
    pub update_id: UpdateId,
    pub verb: Verb,
    pub strategy: UpgradeStrategy,
    #[schema(value_type = Option<String>, required = true)]
    pub from: Option<Version>,
    #[schema(value_type = String)]
    pub to: Version,
    #[schema(value_type = String, format = DateTime)]
    pub accepted_at: Timestamp,
    pub accepted_by: String,
    /// The breaking changes that who accepted it consented to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consented_to: Vec<String>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub finished_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub finalized_at: Option<Timestamp>,
    /// When the soak time ends, after which the next change finalizes it; absent where no release before is kept for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finalizes_at: Option<Timestamp>,
    #[serde(flatten)]
    pub running: Running,
    /// `forward`, `backward`, `committed` or `finished`.
    #[schema(value_type = String)]
    pub course: Cow<'static, str>,
    /// The newest entry of its journal; its events go on after that.
    pub seq: i64,
    pub steps: Vec<StepView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_step: Option<StepKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted_by: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    pub step: StepKind,
    #[schema(value_type = String)]
    pub release: Version,
    /// `pending`, `started`, `succeeded`, `failed`, `undo-started`, `undone` or `undo-failed`.
    #[schema(value_type = String)]
    pub state: Cow<'static, str>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct StatusView {
    #[schema(value_type = Option<String>, required = true)]
    pub current_version: Option<Version>,
    pub maintenance: bool,
    /// Of the product's process: `state`, and what belongs to that.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    pub product: target::Status,
    /// Migrations that wait for `netlink schema migrate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations_left: Vec<String>,
    /// Extensions that updates have switched off, until a release supports them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<std::collections::BTreeMap<String, serde_json::Value>>)]
    pub disabled_extensions: Vec<Disabled>,
    /// What waits for its turn or its time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<OrderView>,
    /// Updates of the last day that began by the clock or by themselves and were refused, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<OrderView>,
    /// What a trial could not tidy up on the database's server; the next update does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_beside: Option<String>,
    /// The unfinished update, else the last one.
    #[schema(required = true)]
    pub update: Option<UpdateView>,
}

/// Of the installation, and of one update: the named one, else the unfinished, else the last.
pub fn status(installation: &Installation, id: Option<&UpdateId>) -> Result<StatusView> {
    let update = Moment::of(installation)?.named_or_last(id)?;
    Ok(StatusView {
        current_version: installation.installed()?,
        maintenance: installation.layout.maintenance().exists(),
        product: target::status(installation.layout.root()).map_err(|e| AppError::below("NL0315", &e))?,
        migrations_left: left_for_background(installation)?,
        disabled_extensions: waiting(&installation.layout, &installation.store)?,
        queue: queue(installation)?,
        refused: refused(installation)?,
        left_beside: installation.store.fact(Fact::LeftBeside)?.filter(|why| !why.is_empty()),
        update,
    })
}

/// Those that nobody has waited for.
fn refused(installation: &Installation) -> Result<Vec<OrderView>> {
    let unattended = |view: &OrderView| {
        view.state == OrderState::Refused && (view.scheduled_time.is_some() || view.ordered_by == BY_ITSELF)
    };
    Ok(orders(installation)?.into_iter().filter(unattended).collect())
}

/// An update, its journal and who is at work change while they are looked at, and are told as of one moment.
struct Moment<'a> {
    installation: &'a Installation,
    /// Looked at before the journal is read: who has finished in between was at work then.
    lock: LockState,
    _read: OneView<'a>,
}

impl<'a> Moment<'a> {
    fn of(installation: &'a Installation) -> Result<Self> {
        Ok(Self {
            lock: engine::look_at_lock(&installation.layout)?,
            _read: installation.store.one_view()?,
            installation,
        })
    }

    fn named_or_last(&self, id: Option<&UpdateId>) -> Result<Option<UpdateView>> {
        let update = match id {
            Some(id) => Some(record(self.installation, id)?),
            None => last(self.installation)?,
        };
        update.map(|update| view(self, update)).transpose()
    }

    /// Of an update that has neither finished nor waits.
    fn unfinished(&self) -> Result<Running> {
        let lock = match &self.lock {
            // Somebody may have begun in between.
            LockState::Free => engine::look_at_lock(&self.installation.layout)?,
            held => held.clone(),
        };
        Ok(match lock {
            LockState::Held(owner) => Running::Running { owner },
            LockState::Free => Running::Died,
        })
    }
}

fn last(installation: &Installation) -> Result<Option<UpdateRecord>> {
    match installation.store.unfinished()? {
        Some(id) => record(installation, &id).map(Some),
        None => Ok(installation.store.history(1)?.pop()),
    }
}

/// One update by its id.
pub fn update(installation: &Installation, id: &UpdateId) -> Result<UpdateView> {
    let moment = Moment::of(installation)?;
    view(&moment, record(installation, id)?)
}

/// Newest first.
pub fn history(installation: &Installation, limit: u32) -> Result<Vec<UpdateView>> {
    let moment = Moment::of(installation)?;
    let updates = installation.store.history(limit)?;
    updates.into_iter().map(|update| view(&moment, update)).collect()
}

/// Newest first, those before `number`; and the number to go on from, if there are more.
pub fn history_page(installation: &Installation, number: i64, limit: u32) -> Result<(Vec<UpdateView>, Option<i64>)> {
    let moment = Moment::of(installation)?;
    let mut found = installation.store.history_before(number, limit.saturating_add(1))?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().map(|(number, _)| *number).filter(|_| more);
    let views = found.into_iter().map(|(_, update)| view(&moment, update));
    Ok((views.collect::<Result<_>>()?, next))
}

/// What failed in an update: the named one, else the last that failed or was turned back.
pub fn why(installation: &Installation, id: Option<&UpdateId>) -> Result<UpdateView> {
    let moment = Moment::of(installation)?;
    if let Some(id) = id {
        return view(&moment, record(installation, id)?);
    }
    let mut last = None;
    for update in installation.store.history(50)? {
        let seen = view(&moment, update)?;
        if seen.failure.is_some() || seen.aborted_by.is_some() {
            return Ok(seen);
        }
        last.get_or_insert(seen);
    }
    last.ok_or(AppError::NoUpdateYet)
}

fn view(moment: &Moment<'_>, update: UpdateRecord) -> Result<UpdateView> {
    let installation = moment.installation;
    let (state, seq) = replay_to(installation, &update)?;
    let running = match (state.course(), state.paused()) {
        (Course::Finished(outcome), _) => Running::Finished { outcome },
        (_, Some(reason)) => Running::Waiting { reason },
        _ => moment.unfinished()?,
    };
    let steps = update
        .plan
        .steps()
        .iter()
        .zip(state.steps())
        .map(|(step, state)| StepView {
            step: step.kind,
            release: update.plan.legs()[step.leg].to.clone(),
            state: name_of(state).into(),
        });
    let failure = state.failure().cloned();
    Ok(UpdateView {
        verb: update.verb,
        strategy: update.plan.begun(),
        from: update.plan.from().cloned(),
        to: update.plan.to().clone(),
        accepted_at: update.accepted_at,
        accepted_by: update.accepted_by.clone(),
        consented_to: update.plan.notes().consents(),
        finished_at: update.finished_at,
        finalized_at: update.finalized_at,
        finalizes_at: finalizes_at(installation, &update),
        running,
        seq,
        course: match state.course() {
            Course::Forward => "forward",
            Course::Backward => "backward",
            Course::Committed => "committed",
            Course::Finished(_) => "finished",
        }
        .into(),
        steps: steps.collect(),
        failed_step: failure
            .as_ref()
            .and_then(|(step, _)| update.plan.step(*step))
            .map(|step| step.kind),
        failure: failure.map(|(_, failure)| failure),
        aborted_by: state.aborted_by().map(str::to_owned),
        update_id: update.id,
    })
}

fn finalizes_at(installation: &Installation, update: &UpdateRecord) -> Option<Timestamp> {
    let is_kept = update.outcome == Some(Outcome::Completed) && update.finalized_at.is_none();
    let finished = update.finished_at.filter(|_| is_kept && update.plan.from().is_some())?;
    finished.checked_add(installation.settings.behavior.soak).ok()
}

fn name_of(state: &StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Started { .. } => "started",
        StepState::Succeeded => "succeeded",
        StepState::Failed => "failed",
        StepState::UndoStarted => "undo-started",
        StepState::Undone => "undone",
        StepState::UndoFailed => "undo-failed",
    }
}
