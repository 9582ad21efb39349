//! The migrations that do not need the stop: those that the release before runs on too, before it is stopped; those that the new one
//! runs without as well, once it is healthy. Both work on the database in use.

use serde_json::Value;

use super::schema::{self, Migration};
use super::{Work, leave, nothing, schema_own, trial};
use crate::engine::background::Expected;
use crate::engine::keeping::{Keeping, Usage};
use crate::engine::{Context, StepError, product};
use crate::migrate::schema::{Stages, StoredLevel, down, level};
use crate::plan::{Step, StepKind};

pub const BEFORE: Work = Work {
    prepare: nothing,
    apply: |cx, step, _| run(cx, step, |stages| stages.before),
    undo: take_back,
};

/// What was done to the database is undone with all else that was: the copy from before the stop is put back.
pub const AFTER: Work = Work {
    prepare: nothing,
    apply: |cx, step, _| {
        let said = run(cx, step, |stages| stages.after)?;
        expect(cx, step)?;
        Ok(said)
    },
    undo: leave,
};

fn run(cx: &Context<'_>, step: &Step, part: fn(Stages) -> u32) -> Result<String, StepError> {
    if schema_own::commander(cx, step)?.is_some() {
        return Ok("nothing to do".into());
    }
    let leg = cx.leg(step)?;
    let planned = schema::planned(cx, step)?;
    let Migration::Up { files, to } = schema::work(cx, leg, planned)? else {
        return Ok("nothing to do".into());
    };
    let to = part(schema::stages(cx, step, &files, planned.from, to)?);
    if to <= planned.from.unwrap_or(0) {
        return Ok("nothing to do".into());
    }
    let holder = match step.kind {
        StepKind::SchemaBefore => schema::user_before(cx, leg)?,
        _ => None,
    };
    let holder = holder.map_or_else(|| product::manifest(cx.layout, &leg.to), Ok)?;
    let database = schema::place(cx, &holder)?;
    let found = level(&database).map_err(|e| StepError::because("NL0313", &e))?;
    if to <= found.unwrap_or(0) {
        return Ok("nothing to do".into());
    }
    schema::run_up(cx, step, &files, &database, to, Usage::Shared)
}

/// What the trial has shown of those that are left for the background.
fn expect(cx: &Context<'_>, step: &Step) -> Result<(), StepError> {
    match trial::result(cx, step)? {
        Some(tried) => Expected(tried.files.iter().map(|file| (file.level, file.rows)).collect()).keep(cx.store),
        None => Ok(()),
    }
}

/// By the ways down, which were tried: what the product wrote meanwhile stays.
fn take_back(cx: &Context<'_>, step: &Step, _: &Value) -> Result<(), StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    if schema_own::commander(cx, step)?.is_some() {
        return Ok(());
    }
    let Some(before) = schema::user_before(cx, cx.leg(step)?)? else {
        return Ok(());
    };
    let from = schema::planned(cx, step)?.from.unwrap_or(0);
    let stored = cx.store.schema_downs().map_err(|e| failed(&e))?;
    let database = schema::place(cx, &before)?;
    let found = level(&database).map_err(|e| failed(&e))?.unwrap_or(0);
    if found <= from {
        return Ok(());
    }
    let needed = stored
        .range(from + 1..=found)
        .map(|(_, json)| serde_json::from_str(json));
    let needed: Vec<StoredLevel> = needed.collect::<Result<_, _>>().map_err(|e| failed(&e))?;
    let mut keeping = Keeping {
        store: cx.store,
        files: None,
        tried: None,
        usage: Usage::Shared,
        go_on: &mut |_| true,
    };
    let taken = down(&database, &needed, from, &mut keeping);
    taken.map(drop).map_err(|e| failed(&e))
}
