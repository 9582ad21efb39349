//! Migrates the configuration files. The text before the step is kept; both directions and every repetition start from it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep};
use crate::engine::{Context, StepError, product};
use crate::migrate::config::{self, Inverse, Migrations};
use crate::plan::{Direction, Leg, Step};
use crate::release::RelPath;
use crate::{disk, package};

pub const WORK: Work = Work { prepare, apply, undo };

/// Folder of configuration migrations below a release tree.
const MIGRATIONS: &str = "config/migrations";

#[derive(Serialize, Deserialize)]
struct Before {
    files: Vec<FileBefore>,
}

#[derive(Serialize, Deserialize)]
struct FileBefore {
    file: RelPath,
    existed: bool,
}

/// A file's text after the migration, and how to take each version's part back.
pub struct Migrated {
    pub text: String,
    pub inverses: Vec<(crate::version::Version, Inverse)>,
}

/// Only these can be migrated; a file of another kind is brought by the first release that has it, and then kept.
pub fn is_toml(file: &RelPath) -> bool {
    file.as_str().ends_with(".toml")
}

/// Files of the release that is left and of the one that comes.
pub fn files(cx: &Context<'_>, leg: &Leg) -> Result<Vec<RelPath>, StepError> {
    let mut files: BTreeSet<RelPath> = product::manifest(cx.layout, &leg.to)?.config.into_iter().collect();
    if let Some(from) = &leg.from {
        files.extend(product::manifest(cx.layout, from)?.config);
    }
    Ok(files.into_iter().collect())
}

/// What the leg makes of the file's text; pure but for reading migrations and kept inverses.
pub fn migrated(cx: &Context<'_>, leg: &Leg, file: &RelPath, text: &str) -> Result<Migrated, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0312", e);
    let mut now = Migrated {
        text: text.to_owned(),
        inverses: Vec::new(),
    };
    let Some(from) = &leg.from else { return Ok(now) };
    if cx.plan.direction() == Direction::Down {
        for (version, inverse) in cx
            .store
            .config_inverses(file.as_str())
            .map_err(|e| failed(&e))?
            .iter()
            .rev()
        {
            if *version > leg.to && version <= from {
                let inverse: Inverse = serde_json::from_str(inverse).map_err(|e| failed(&e))?;
                now.text = config::invert(&now.text, &inverse).map_err(|e| failed(&e))?;
            }
        }
        return Ok(now);
    }
    let migrations = Migrations::load(&cx.layout.release(&leg.to).join(MIGRATIONS)).map_err(|e| failed(&e))?;
    for migration in migrations.between(from, &leg.to) {
        if let Some(ops) = migration.ops_for(file) {
            let (text, inverse) = config::apply(&now.text, ops).map_err(|e| failed(&e))?;
            now.text = text;
            now.inverses.push((migration.version.clone(), inverse));
        }
    }
    Ok(now)
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
    for file in files(cx, cx.leg(step)?)? {
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
    let mut said = Vec::new();
    for FileBefore { file, existed } in &before.files {
        let changed = match existed {
            true => migrate_file(cx, step, leg, file)?,
            false if manifest.config.contains(file) => bring_default(cx, step, leg, file)?,
            false => None,
        };
        said.extend(changed);
    }
    Ok(if said.is_empty() {
        "unchanged".into()
    } else {
        said.join(", ")
    })
}

fn migrate_file(cx: &Context<'_>, step: &Step, leg: &Leg, file: &RelPath) -> Result<Option<String>, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0312", e);
    if !is_toml(file) {
        return Ok(None);
    }
    let copy = kept(cx, step, file);
    let text = disk::read_text_limited(&copy, product::CONFIG_LIMIT).map_err(|e| failed(&e))?;
    let now = migrated(cx, leg, file, &text)?;
    for (version, inverse) in &now.inverses {
        let json = serde_json::to_string(inverse).map_err(|e| failed(&e))?;
        cx.store
            .keep_config_inverse(version, file.as_str(), &json)
            .map_err(|e| failed(&e))?;
    }
    if now.text == text {
        return Ok(None);
    }
    keep_edited(cx, step, file)?;
    let made = made(cx, step, file);
    disk::create_dir_of(&made).map_err(|e| failed(&e))?;
    disk::replace_content(&made, now.text.as_bytes(), &copy).map_err(|e| failed(&e))?;
    disk::copy_file(&made, &place(cx, file)).map_err(|e| failed(&e))?;
    Ok(Some(format!("{file} migrated")))
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
    disk::copy_file(&made, &place).map_err(|e| StepError::because("NL0312", &e))?;
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
            disk::copy_file(&kept(cx, step, file), &place)
        } else {
            disk::remove_file(&place)
        };
        restored.map_err(|e| StepError::because("NL0312", &e))?;
    }
    Ok(())
}
