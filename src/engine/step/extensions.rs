//! Switches extensions off that the next release does not support, and on again that it does. An entry of a folder is moved out of it
//! and back; where the product has commands for it, they are run: those of the release before to switch off, of the new one to switch
//! on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep};
use crate::engine::extensions::{self, Disabled, FAILED, Place, disabled, failed_at, keep_disabled, switch, switch_of};
use crate::engine::{Context, StepError, product};
use crate::plan::{ExtensionChange, Step};
use crate::release::ReleaseManifest;
use crate::version::Version;
use crate::{clock, disk};

pub const OFF: Work = Work {
    prepare: prepare_off,
    apply: apply_off,
    undo: undo_off,
};

pub const ON: Work = Work {
    prepare: prepare_on,
    apply: apply_on,
    undo: undo_on,
};

/// What is switched, and which were off before.
#[derive(Serialize, Deserialize)]
struct Before {
    switched: Vec<Disabled>,
    disabled: Vec<Disabled>,
}

/// Beside the folder of extensions, where products do not look: `plugins.disabled/0b1/gallery-1.0`, with a number where that is taken.
fn free_place_aside(cx: &Context<'_>, entry: &Path, release: &Version) -> Result<PathBuf, StepError> {
    let mut folder = entry.parent().unwrap_or(Path::new("")).as_os_str().to_os_string();
    folder.push(".disabled");
    let name = entry.file_name().unwrap_or_default();
    let numbered = (2_u32..).map(|number| format!("{release}.{number}"));
    for of_release in std::iter::once(release.to_string()).chain(numbered) {
        let place = Path::new(&folder).join(of_release).join(name);
        if !is_there(cx, &place)? {
            return Ok(place);
        }
    }
    Err(StepError::new(
        FAILED,
        format!("there is no room aside for {}", entry.display()),
    ))
}

fn old(cx: &Context<'_>, step: &Step) -> Result<ReleaseManifest, StepError> {
    let leg = cx.leg(step)?;
    let missing = || StepError::new("NL0322", format!("the way to {} begins nowhere", leg.to));
    product::manifest(cx.layout, leg.from.as_ref().ok_or_else(missing)?)
}

fn prepare_off(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let manifest = old(cx, step)?;
    let leg = cx.leg(step)?;
    let found = extensions::found(cx.layout, &manifest)?;
    let mut switched = Vec::new();
    for change in &leg.extensions.disabled {
        let is_it =
            |one: &&extensions::Found| one.is_active && one.name == change.name && one.version == change.version;
        for one in found.iter().filter(is_it) {
            switched.push(Disabled {
                name: one.name.clone(),
                version: one.version.clone(),
                release: leg.to.clone(),
                because: change.because.clone(),
                by: cx.id.clone(),
                at: clock::now(),
                place: one.at.clone(),
                aside: match &one.at {
                    Place::Entry(entry) => Some(free_place_aside(cx, entry, &leg.to)?),
                    Place::Product => None,
                },
            });
        }
    }
    let disabled = disabled(cx.store)?;
    keep(&Before { switched, disabled })
}

fn apply_off(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let manifest = old(cx, step)?;
    for one in &before.switched {
        switch_off(cx, &manifest, one)?;
    }
    refuse_still_active(cx, &manifest, &cx.leg(step)?.extensions.disabled)?;
    let all = [before.disabled, before.switched.clone()].concat();
    keep_disabled(cx.store, &all)?;
    Ok(told(&before.switched, "not there any more"))
}

fn undo_off(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let manifest = old(cx, step)?;
    for one in &before.switched {
        switch_on(cx, &manifest, one)?;
    }
    keep_disabled(cx.store, &before.disabled)
}

fn prepare_on(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let disabled = disabled(cx.store)?;
    let wanted = &cx.leg(step)?.extensions.enabled;
    let is_wanted = |one: &&Disabled| {
        let is_it = |change: &ExtensionChange| change.name == one.name && change.version == one.version;
        wanted.iter().any(is_it)
    };
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    let mut switched = Vec::new();
    for one in disabled.iter().filter(is_wanted) {
        if can_be_switched_on(cx, &manifest, one)? {
            switched.push(one.clone());
        }
    }
    keep(&Before { switched, disabled })
}

