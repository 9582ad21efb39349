//! Packages of the operating system around the steps of an update: looked at and fetched while the old release runs, put in while it
//! is stopped, and put back as well as their tool can.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::engine::dependencies::{failed, of_the_machine, with_site};
use crate::engine::{Context, StepError, product};
use crate::migrate::deps::apt::{self, AptChange, Moves};
use crate::plan::{Direction, Step};
use crate::release::{DependencySpec, ReleaseManifest};

/// What was planned for each, by name, before anything was put in.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Before(Vec<(String, Vec<AptChange>)>);

fn moves(cx: &Context<'_>) -> Moves {
    match cx.plan.direction() {
        Direction::Down => Moves::AlsoDown,
        _ => Moves::Up,
    }
}

/// Where what the release before needs is kept: in its own tree, with which it goes.
fn kept_for_old(cx: &Context<'_>, step: &Step, spec: &DependencySpec) -> Result<PathBuf, StepError> {
    Ok(match &cx.leg(step)?.from {
        Some(from) => apt::kept_for(&cx.layout.release(from), spec),
        None => apt::kept_for(&cx.layout.undo(cx.id), spec),
    })
}

fn kept_for_new(cx: &Context<'_>, step: &Step, spec: &DependencySpec) -> Result<PathBuf, StepError> {
    Ok(apt::kept_for(&cx.layout.release(&cx.leg(step)?.to), spec))
}

pub fn look(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest) -> Result<Before, StepError> {
    let tree = cx.layout.release(&manifest.version);
    with_site((cx.layout, cx.settings), manifest, &tree, |site| {
        let mut all = Vec::new();
        for (spec, apt) in of_the_machine(manifest) {
            let kept = kept_for_new(cx, step, spec)?;
            let changes = apt::plan(site, apt, moves(cx), &kept).map_err(|e| failed(spec, &e))?;
            all.push((spec.name().to_owned(), changes));
        }
        Ok(Before(all))
    })
}

/// Fetches all that is put in, and all that is put back should it come to that.
pub fn fetch(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest) -> Result<Vec<String>, StepError> {
    let Before(planned) = look(cx, step, manifest)?;
    let tree = cx.layout.release(&manifest.version);
    with_site((cx.layout, cx.settings), manifest, &tree, |site| {
        let mut said = Vec::new();
        for ((spec, apt), (_, changes)) in of_the_machine(manifest).zip(&planned) {
            let before = kept_for_new(cx, step, spec)?;
            let kept = kept_for_old(cx, step, spec)?;
            let lost = apt::fetch(site, apt, (moves(cx), &before), &kept, changes).map_err(|e| failed(spec, &e))?;
            let lost = match lost.as_slice() {
                [] => String::new(),
                lost => format!(", no source has the installed {} any more", lost.join(", ")),
            };
            said.push(format!("{}: {} to change{lost}", spec.name(), changes.len()));
        }
        Ok(said)
    })
}

pub fn apply(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest) -> Result<Vec<String>, StepError> {
    let tree = cx.layout.release(&manifest.version);
    with_site((cx.layout, cx.settings), manifest, &tree, |site| {
        let mut said = Vec::new();
        for (spec, apt) in of_the_machine(manifest) {
            let kept = kept_for_new(cx, step, spec)?;
            apt::apply(site, apt, moves(cx), &kept).map_err(|e| failed(spec, &e))?;
            said.push(format!("{}: done", spec.name()));
        }
        Ok(said)
    })
}

pub fn restore(cx: &Context<'_>, step: &Step, before: &Before) -> Result<(), StepError> {
    if before.0.iter().all(|(_, changes)| changes.is_empty()) {
        return Ok(());
    }
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    let tree = cx.layout.release(&manifest.version);
    with_site((cx.layout, cx.settings), &manifest, &tree, |site| {
        for ((spec, apt), (_, changes)) in of_the_machine(&manifest).zip(&before.0) {
            let kept = kept_for_old(cx, step, spec)?;
            apt::restore(site, apt, &kept, changes).map_err(|e| failed(spec, &e))?;
        }
        Ok(())
    })
}

/// What was fetched for a way back that is not needed any more.
pub fn forget(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest) -> Result<(), StepError> {
    of_the_machine(manifest).try_for_each(|(spec, _)| {
        let kept = kept_for_old(cx, step, spec)?;
        disk::remove_tree(&kept).map_err(|e| StepError::because("NL0320", &e))
    })
}
