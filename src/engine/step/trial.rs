//! Tries the migrations of schema and configuration on copies while the product still runs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Work, config, nothing, schema};
use crate::engine::failure::DISK_FULL;
use crate::engine::{Context, StepError, product};
use crate::migrate::schema::{Trial, TriedFile, WayBack};
use crate::plan::{Direction, Step};
use crate::{disk, migrate, store};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo,
};

fn apply(cx: &Context<'_>, step: &Step, _: &Value) -> Result<String, StepError> {
    if !cx.settings.safety.validate_migrations {
        return Ok("switched off in config/update.yml".into());
    }
    let leg = cx.leg(step)?;
    // A later leg starts from what an earlier one leaves; its migrations are tried when their turn has come.
    if step.leg > 0 {
        return Ok("tried by the steps themselves once the stop before it runs".into());
    }
    let manifest = product::manifest(cx.layout, schema::source(cx, leg))?;
    let mut said = Vec::new();
    if cx.plan.direction() != Direction::Schema {
        said.extend(config::trial(cx, leg)?);
    }
    if let (Some(planned), Some(database)) = (leg.schema, manifest.sqlite()) {
        let live = database.path.under(&cx.layout.data());
        if live.exists() {
            said.push(try_schema(cx, step, &live, &schema::work(cx, leg, planned)?)?);
        }
    }
    clear(cx)?;
    Ok(if said.is_empty() {
        "nothing to migrate".into()
    } else {
        said.join(", ")
    })
}

fn try_schema(cx: &Context<'_>, step: &Step, live: &Path, work: &schema::Migration) -> Result<String, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0307", e);
    let trials = cx.layout.staging().join("trial");
    let copy = trials.join(format!("{}.db", step.id.0));
    enough_room(cx, live)?;
    disk::create_dir_all(&trials).map_err(|e| StepError::because("NL0320", &e))?;
    store::copy_live(live, &copy).map_err(|e| failed(&e))?;
    let budget = cx.settings.safety.trial_budget;
    let trial = match work {
        schema::Migration::Up { files, to } => migrate::schema::trial_up(&copy, files, *to, budget),
        schema::Migration::Down { stored, to } => migrate::schema::trial_down(&copy, stored, *to, budget),
    };
    let trial = trial.map_err(|e| failed(&e))?;
    keep_result(cx, step, &trial)?;
    Ok(told(&trial))
}

/// Room for the copy that is tried on, for the one to undo from, and for what a migration itself needs, in halves of the
/// database's size.
const HALVES: u64 = 5;

fn enough_room(cx: &Context<'_>, live: &Path) -> Result<(), StepError> {
    let needed = store::size(live) / 2 * HALVES;
    let free = disk::free_space(cx.layout.root()).map_err(|e| StepError::because("NL0320", &e))?;
    if free >= needed {
        return Ok(());
    }
    let message = format!(
        "not enough room to migrate {}: {needed} bytes are needed, two and a half times its size, {free} are free",
        live.display()
    );
    Err(StepError::new(DISK_FULL, message).expected(format!("{needed} bytes free"), format!("{free} bytes free")))
}

/// What each file took, and which cannot be taken back.
fn told(trial: &Trial) -> String {
    let file = |file: &TriedFile| {
        let said = schema::said(&file.title, file.seconds, file.rows);
        match &file.way_back {
            Some(WayBack::None { reason }) => format!("{said}, no way back: {reason}"),
            Some(WayBack::Rehearsed) => format!("{said}, way back tried"),
            None => said,
        }
    };
    let all = trial
        .files
        .iter()
        .map(file)
        .chain(trial.told.iter().map(|note| format!("note: {note}")));
    let all: Vec<String> = all.collect();
    format!("schema in {:.2} s ({})", trial.seconds(), all.join("; "))
}

const RESULT_LIMIT: u64 = 64 << 20;

fn place_of_result(cx: &Context<'_>, leg: usize) -> PathBuf {
    cx.layout.undo(cx.id).join(format!("trial-{leg}.json"))
}

fn keep_result(cx: &Context<'_>, step: &Step, trial: &Trial) -> Result<(), StepError> {
    let place = place_of_result(cx, step.leg);
    let kept = || {
        disk::create_dir_of(&place)?;
        let json = serde_json::to_vec(trial).unwrap_or_default();
        disk::write_atomic(&place, &json, 0o600)
    };
    kept().map_err(|e| StepError::because("NL0320", &e))
}

/// What the trial of this step's leg came to; none when it was not tried.
pub fn result(cx: &Context<'_>, step: &Step) -> Result<Option<Trial>, StepError> {
    match disk::read_limited(&place_of_result(cx, step.leg), RESULT_LIMIT) {
        Ok(json) => serde_json::from_slice(&json)
            .map(Some)
            .map_err(|e| StepError::because("NL0322", &e)),
        Err(e) if e.is_missing() => Ok(None),
        Err(e) => Err(StepError::because("NL0320", &e)),
    }
}

fn clear(cx: &Context<'_>) -> Result<(), StepError> {
    disk::remove_tree(&cx.layout.staging().join("trial")).map_err(|e| StepError::because("NL0320", &e))
}

fn undo(cx: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    clear(cx)
}
