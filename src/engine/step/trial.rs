//! Tries the migrations of schema and configuration on copies while the product still runs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Work, config, nothing, restored, schema, schema_own};
use crate::backup::{BesidePurpose, Server};
use crate::engine::copies::{Copy, Live};
use crate::engine::failure::DISK_FULL;
use crate::engine::{Context, StepError, finish, knows, product};
use crate::migrate::schema::{Nobody, NotKept, Place, SchemaError, Trial, TriedFile, WayBack};
use crate::plan::{Direction, Leg, Step};
use crate::release::ReleaseManifest;
use crate::store::Fact;
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
    let mut said = Vec::new();
    match step.leg {
        0 if cx.plan.direction() == Direction::Schema => {}
        0 => said.extend(config::trial(cx, leg)?),
        // It begins with what the stop before it leaves, which nobody has seen yet.
        _ => said.push("configuration: tried in its own stop".into()),
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
            return finished(cx, said);
        }
        said.extend(try_schema(cx, step, &schema::work(cx, leg, planned)?)?);
    }
    finished(cx, said)
}

fn finished(cx: &Context<'_>, mut said: Vec<String>) -> Result<String, StepError> {
    said.extend(drop_left(cx)?);
    clear(cx)?;
    Ok(if said.is_empty() {
        "nothing to migrate".into()
    } else {
        said.join(", ")
    })
}

/// The release whose configuration says where the database is before the first stop: that from before, which is in place, unless it
/// knows nothing of the database; then the one that comes, by the configuration that it will have.
fn holder(cx: &Context<'_>) -> Result<(ReleaseManifest, PathBuf), StepError> {
    let leg = first_leg(cx)?;
    match schema::user_before(cx, leg)? {
        Some(before) => Ok((before, cx.layout.config())),
        None => {
            let coming = product::manifest(cx.layout, schema::source(cx, leg))?;
            Ok((coming, config::copies(cx)))
        }
    }
}

fn first_leg<'a>(cx: &Context<'a>) -> Result<&'a Leg, StepError> {
    let missing = || StepError::new("NL0322", "the plan has a trial and no leg");
    cx.plan.legs().first().ok_or_else(missing)
}

/// What the stops before this one do to the database; none where a product does it by itself in one of them.
fn earlier(cx: &Context<'_>, step: &Step) -> Result<Option<Vec<schema::Migration>>, StepError> {
    let mut all = Vec::new();
    for leg in cx.plan.legs().iter().take(step.leg) {
        let Some(planned) = leg.schema else { continue };
        if product::manifest(cx.layout, &leg.to)?.own_migrations().is_some() {
            return Ok(None);
        }
        all.push(schema::work(cx, leg, planned)?);
    }
    Ok(Some(all))
}

/// From where the stops before this one lead, on a copy of the database as it is now.
fn try_schema(cx: &Context<'_>, step: &Step, work: &schema::Migration) -> Result<Option<String>, StepError> {
    let (manifest, configuration) = holder(cx)?;
    if first_leg(cx)?.from.is_none() && manifest.sqlite().is_none() {
        // The operator has not seen its configuration yet, which says where the database is.
        return Ok(None);
    }
    let Some(earlier) = earlier(cx, step)? else {
        return Ok(Some(
            "schema not tried: the product migrates itself in a stop before".into(),
        ));
    };
    let live = Live::by(cx.layout, cx.settings, &manifest, configuration);
    let mut said = Vec::new();
    match live.server()? {
        Some(server) => {
            said.extend(enough_room_there(&server)?);
            left_beside(cx, Some(""))?;
        }
        None => match knows::place(cx.layout, &manifest)? {
            Some(Place::Sqlite(path)) if path.exists() => enough_room(cx, &path)?,
            _ => return Ok(None),
        },
    }
    let budget = cx.settings.safety.trial_budget;
    let scratch = cx.layout.staging().join("trial");
    let trial = live.on_copy(Copy::Trial, &scratch, "NL0307", |copy, renew| {
        let go_before = || earlier.iter().try_for_each(|work| go(copy, work));
        go_before()?;
        let mut again = || {
            renew()?;
            go_before().map_err(NotKept::from)
        };
        match work {
            schema::Migration::Up { files, to } => migrate::schema::trial_up(copy, files, *to, budget, &mut again),
            schema::Migration::Down { stored, to } => migrate::schema::trial_down(copy, stored, *to, budget),
        }
    })?;
    left_beside(cx, None)?;
    keep_result(cx, step, &trial)?;
    said.insert(0, told(&trial));
    Ok(Some(said.join("; ")))
}

/// On a copy, without trying ways back: that was done by the trial of its own leg.
fn go(copy: &Place, work: &schema::Migration) -> Result<(), SchemaError> {
    match work {
        schema::Migration::Up { files, to } => migrate::schema::up(copy, files, *to, &mut Nobody),
        schema::Migration::Down { stored, to } => migrate::schema::down(copy, stored, *to, &mut Nobody),
    }
    .map(drop)
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
    let mut all = schema::slowest(trial.files.iter().map(|one| (one.seconds, file(one))).collect());
    all.extend(trial.told.iter().map(|note| format!("note: {note}")));
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
fn undo(cx: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    drop_left(cx)?;
    clear(cx)
}

/// A copy that cannot be dropped now is in nobody's way: it is said, and dropped by the next update.
fn drop_left(cx: &Context<'_>) -> Result<Option<String>, StepError> {
    let left = cx.store.fact(Fact::LeftBeside);
    if left.map_err(|e| StepError::because("NL0404", &e))?.is_none() {
        return Ok(None);
    }
    let failed = try_dropping(cx).err().map(|error| error.into_failure().message);
    let said = failed.map(|why| format!("the copy that migrations were tried on could not be dropped: {why}"));
    left_beside(cx, said.as_deref())?;
    if let Some(said) = &said {
        finish::note(cx, &json!({"kind": "left-beside", "message": said}));
    }
    Ok(said)
}

fn try_dropping(cx: &Context<'_>) -> Result<(), StepError> {
    let (manifest, configuration) = holder(cx)?;
    match Live::by(cx.layout, cx.settings, &manifest, configuration).server()? {
        Some(server) => server
            .remove_left(BesidePurpose::Trial)
            .map_err(|e| StepError::because(e.code(), &e)),
        None => Ok(()),
    }
}

/// Kept before a copy is made, and with the reason while it cannot be dropped.
fn left_beside(cx: &Context<'_>, why: Option<&str>) -> Result<(), StepError> {
    let kept = cx.store.set_fact(Fact::LeftBeside, why);
    kept.map_err(|e| StepError::because("NL0404", &e))
}
