//! What happens around the last journal entry: nothing half-made stays, and the log says how it went.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use crate::disk;
use crate::fetch;
use crate::journal::{Event, Outcome, State};
use crate::notify;
use crate::release::HookPoint;

#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
    #[error(transparent)]
    Downloads(#[from] fetch::FetchError),
}

/// Removes everything that only the running update needed. Repeatable.
pub fn tidy_up(cx: &Context<'_>, outcome: Outcome) -> Result<(), TidyError> {
    disk::remove_tree(&cx.layout.undo(cx.id))?;
    disk::remove_tree(&cx.layout.staging())?;
    disk::remove_tree(&cx.layout.lent())?;
    // What an update needed that went well is not needed again; what one that failed had of a download may be.
    let keep_for = match outcome {
        Outcome::Completed => Duration::ZERO,
        Outcome::RolledBack => cx.settings.download.keep_partial(),
    };
    fetch::forget(&cx.layout.downloads(), keep_for)?;
    if outcome == Outcome::RolledBack {
        // The way back is done; a hook that fails here changes nothing about that, so it is only logged.
        let payload = cx.hook_payload();
        if let Err(error) = notify::run(
            cx.layout.root(),
            HookPoint::Rollback,
            cx.hook(HookPoint::Rollback),
            &payload,
            cx.hook_limit(),
            &cx.layout.bounds_of_hook(HookPoint::Rollback),
        ) {
            note(cx, &json!({"kind": "hook-failed", "message": error.to_string()}));
        }
    }
    Ok(())
}

/// Writes the entry into `logs/update.log`. The journal is the truth; the log is for people and may miss a line.
pub fn log(cx: &Context<'_>, event: &Event) {
    let step = event.step().and_then(|id| cx.plan.step(id));
    let mut line =
        json!({"kind": event.name(), "step": step.map(|s| s.kind.name()), "phase": step.map(|s| s.kind.phase())});
    match event {
        Event::Failed { failure, .. } | Event::UndoFailed { failure, .. } => {
            line["code"] = json!(failure.code);
            line["message"] = json!(failure.message);
        }
        Event::FellBack { reason, .. } => line["message"] = json!(reason),
        Event::Paused { reason } => line["reason"] = json!(reason),
        Event::Aborted { by } => line["by"] = json!(by),
        Event::Finished { outcome } => end(cx, &mut line, *outcome),
        _ => {}
    }
    note(cx, &line);
}

/// From where to where, and how long that took since it was accepted.
fn end(cx: &Context<'_>, line: &mut Value, outcome: Outcome) {
    line["outcome"] = json!(outcome);
    line["from"] = json!(cx.plan.from());
    line["to"] = json!(cx.plan.to());
    let accepted = cx.store.update(cx.id).ok().flatten().map(|update| update.accepted_at);
    let seconds = accepted.map(|at| crate::clock::now().duration_since(at).as_secs_f64().max(0.0));
    line["seconds"] = json!(seconds);
}

/// Whose update from where to where it is, when somebody begins with it or goes on.
pub fn log_beginning(cx: &Context<'_>, state: &State) {
    let kind = if state.has_begun() { "goes-on" } else { "begun" };
    let mut line = json!({"kind": kind, "from": cx.plan.from(), "to": cx.plan.to()});
    if let Ok(Some(update)) = cx.store.update(cx.id) {
        line["verb"] = json!(update.verb.name());
        line["by"] = json!(update.accepted_by);
    }
    note(cx, &line);
}

pub fn note(cx: &Context<'_>, line: &Value) {
    let mut line = line.clone();
    line["time"] = json!(crate::clock::now());
    line["update_id"] = json!(cx.id.as_str());
    let (path, log) = (cx.layout.update_log(), &cx.settings.log);
    // A log that cannot begin anew is written on.
    let _ = disk::rotate_log(&path, log.update_log_size);
    if let Ok(mut file) = disk::append(&path) {
        // In one piece, so that lines of two processes never mix.
        let _ = file.write_all(format!("{line}\n").as_bytes());
    }
}
