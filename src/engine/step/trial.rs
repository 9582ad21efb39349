//! Tries the migrations of schema and configuration on copies while the product still runs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Work, config, nothing, restored, schema, schema_own};
use crate::backup::{BesidePurpose, Server};
use crate::engine::copies::{Copy, Live};
use crate::engine::failure::DISK_FULL;
use crate::engine::{Context, StepError, knows, product};
use crate::migrate::schema::{Place, Trial, TriedFile, WayBack};
use crate::plan::{Direction, Step};
use crate::release::ReleaseManifest;
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
    if let Some(backup) = cx.plan.restore() {
        said.push(format!(
            "backup {backup} is whole ({})",
            restored::verified(cx, backup)?
        ));
    } else if let Some(planned) = leg.schema {
        if let Some(own) = schema_own::commander(cx, step)?
            .as_ref()
            .and_then(ReleaseManifest::own_migrations)
        {
            said.push("schema not tried: the product migrates itself".into());
            if own.down.is_none() && own.path.is_none() {
                said.push("it cannot be taken back by itself when the update fails".into());
            }
            return finished(cx, &said);
        }
        // The configuration is still that of the release from before.
        let before = leg
            .from
            .as_ref()
            .map(|from| product::manifest(cx.layout, from))
            .transpose()?;
        let manifest = before
            .filter(|before| before.migrations().is_some())
            .unwrap_or(manifest);
        said.extend(try_schema(cx, step, &manifest, &schema::work(cx, leg, planned)?)?);
    }
    finished(cx, &said)
}

fn finished(cx: &Context<'_>, said: &[String]) -> Result<String, StepError> {
    clear(cx)?;
    Ok(if said.is_empty() {
        "nothing to migrate".into()
    } else {
        said.join(", ")
    })
}

fn try_schema(
    cx: &Context<'_>,
    step: &Step,
    manifest: &ReleaseManifest,
    work: &schema::Migration,
) -> Result<Option<String>, StepError> {
    if cx.leg(step)?.from.is_none() && manifest.sqlite().is_none() {
        // Its configuration, which says where the database is, comes with it.
        return Ok(None);
    }
    let live = Live {
        layout: cx.layout,
        settings: cx.settings,
        manifest,
    };
    let mut said = Vec::new();
    match (knows::place(cx.layout, manifest)?, live.server()?) {
        (Some(Place::Sqlite(path)), _) if path.exists() => enough_room(cx, &path)?,
        (Some(Place::Server(_)), Some(server)) => said.extend(enough_room_there(&server)?),
        _ => return Ok(None),
    }
    let budget = cx.settings.safety.trial_budget;
    let scratch = cx.layout.staging().join("trial");
    let trial = live.on_copy(Copy::Whole, &scratch, "NL0307", |copy, renew| match work {
        schema::Migration::Up { files, to } => migrate::schema::trial_up(copy, files, *to, budget, renew),
        schema::Migration::Down { stored, to } => migrate::schema::trial_down(copy, stored, *to, budget),
    })?;
    keep_result(cx, step, &trial)?;
    said.insert(0, told(&trial));
    Ok(Some(said.join("; ")))
}

/// Room for the copy that is tried on, for the one to undo from, and for what a migration itself needs, in halves of the
/// database's size.
const HALVES: u64 = 5;

fn enough_room(cx: &Context<'_>, live: &Path) -> Result<(), StepError> {
    let free = disk::free_space(cx.layout.root()).map_err(|e| StepError::because("NL0320", &e))?;
    is_enough(&live.display().to_string(), store::size(live), free)
}

/// What is to be said where it is not known.
fn enough_room_there(server: &Server) -> Result<Option<String>, StepError> {
    let Some(free) = server.free_space() else {
        return Ok(Some("note: how much room the server has is not known here".into()));
    };
    let size = server.size().map_err(|e| StepError::because(e.code(), &e))?;
    is_enough(&format!("{} on its server", server.login.database), size, free).map(|()| None)
}

fn is_enough(what: &str, size: u64, free: u64) -> Result<(), StepError> {
    let needed = size / 2 * HALVES;
    if free >= needed {
        return Ok(());
    }
    let message = format!(
        "not enough room to migrate {what}: {needed} bytes are needed, two and a half times its size, {free} are free"
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

/// The copy on a server too, when a trial that was killed has left it there.
fn undo(cx: &Context<'_>, step: &Step, _: &Value) -> Result<(), StepError> {
    clear(cx)?;
    let leg = cx.leg(step)?;
    let Some(from) = leg.from.as_ref().filter(|_| leg.schema.is_some()) else {
        return Ok(());
    };
    let manifest = product::manifest(cx.layout, from)?;
    let live = Live {
        layout: cx.layout,
        settings: cx.settings,
        manifest: &manifest,
    };
    match live.server()? {
        Some(server) => server
            .remove_left(BesidePurpose::Trial)
            .map_err(|e| StepError::because(e.code(), &e)),
        None => Ok(()),
    }
}
