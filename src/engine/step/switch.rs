//! Points `current` at the new release, in one step that readers see wholly or not at all.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep};
use crate::disk;
use crate::engine::{Context, Layout, StepError, knows};
use crate::package::Staged;
use crate::plan::Step;

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    link: Option<PathBuf>,
}

fn prepare(cx: &Context<'_>, _: &Step) -> Result<Value, StepError> {
    match std::fs::read_link(cx.layout.current()) {
        Ok(link) => keep(&Before { link: Some(link) }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => keep(&Before { link: None }),
        Err(e) => Err(StepError::because("NL0314", &e)),
    }
}

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    let version = &cx.leg(step)?.to;
    let staged = Staged::check(&cx.layout.release(version)).map_err(|e| StepError::because("NL0306", &e))?;
    // Who finds out only when it starts has left the old release already.
    knows::refuse_unknown(cx.layout, staged.manifest())?;
    activate(cx.layout, &staged)?;
    Ok(format!("current -> {}", Layout::release_link(version).display()))
}

/// Only a tree that was checked against its manifest can become the active one.
fn activate(layout: &Layout, staged: &Staged) -> Result<(), StepError> {
    let link = Layout::release_link(&staged.manifest().version);
    disk::switch_link(&layout.current(), &link).map_err(|e| StepError::because("NL0314", &e))
}

fn undo(cx: &Context<'_>, _: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let current = cx.layout.current();
    let back = match before.link {
        Some(link) => disk::switch_link(&current, &link),
        None => disk::remove_file(&current),
    };
    back.map_err(|e| StepError::because("NL0314", &e))
}
