//! The migrations that a release has left for after its update: what is left of them, and running them beside the product.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::keeping::{Keeping, Usage};
use super::{Layout, StepError, knows};
use crate::migrate::schema::{self, Phase, SchemaFiles};
use crate::release::ReleaseManifest;
use crate::store::{Fact, Store};

/// What the trial of the update has shown of each level, to estimate by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expected(pub BTreeMap<u32, u64>);

impl Expected {
    pub fn kept(store: &Store) -> Self {
        let kept = store.fact(Fact::Background).ok().flatten();
        // An estimate that cannot be read is none.
        kept.and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default()
    }

    pub fn keep(&self, store: &Store) -> Result<(), StepError> {
        let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0404", e);
        let json = serde_json::to_string(self).map_err(|e| failed(&e))?;
        store.set_fact(Fact::Background, Some(&json)).map_err(|e| failed(&e))
    }

    /// Rows that the levels in (after, up_to] will change; none when that is not known of all of them.
    pub fn rows(&self, after: u32, up_to: u32) -> Option<u64> {
        (after + 1..=up_to).map(|level| self.0.get(&level).copied()).sum()
    }
}

/// Levels that are still to come.
pub struct Left {
    pub files: SchemaFiles,
    pub found: u32,
    pub own: u32,
}

/// None when the database is where the release wants it, or when what is missing cannot be done beside the product.
pub fn left(layout: &Layout, manifest: &ReleaseManifest) -> Result<Option<Left>, StepError> {
    let (Some(found), Some(own)) = (knows::level_of(layout, manifest)?, manifest.rules.schema_level) else {
        return Ok(None);
    };
    if found >= own {
        return Ok(None);
    }
    let Some(files) = knows::files_of(layout, manifest)? else {
        return Ok(None);
    };
    let waits = |level| matches!(files.phase(level), Some(Phase::After | Phase::Background));
    Ok((found + 1..=own).all(waits).then_some(Left { files, found, own }))
}

/// Runs them on the database in use. False when it was left off: it goes on from there the next time, also after a kill.
pub fn run(
    layout: &Layout,
    store: &Store,
    manifest: &ReleaseManifest,
    left: &Left,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<bool, StepError> {
    let Some(place) = knows::place(layout, manifest)? else {
        return Ok(true);
    };
    let mut keeping = Keeping {
        store,
        files: Some(&left.files),
        tried: None,
        usage: Usage::Shared,
        go_on,
    };
    match schema::up(&place, &left.files, left.own, &mut keeping) {
        Ok(_) => {
            store
                .set_fact(Fact::Background, None)
                .map_err(|e| StepError::because("NL0404", &e))?;
            Ok(true)
        }
        Err(e) if e.is_left_off() => Ok(false),
        Err(e) => Err(StepError::because("NL0330", &e)),
    }
}
