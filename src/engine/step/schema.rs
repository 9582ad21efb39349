//! Migrates the database while the product is stopped. A whole copy is kept first and put back when the step is undone, so
//! that an automatic rollback gives exactly the data from before. What the new version wrote until then is set aside.

use serde_json::Value;

use super::put_back::{self, Before};
use super::{Work, gathered, keep, restored, schema_own, trial};
use crate::backup::Server;
use crate::disk;
use crate::engine::copies::Live;
use crate::engine::keeping::{self, Keeping, Usage};
use crate::engine::{Context, StepError, knows, product};
use crate::migrate::schema::{self, Applied, FileRun, Place, SchemaFiles, Stages, StoredLevel, WayBack};
use crate::plan::{Direction, Leg, SchemaMove, Step};
use crate::release::ReleaseManifest;
use crate::version::Version;

pub const WORK: Work = Work { prepare, apply, undo };

/// The SQL of a leg, either way.
pub enum Migration {
    Up { files: SchemaFiles, to: u32 },
    Down { stored: Vec<StoredLevel>, to: u32 },
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

/// Where the database of a release is.
pub fn place(cx: &Context<'_>, manifest: &ReleaseManifest) -> Result<Place, StepError> {
    knows::place(cx.layout, manifest)?.ok_or_else(|| without_database(&manifest.version))
}

/// Where it is in this step, and by which tools it is reached if that is a server.
fn database(cx: &Context<'_>, step: &Step) -> Result<(Place, Option<Server>), StepError> {
    let manifest = product::manifest(cx.layout, source(cx, cx.leg(step)?))?;
    let live = Live::now(cx.layout, cx.settings, &manifest);
    Ok((place(cx, &manifest)?, live.server()?))
}

fn prepare(cx: &Context<'_>, step: &Step) -> Result<Value, StepError> {
    if let Some(manifest) = schema_own::commander(cx, step)? {
        return schema_own::prepare(cx, step, &manifest);
    }
    let (place, server) = database(cx, step)?;
    keep(&put_back::take(cx, step, place, server.as_ref())?)
}

fn apply(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<String, StepError> {
    if let Some(manifest) = schema_own::commander(cx, step)? {
        return schema_own::apply(cx, step, &manifest, undo);
    }
    let before: Before = gathered(undo)?;
    let (place, _) = database(cx, step)?;
    let planned = planned(cx, step)?;
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    if let Some(backup) = cx.plan.restore() {
        let said = restored::from_backup(cx, step, backup, &place, planned.to)?;
        keeping::nothing_stands(cx.store)?;
        put_back::mark(cx, step, &before)?;
        return Ok(said);
    }
    let said = match work(cx, cx.leg(step)?, planned)? {
        Migration::Up { files, to } => {
            if let Place::Sqlite(path) = &place {
                disk::create_dir_of(path).map_err(|e| failed(&e))?;
            }
            let to = stages(cx, step, &files, planned.from, to)?.during;
            run_up(cx, step, &files, &place, to, Usage::Alone)?
        }
        Migration::Down { stored, to } => {
            let tried = trial::result(cx, step)?;
            let mut keeping = Keeping {
                store: cx.store,
                files: None,
                tried: tried.as_ref(),
                usage: Usage::Alone,
                go_on: &mut |_| true,
            };
            let applied = schema::down(&place, &stored, to, &mut keeping).map_err(|e| failed(&e))?;
            runs(to, &applied)
        }
    };
    keeping::nothing_stands(cx.store)?;
    put_back::mark(cx, step, &before)?;
    Ok(said)
}

/// The release that uses the database before the stop; none when what came before knows nothing of it.
pub fn user_before(cx: &Context<'_>, leg: &Leg) -> Result<Option<ReleaseManifest>, StepError> {
    let from = leg.from.as_ref().map(|from| product::manifest(cx.layout, from));
    Ok(from.transpose()?.filter(|from| from.migrations().is_some()))
}

/// When which file is run: all of it in the stop, but for a product that ran on the database before and goes up.
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
    let is_used = user_before(cx, cx.leg(step)?)?.is_some();
    let has_way_back = |level| {
        let way_back = tried.as_ref().and_then(|tried| tried.way_back(level));
        is_used && way_back == Some(&WayBack::Rehearsed) && files.is_all_or_nothing(level)
    };
    Ok(files.stages(from, to, &has_way_back))
}

/// Keeps how each level is taken back before it is applied.
pub fn run_up(
    cx: &Context<'_>,
    step: &Step,
    files: &SchemaFiles,
    database: &Place,
    to: u32,
    usage: Usage,
) -> Result<String, StepError> {
    let tried = trial::result(cx, step)?;
    let mut keeping = Keeping {
        store: cx.store,
        files: Some(files),
        tried: tried.as_ref(),
        usage,
        go_on: &mut |_| true,
    };
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    let applied = schema::up(database, files, to, &mut keeping).map_err(|e| failed(&e))?;
    // Also where a run that was killed had done all files. Beside the product it would keep the product from writing.
    if usage == Usage::Alone {
        schema::quick_check(database).map_err(|e| failed(&e))?;
    }
    Ok(runs(to, &applied))
}

fn runs(level: u32, applied: &Applied) -> String {
    let told = |run: &FileRun| (run.seconds, said(&run.title, run.seconds, run.rows));
    let files = slowest(applied.files().iter().map(told).collect());
    let files = if files.is_empty() {
        "nothing to do".into()
    } else {
        files.join(", ")
    };
    format!("level {level}: {files}")
}

/// Of so many files at most each is told by itself.
const TOLD: usize = 12;

/// What is said of each file, with its seconds; where they are many, of the slowest alone, in their order, and how many more there are.
pub fn slowest(files: Vec<(f64, String)>) -> Vec<String> {
    let mut numbered: Vec<_> = files.into_iter().enumerate().collect();
    numbered.sort_by(|(_, (one, _)), (_, (other, _))| other.total_cmp(one));
    let more = numbered.len().saturating_sub(TOLD);
    numbered.truncate(TOLD);
    numbered.sort_by_key(|(number, _)| *number);
    let said = numbered.into_iter().map(|(_, (_, said))| said);
    said.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

/// One file of a run, for people.
pub fn said(title: &str, seconds: f64, rows: u64) -> String {
    format!("{title} in {seconds:.2} s, {rows} rows")
}

fn undo(cx: &Context<'_>, step: &Step, undo: &Value) -> Result<(), StepError> {
    if let Some(manifest) = schema_own::commander(cx, step)? {
        return schema_own::undo(cx, step, &manifest, undo);
    }
    let before: Before = gathered(undo)?;
    let (place, server) = database(cx, step)?;
    put_back::put_back(cx, step, &before, &place, server.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_files_the_slowest_are_told_in_their_order() {
        let files = |count: u32| (1..=count).map(|n| (f64::from(n * 7 % 31), n.to_string())).collect();
        assert_eq!(slowest(files(3)), ["1", "2", "3"]);
        assert_eq!(slowest(files(12)).len(), 12);
        let told = slowest(files(30));
        let all = [
            "3",
            "4",
            "8",
            "12",
            "13",
            "16",
            "17",
            "21",
            "22",
            "25",
            "26",
            "30",
            "and 18 more",
        ];
        assert_eq!(told, all);
    }
}
