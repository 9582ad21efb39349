//! Migrates the configuration files. The text before the step is kept; both directions and every repetition start from it.

mod outcome;
mod preview;
mod sealed;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep};
use crate::engine::{Context, StepError, product};
use crate::plan::{Leg, Step};
use crate::release::{ConfigSpec, RelPath};
use crate::{disk, package};

pub use outcome::{MIGRATIONS, OpenConflict};
use outcome::{Refused, Way, files, outcome};
pub use preview::{ConfigChange, preview_config};

pub const WORK: Work = Work { prepare, apply, undo };

#[derive(Serialize, Deserialize)]
struct Before {
    files: Vec<FileBefore>,
}

#[derive(Serialize, Deserialize)]
struct FileBefore {
    file: RelPath,
    existed: bool,
}

/// The way of this leg, with the trees of its releases in their places.
pub fn way<'a>(cx: &Context<'a>, leg: &'a Leg) -> Way<'a> {
    Way {
        layout: cx.layout,
        store: cx.store,
        settings: &cx.settings.config,
        direction: cx.plan.direction(),
        leg,
        tree: cx.layout.release(&leg.to),
        left: leg.from.as_ref().map(|from| cx.layout.release(from)),
    }
}

/// Tries all files of a leg on copies, and says what was tried. A text that is refused is left beside its file for the operator to
/// look at, and is the only thing written.
pub fn trial(cx: &Context<'_>, leg: &Leg) -> Result<Vec<String>, StepError> {
    let way = way(cx, leg);
    let copies = copies(cx);
    let mut said = Vec::new();
    for spec in files(&way)? {
        let path = place(cx, &spec.file);
        let copy = spec.file.under(&copies);
        let failed = |e: disk::DiskError| StepError::because("NL0307", &e);
        disk::create_dir_of(&copy).map_err(failed)?;
        if path.exists() {
            let bytes = disk::read_limited(&path, product::CONFIG_LIMIT).map_err(failed)?;
            let now = outcome(&way, &spec, &bytes).map_err(|refused| left_beside(&path, refused))?;
            disk::replace_content(&copy, &now.bytes, &path).map_err(failed)?;
            said.push(format!("configuration {}", spec.file));
            said.extend(now.notes);
        } else {
            let default = spec.file.under(&way.tree.join(package::CONFIG_DEFAULTS));
            if default.exists() {
                disk::copy_file(&default, &copy).map_err(failed)?;
            }
        }
    }
    let manifest = product::manifest(cx.layout, &leg.to)?;
    if let Some(check) = &manifest.config_check {
        product::check_config(cx.layout, &manifest, check, &copies)?;
        said.push("checked by the product".into());
    }
    Ok(said)
}

/// Where files lie as a trial has made them.
pub fn copies(cx: &Context<'_>) -> PathBuf {
    cx.layout.staging().join("trial").join("config")
}

fn left_beside(path: &std::path::Path, refused: Refused) -> StepError {
    let Some(text) = refused.text else { return refused.error };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".netlink-new");
    let beside = path.with_file_name(name);
    if let Err(e) = disk::replace_content(&beside, text.as_bytes(), path) {
        return StepError::because("NL0307", &e);
    }
    let failure = refused.error.into_failure();
    let message = format!("{}; what it came to is in {}", failure.message, beside.display());
    match failure.code.as_str() {
        "NL0332" => StepError::new("NL0332", message),
        _ => StepError::new("NL0312", message),
    }
}

fn kept(cx: &Context<'_>, step: &Step, file: &RelPath) -> PathBuf {
    file.under(&cx.layout.undo(cx.id).join(step.id.0.to_string()))
}

/// What this step has made of the file.
fn made(cx: &Context<'_>, step: &Step, file: &RelPath) -> PathBuf {
    file.under(&cx.layout.undo(cx.id).join(format!("{}-made", step.id.0)))
}

/// Where the file really lies: an operator's symbolic link stays one.
fn place(cx: &Context<'_>, file: &RelPath) -> PathBuf {
    disk::followed(&file.under(&cx.layout.config()))
}

