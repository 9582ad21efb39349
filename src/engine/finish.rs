//! What happens around the last journal entry: nothing half-made stays, and the log says how it went.

use std::io::Write;
use std::time::Duration;

use serde_json::json;

use super::Context;
use crate::disk;
use crate::fetch;
use crate::journal::{Event, Outcome};
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
    if let Event::Failed { failure, .. } | Event::UndoFailed { failure, .. } = event {
        line["message"] = json!(failure.message);
    }
    note(cx, &line);
}

pub fn note(cx: &Context<'_>, line: &serde_json::Value) {
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
