//! What a monitoring system wants to know: of each finished update once, of everything else as it is now.

use jiff::Timestamp;

use super::updating::replay;
use super::{AppError, Installation, Result, Running, list_backups, update};
use crate::engine::{self, Layout, LockState};
use crate::journal::{Event, Outcome, PauseReason};
use crate::plan::{Plan, StepKind, UpgradeStrategy};
use crate::store::{Counts, NoticeCounts, OrderRecord, OrderState, Row, UpdateRecord, Verb};
use crate::version::Version;
use crate::{clock, disk, target};

/// A finished update.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub number: i64,
    pub verb: Verb,
    pub strategy: UpgradeStrategy,
    pub outcome: Outcome,
    pub finished_at: Option<Timestamp>,
    /// Of each step that was done, with its seconds.
    pub steps: Vec<(&'static str, f64)>,
    /// Seconds from the stop of the product until it ran and was healthy; none when it was not stopped.
    pub downtime: Option<f64>,
}

/// What an update does that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    Running,
    /// Somebody, or the end of a server, has paused it.
    Paused,
    /// It could not be undone, or not tidied up: a person is needed.
    Stuck,
    /// Its process is gone, and nobody has taken it up.
    Died,
}

impl Unfinished {
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Stuck, Self::Died];

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stuck => "stuck",
            Self::Died => "died",
        }
    }
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Standing {
    pub installed: Option<Version>,
    /// Orders that wait for their turn, wait for their time, and are being done.
    pub waiting: usize,
    pub scheduled: usize,
    pub running: usize,
    pub unfinished: Option<Unfinished>,
    pub counts: Counts,
    pub maintenance: bool,
    /// When the newest whole backup was made, and the bytes of its files.
    pub backup: Option<(Timestamp, u64)>,
    /// When the first of the trusted metadata's documents expires.
    pub metadata_expires: Option<Timestamp>,
    /// To each receiver.
    pub notices: Vec<NoticeCounts>,
}

/// Updates that have finished after the one of this number, oldest first.
pub fn measured_after(installation: &Installation, number: i64) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for (number, update) in installation.store.history_after(number, 1000)? {
        let Some(outcome) = update.outcome else { break };
        let rows = installation.store.journal(&update.id, 0)?;
        measured.push(measure(number, &update, outcome, &rows));
    }
    Ok(measured)
}

fn measure(number: i64, update: &UpdateRecord, outcome: Outcome, rows: &[Row]) -> Measured {
    Measured {
        number,
        verb: update.verb,
        strategy: update.plan.begun(),
        outcome,
        finished_at: update.finished_at,
        steps: steps(&update.plan, rows),
        downtime: downtime(&update.plan, rows),
    }
}

/// Of a step that was begun more than once, its last try.
fn steps(plan: &Plan, rows: &[Row]) -> Vec<(&'static str, f64)> {
    let mut begun = None;
    let mut steps = Vec::new();
    for row in rows {
        match &row.event {
            Event::Started { step, .. } => begun = Some((*step, row.time)),
            Event::Succeeded { step, .. } => {
                let since = begun.take().filter(|(of, _)| of == step);
                if let Some(((_, at), step)) = since.zip(plan.step(*step)) {
                    steps.push((step.kind.name(), seconds(at, row.time)));
                }
            }
            _ => {}
        }
    }
    steps
}

