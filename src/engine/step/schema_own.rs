//! The schema of a product that migrates itself, moved by its own commands. Undone by a copy where its database is a file, else by its
//! command for the other way.

use serde_json::Value;

use super::put_back::{self, Before};
use super::schema::planned;
use super::{gathered, keep};
use crate::engine::{Context, StepError, knows, own_migrations, product};
use crate::migrate::schema::Place;
use crate::plan::Step;
use crate::release::{OwnMigrations, ReleaseManifest};

/// Whoever knows both levels: on the way up the new release, on the way down the one that is left.
pub fn commander(cx: &Context<'_>, step: &Step) -> Result<Option<ReleaseManifest>, StepError> {
    let leg = cx.leg(step)?;
    let is_down = leg
        .schema
        .is_some_and(|moved| moved.from.is_some_and(|from| from > moved.to));
    let version = match (is_down, leg.from.as_ref().or(cx.plan.from())) {
        (true, Some(from)) => from,
        _ => &leg.to,
    };
    let manifest = product::manifest(cx.layout, version)?;
    Ok(Some(manifest).filter(|manifest| manifest.own_migrations().is_some()))
}

fn commands(manifest: &ReleaseManifest) -> Result<&OwnMigrations, StepError> {
    let missing = || StepError::new("NL0323", "a release without commands for its schema");
    manifest.own_migrations().ok_or_else(missing)
}

fn file(cx: &Context<'_>, own: &OwnMigrations) -> Option<Place> {
    own.path
        .as_ref()
        .map(|path| Place::Sqlite(path.under(&cx.layout.data())))
}

pub fn prepare(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest) -> Result<Value, StepError> {
    let own = commands(manifest)?;
    match file(cx, own) {
        Some(place) => keep(&put_back::take(cx, step, place, None)?),
        None => keep(&Before::Own {
            level: own_migrations::level(cx.layout, manifest, own)?,
        }),
    }
}

pub fn apply(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest, undo: &Value) -> Result<String, StepError> {
    let before: Before = gathered(undo)?;
    let own = commands(manifest)?;
    let to = planned(cx, step)?.to;
    let found = knows::level_of(cx.layout, manifest)?.unwrap_or(0);
    if found != to {
        own_migrations::bring(cx.layout, manifest, own, way(own, found, to)?, (found, to))?;
    }
    put_back::mark(cx, step, &before)?;
    Ok(format!("level {to}: by the product itself"))
}

fn way(own: &OwnMigrations, from: u32, to: u32) -> Result<&crate::release::CommandSpec, StepError> {
    if to > from {
        return Ok(&own.up);
    }
    own.down.as_ref().ok_or_else(|| {
        let message = format!(
            "the schema is at level {from}, and the product has no command that leads down to {to}; restore the backup of before this \
             update: `netlink backup list`"
        );
        StepError::new("NL0342", message)
    })
}

pub fn undo(cx: &Context<'_>, step: &Step, manifest: &ReleaseManifest, undo: &Value) -> Result<(), StepError> {
    let before: Before = gathered(undo)?;
    let own = commands(manifest)?;
    match (&before, file(cx, own)) {
        (Before::Own { level }, _) => {
            let level = level.unwrap_or(0);
            let found = own_migrations::level(cx.layout, manifest, own)?.unwrap_or(0);
            // What a first installation has made is of nobody's before.
            if found == level || (level == 0 && own.down.is_none()) {
                return Ok(());
            }
            own_migrations::bring(cx.layout, manifest, own, way(own, found, level)?, (found, level))
        }
        (_, Some(place)) => put_back::put_back(cx, step, &before, &place, None),
        (_, None) => Err(StepError::new("NL0323", "a copy of a database that is no file")),
    }
}