/// What cannot be switched on again stays off, as `update status` tells: its entry is gone, another one is in its place, or the release
/// has no command for it.
fn can_be_switched_on(cx: &Context<'_>, manifest: &ReleaseManifest, one: &Disabled) -> Result<bool, StepError> {
    Ok(match (&one.place, &one.aside) {
        (Place::Entry(entry), Some(aside)) => is_there(cx, aside)? && !is_there(cx, entry)?,
        _ => switch_of(manifest, &one.name).is_some(),
    })
}

fn apply_on(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    for one in &before.switched {
        switch_on(cx, &manifest, one)?;
    }
    let mut still = before.disabled;
    still.retain(|one| !before.switched.contains(one));
    keep_disabled(cx.store, &still)?;
    Ok(told(&before.switched, "stays off"))
}

fn undo_on(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
    for one in &before.switched {
        switch_off(cx, &manifest, one)?;
    }
    keep_disabled(cx.store, &before.disabled)
}

fn told(switched: &[Disabled], none: &str) -> String {
    let names: Vec<String> = switched.iter().map(|one| one.name.to_string()).collect();
    if names.is_empty() {
        none.to_owned()
    } else {
        names.join(", ")
    }
}

fn switch_off(cx: &Context<'_>, manifest: &ReleaseManifest, one: &Disabled) -> Result<(), StepError> {
    match (&one.place, &one.aside) {
        (Place::Entry(entry), Some(aside)) => move_entry(cx, entry, aside),
        _ => match switch_of(manifest, &one.name) {
            Some(commands) => switch(
                cx.layout,
                manifest,
                &commands.disable,
                (&one.name, one.version.as_ref()),
            ),
            None => Err(StepError::new(
                FAILED,
                format!("{} has no command to disable {}", manifest.version, one.name),
            )),
        },
    }
}

fn switch_on(cx: &Context<'_>, manifest: &ReleaseManifest, one: &Disabled) -> Result<(), StepError> {
    match (&one.place, &one.aside) {
        (Place::Entry(entry), Some(aside)) => {
            move_entry(cx, aside, entry)?;
            // The folder of the release, and that of all.
            let folders = aside.ancestors().skip(1).take(2);
            let removed = folders.map(|folder| disk::remove_empty(&cx.layout.data().join(folder)));
            removed
                .collect::<Result<(), _>>()
                .map_err(|e| StepError::because(FAILED, &e))
        }
        _ => match switch_of(manifest, &one.name) {
            Some(commands) => switch(cx.layout, manifest, &commands.enable, (&one.name, one.version.as_ref())),
            None => Err(StepError::new(
                FAILED,
                format!("{} has no command to enable {}", manifest.version, one.name),
            )),
        },
    }
}

fn is_there(cx: &Context<'_>, entry: &Path) -> Result<bool, StepError> {
    match cx.layout.data().join(entry).symlink_metadata() {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed_at(entry, &e)),
    }
}

/// Both below `data/`. Done already where only the goal is there.
fn move_entry(cx: &Context<'_>, from: &Path, to: &Path) -> Result<(), StepError> {
    if !is_there(cx, from)? {
        return Ok(());
    }
    if is_there(cx, to)? {
        let data = cx.layout.data();
        let message = format!(
            "{} cannot be moved to {}: there is something already; remove one of both and try again",
            data.join(from).display(),
            data.join(to).display()
        );
        return Err(StepError::new(FAILED, message));
    }
    let (from, to) = (cx.layout.data().join(from), cx.layout.data().join(to));
    let moved = disk::create_dir_of(&to).and_then(|()| disk::rename(&from, &to));
    moved.map_err(|e| StepError::because(FAILED, &e))
}

/// A command may say that it has done what it has not.
fn refuse_still_active(
    cx: &Context<'_>,
    manifest: &ReleaseManifest,
    changes: &[ExtensionChange],
) -> Result<(), StepError> {
    let found = extensions::found(cx.layout, manifest)?;
    let is_active = |change: &&ExtensionChange| {
        let mut same = found
            .iter()
            .filter(|one| one.name == change.name && one.version == change.version);
        same.any(|one| one.is_active)
    };
    match changes.iter().find(is_active) {
        None => Ok(()),
        Some(change) => {
            let error = StepError::new(FAILED, format!("{} is not disabled", change.name));
            Err(error.expected("disabled, or not listed", "listed as in use"))
        }
    }
}