fn downtime(plan: &Plan, rows: &[Row]) -> Option<f64> {
    let kind = |row: &Row| row.event.step().and_then(|step| plan.step(step)).map(|step| step.kind);
    let stopped = rows
        .iter()
        .find(|row| kind(row) == Some(StepKind::Stop) && matches!(row.event, Event::Started { .. }))?;
    let up_again = |row: &&Row| {
        matches!(
            (&row.event, kind(row)),
            (Event::Succeeded { .. }, Some(StepKind::Health))
                | (Event::UndoFinished { .. }, Some(StepKind::Stop))
                | (Event::Finished { .. }, _)
        )
    };
    let after = rows.iter().filter(|row| row.seq > stopped.seq);
    let up = after.into_iter().find(up_again)?;
    Some(seconds(stopped.time, up.time))
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

/// What can be told; what cannot is left out.
pub fn standing(installation: &Installation) -> Result<Standing> {
    let backups = list_backups(installation, None).unwrap_or_default();
    let newest = backups.iter().find_map(|listed| listed.record());
    let (orders, now) = (installation.store.open_orders()?, clock::now());
    let count = |is: fn(&OrderRecord, Timestamp) -> bool| orders.iter().filter(|order| is(order, now)).count();
    Ok(Standing {
        installed: installation.installed()?,
        waiting: count(|order, now| order.state == OrderState::Waiting && order.is_due(now)),
        scheduled: count(|order, now| order.state == OrderState::Waiting && !order.is_due(now)),
        running: count(|order, _| order.state == OrderState::Running),
        unfinished: unfinished(installation)?,
        counts: installation.store.counts()?,
        maintenance: installation.layout.maintenance().exists(),
        backup: newest.map(|record| (record.created, record.size)),
        metadata_expires: first_expiry(&installation.layout),
        notices: installation.store.notice_counts()?,
    })
}

fn unfinished(installation: &Installation) -> Result<Option<Unfinished>> {
    let Some(id) = installation.store.unfinished()? else {
        return Ok(None);
    };
    Ok(match update(installation, &id)?.running {
        Running::Running { .. } => Some(Unfinished::Running),
        Running::Died => Some(Unfinished::Died),
        Running::Waiting { reason } => Some(match reason {
            PauseReason::Asked | PauseReason::ServerEnded => Unfinished::Paused,
            PauseReason::UndoFailed | PauseReason::CleanUpFailed => Unfinished::Stuck,
        }),
        // It has just ended.
        Running::Finished { .. } => None,
    })
}

const METADATA_LIMIT: u64 = 64 << 20;

/// The documents that expire.
pub const METADATA: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];

pub fn first_expiry(layout: &Layout) -> Option<Timestamp> {
    let expires = |role: &str| -> Option<Timestamp> {
        let text = disk::read_limited(&layout.metadata(role), METADATA_LIMIT).ok()?;
        let document: serde_json::Value = serde_json::from_slice(&text).ok()?;
        document.pointer("/signed/expires")?.as_str()?.parse().ok()
    };
    METADATA.into_iter().filter_map(expires).min()
}

/// Notices that did not arrive and are tried no more, as long as they are remembered.
pub fn given_up(installation: &Installation) -> Result<Option<String>> {
    let counts = installation.store.notice_counts()?;
    let dead: u64 = counts.iter().map(|one| one.dead).sum();
    let what = match dead {
        0 => return Ok(None),
        1 => "a notice was".to_owned(),
        more => format!("{more} notices were"),
    };
    let remedy = "`netlink notify list` says why, `netlink notify retry` tries again";
    Ok(Some(format!("{what} given up before reaching a receiver; {remedy}")))
}

/// Why the installation is not as it should be, whose metadata expires then; empty when it is.
pub fn not_ready(installation: &Installation, expires: Option<Timestamp>) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    if let Some(id) = installation.store.unfinished()? {
        let update = installation.store.update(&id)?;
        let paused = update.map(|update| replay(installation, &update)).transpose()?;
        let paused = paused.and_then(|state| state.paused());
        match engine::look_at_lock(&installation.layout)? {
            LockState::Free => reasons.push(format!("update {id} is not finished and nobody is at it")),
            LockState::Held(_) if paused.is_some() => reasons.push(format!("update {id} waits")),
            LockState::Held(_) => {}
        }
    }
    let failed = |e| AppError::below("NL0315", &e);
    let root = installation.layout.root();
    let desired = target::is_desired(root).map_err(failed)?;
    let status = target::status(root).map_err(failed)?;
    if desired && !matches!(status, target::Status::Running { .. }) && installation.store.unfinished()?.is_none() {
        reasons.push("the product should run and does not".to_owned());
    }
    let now = clock::now();
    if expires.is_some_and(|expires| expires <= now) {
        reasons.push("the repository's metadata has expired; the next check fetches it anew".to_owned());
    }
    Ok(reasons)
}
