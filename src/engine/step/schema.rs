//! Migrates the database while the product is stopped. A whole copy is kept first and put back when the step is undone, so
//! that an automatic rollback gives exactly the data from before. What the new version wrote until then is set aside.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Work, gathered, keep, trial};
use crate::engine::{Context, StepError, knows, product};
use crate::migrate::schema::{self, Applied, SchemaFiles, Stages, StoredLevel, Turn, WayBack};
use crate::plan::{Direction, Leg, SchemaMove, Step};
use crate::release::ReleaseManifest;
use crate::version::Version;
use crate::{disk, store};

pub const WORK: Work = Work { prepare, apply, undo };

/// The SQL of a leg, either way.
pub enum Migration {
    Up { files: SchemaFiles, to: u32 },
    Down { stored: Vec<StoredLevel>, to: u32 },
}

#[derive(Serialize, Deserialize)]
struct Before {
    database: PathBuf,
    existed: bool,
}

/// The migration that a leg needs: the release's own files on the way up, the ways back kept here on the way down.
pub fn work(cx: &Context<'_>, leg: &Leg, planned: SchemaMove) -> Result<Migration, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    if planned.from.is_some_and(|from| from > planned.to) {
        let stored = cx.store.schema_downs().map_err(|e| failed(&e))?;
        let needed = stored
            .range(planned.to + 1..)
            .map(|(_, json)| serde_json::from_str(json));
        let stored = needed.collect::<Result<_, _>>().map_err(|e| failed(&e))?;
        return Ok(Migration::Down { stored, to: planned.to });
    }
    let manifest = product::manifest(cx.layout, &leg.to)?;
    let files = knows::files_of(cx.layout, &manifest)?.ok_or_else(|| without_database(&leg.to))?;
    Ok(Migration::Up { files, to: planned.to })
}

fn without_database(version: &Version) -> StepError {
    StepError::new(
        "NL0313",
        format!("release {version} names a schema level but no database"),
    )
}

/// The release that knows the database: where it goes, or, when the database alone goes down, the installed one. The other may not
/// be on this disk, and is not needed.
pub fn source<'p>(cx: &Context<'p>, leg: &'p Leg) -> &'p Version {
    let is_down = leg
        .schema
        .is_some_and(|moved| moved.from.is_some_and(|from| from > moved.to));
    match (cx.plan.direction(), cx.plan.from()) {
        (Direction::Schema, Some(installed)) if is_down => installed,
        _ => &leg.to,
    }
}

pub fn planned(cx: &Context<'_>, step: &Step) -> Result<SchemaMove, StepError> {
    let missing = || StepError::new("NL0322", "the plan has a schema step without a schema move");
    cx.leg(step)?.schema.ok_or_else(missing)
}

/// Where the database of a release lies.
pub fn place(cx: &Context<'_>, manifest: &ReleaseManifest) -> Result<PathBuf, StepError> {
    let database = manifest.sqlite();
    let path = &database.ok_or_else(|| without_database(&manifest.version))?.path;
    Ok(disk::followed(&path.under(&cx.layout.data())))
}

fn kept(cx: &Context<'_>, step: &Step) -> PathBuf {
    cx.layout.undo(cx.id).join(format!("{}.db", step.id.0))
}

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    let source = source(cx, cx.leg(step)?);
    let manifest = product::manifest(cx.layout, source)?;
    let database = place(cx, &manifest)?;
    let existed = database.exists();
    if existed {
        let copy = kept(cx, step);
        disk::create_dir_of(&copy).map_err(|e| StepError::because("NL0320", &e))?;
        store::copy_live(&database, &copy).map_err(|e| StepError::because("NL0313", &e))?;
    }
    keep(&Before { database, existed })
}

fn apply(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let planned = planned(cx, step)?;
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    let said = match work(cx, cx.leg(step)?, planned)? {
        Migration::Up { files, to } => {
            disk::create_dir_of(&before.database).map_err(|e| failed(&e))?;
            let to = stages(cx, step, &files, planned.from, to)?.during;
            run_up(cx, step, &files, &before.database, to)?
        }
        Migration::Down { stored, to } => {
            let applied = schema::down(&before.database, &stored, to).map_err(|e| failed(&e))?;
            runs(to, &applied)
        }
    };
    let stamp = store::stamp(&before.database);
    disk::write_atomic(&stamp_of(cx, step), stamp.as_bytes(), 0o600).map_err(|e| failed(&e))?;
    Ok(said)
}

/// When which file is run: all of it in the stop, but for a product that ran before and goes up.
pub fn stages(
    cx: &Context<'_>,
    step: &Step,
    files: &SchemaFiles,
    from: Option<u32>,
    to: u32,
) -> Result<Stages, StepError> {
    let from = from.unwrap_or(0);
    if cx.plan.direction() != Direction::Up {
        return Ok(Stages::at_once(to, from));
    }
    let tried = trial::result(cx, step)?;
    let has_way_back = |level| {
        let way_back = tried.as_ref().and_then(|tried| tried.way_back(level));
        way_back == Some(&WayBack::Rehearsed)
    };
    Ok(files.stages(from, to, &has_way_back))
}

/// Keeps how each level is taken back before it is applied.
pub fn run_up(
    cx: &Context<'_>,
    step: &Step,
    files: &SchemaFiles,
    database: &Path,
    to: u32,
) -> Result<String, StepError> {
    let tried = trial::result(cx, step)?;
    let mut keep = |turn: &Turn| {
        let way_back = tried.as_ref().and_then(|tried| tried.way_back(turn.level));
        let Some(level) = StoredLevel::of(files, turn, way_back) else {
            return Ok(());
        };
        Ok(cx
            .store
            .keep_schema_down(level.level, &serde_json::to_string(&level)?)?)
    };
    let applied = schema::up(database, files, to, &mut keep).map_err(|e| StepError::because("NL0313", &e))?;
    Ok(runs(to, &applied))
}

fn runs(level: u32, applied: &Applied) -> String {
    let files: Vec<String> = applied
        .files()
        .iter()
        .map(|run| said(&run.title, run.seconds, run.rows))
        .collect();
    let files = if files.is_empty() {
        "nothing to do".into()
    } else {
        files.join(", ")
    };
    format!("level {level}: {files}")
}

/// One file of a run, for people.
pub fn said(title: &str, seconds: f64, rows: u64) -> String {
    format!("{title} in {seconds:.2} s, {rows} rows")
}

/// How the database was when its migration ended: whether it is still so shows if the new version has written to it.
fn stamp_of(cx: &Context<'_>, step: &Step) -> PathBuf {
    kept(cx, step).with_extension("migrated")
}

fn undo(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    let migrated = disk::read_text_limited(&stamp_of(cx, step), 4096).ok();
    if migrated.is_some_and(|stamp| stamp != store::stamp(&before.database)) {
        let name = before.database.file_name().unwrap_or_default();
        let aside = cx.layout.set_aside(cx.id).join(step.id.0.to_string()).join(name);
        store::set_aside(&before.database, &aside).map_err(|e| failed(&e))?;
    }
    // What is put back below is not what was migrated either: a repetition must not take it for somebody's writing.
    disk::remove_file(&stamp_of(cx, step)).map_err(|e| failed(&e))?;
    if before.existed {
        return store::put_back(&kept(cx, step), &before.database).map_err(|e| failed(&e));
    }
    store::remove(&before.database).map_err(|e| failed(&e))
}