/// The operator may have edited the file since the update began, while it waited or its machine was down. What is neither from
/// before the step nor of its own making is kept beside it.
fn keep_edited(cx: &Context<'_>, step: &Step, file: &RelPath) -> Result<(), StepError> {
    let failed = |e| StepError::because("NL0312", &e);
    let path = place(cx, file);
    if !path.exists() {
        return Ok(());
    }
    let live = disk::read_limited(&path, product::CONFIG_LIMIT).map_err(failed)?;
    let known = [kept(cx, step, file), made(cx, step, file)];
    let is_known = |path: &PathBuf| disk::read_limited(path, product::CONFIG_LIMIT).is_ok_and(|text| text == live);
    if known.iter().any(is_known) {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".edited-during-{}", cx.id));
    disk::copy_file(&path, &path.with_file_name(name)).map_err(failed)
}

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let mut before = Before { files: Vec::new() };
    for ConfigSpec { file, .. } in files(&way(cx, cx.leg(step)?))? {
        let path = place(cx, &file);
        let existed = path.exists();
        if existed {
            let copy = kept(cx, step, &file);
            let copied = disk::create_dir_of(&copy).and_then(|()| disk::copy_file(&path, &copy));
            copied.map_err(|e| StepError::because("NL0312", &e))?;
        }
        before.files.push(FileBefore { file, existed });
    }
    keep(&before)
}

fn apply(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let leg = cx.leg(step)?;
    let manifest = product::manifest(cx.layout, &leg.to)?;
    let specs = files(&way(cx, leg))?;
    let mut said = Vec::new();
    for FileBefore { file, existed } in &before.files {
        let spec = specs.iter().find(|spec| spec.file == *file);
        let changed = match (existed, spec) {
            (true, Some(spec)) => migrate_file(cx, step, leg, spec)?,
            (false, _) if manifest.config_file(file).is_some() => bring_default(cx, step, leg, file)?,
            _ => None,
        };
        said.extend(changed);
    }
    Ok(if said.is_empty() {
        "unchanged".into()
    } else {
        said.join(", ")
    })
}

fn migrate_file(cx: &Context<'_>, step: &Step, leg: &Leg, spec: &ConfigSpec) -> Result<Option<String>, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0312", e);
    let file = &spec.file;
    let copy = kept(cx, step, file);
    let bytes = disk::read_limited(&copy, product::CONFIG_LIMIT).map_err(|e| failed(&e))?;
    let way = way(cx, leg);
    let now = outcome(&way, spec, &bytes)?;
    for (version, inverse) in &now.inverses {
        sealed::keep(&way, version, file, inverse)?;
    }
    let mut said = now.notes;
    if now.bytes != bytes {
        keep_edited(cx, step, file)?;
        let made = made(cx, step, file);
        disk::create_dir_of(&made).map_err(|e| failed(&e))?;
        disk::replace_content(&made, &now.bytes, &copy).map_err(|e| failed(&e))?;
        disk::replace_file(&made, &place(cx, file)).map_err(|e| failed(&e))?;
        said.insert(0, format!("{file} migrated"));
    }
    Ok((!said.is_empty()).then(|| said.join(", ")))
}

/// A file that the operator does not have yet comes with the release's default.
fn bring_default(cx: &Context<'_>, step: &Step, leg: &Leg, file: &RelPath) -> Result<Option<String>, StepError> {
    let default = file.under(&cx.layout.release(&leg.to).join(package::CONFIG_DEFAULTS));
    let (made, place) = (made(cx, step, file), place(cx, file));
    let copied = disk::create_dir_of(&made)
        .and_then(|()| disk::copy_file(&default, &made))
        .and_then(|()| disk::create_dir_of(&place));
    copied.map_err(|e| StepError::because("NL0312", &e))?;
    keep_edited(cx, step, file)?;
    disk::replace_file(&made, &place).map_err(|e| StepError::because("NL0312", &e))?;
    Ok(Some(format!("{file} created")))
}

fn undo(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    for FileBefore { file, existed } in &before.files {
        // The step writes down what it makes before it puts it in place: without that it has touched nothing.
        if !made(cx, step, file).exists() {
            continue;
        }
        keep_edited(cx, step, file)?;
        let place = place(cx, file);
        let restored = if *existed {
            disk::replace_file(&kept(cx, step, file), &place)
        } else {
            disk::remove_file(&place)
        };
        restored.map_err(|e| StepError::because("NL0312", &e))?;
    }
    Ok(())
}
