//! What an update would do to the configuration files, before anything is done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::outcome::{OpenConflict, Way, files, outcome, secrets};
use crate::engine::{Layout, StepError, product};
use crate::migrate::config::diff;
use crate::plan::{Leg, Plan};
use crate::release::{ConfigSpec, RelPath};
use crate::settings;
use crate::store::Store;
use crate::{disk, package};

/// One file that would change, or of which there is something to say.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConfigChange {
    #[schema(value_type = String)]
    pub file: RelPath,
    /// A unified diff without secrets.
    pub diff: String,
    pub notes: Vec<String>,
    /// Why the update would stop at this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What would have to be settled first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenConflict>,
}

/// A file on its way through the legs.
struct Passing {
    spec: ConfigSpec,
    before: Vec<u8>,
    now: Vec<u8>,
    notes: Vec<String>,
    refused: Option<String>,
    open: Vec<OpenConflict>,
}

/// Goes through all legs of a plan; `trees` has the release of each.
pub fn preview_config(
    (layout, store, settings): (&Layout, &Store, &settings::Config),
    plan: &Plan,
    trees: &[PathBuf],
) -> Result<Vec<ConfigChange>, StepError> {
    let mut passing: BTreeMap<RelPath, Passing> = BTreeMap::new();
    let mut left = plan.from().map(|from| layout.release(from));
    let mut last = None;
    for (leg, tree) in plan.legs().iter().zip(trees) {
        let way = Way {
            layout,
            store,
            settings,
            direction: plan.direction(),
            leg,
            tree: tree.clone(),
            left: left.replace(tree.clone()),
        };
        for spec in files(&way)? {
            pass(&way, leg, spec, &mut passing)?;
        }
        last = Some(way);
    }
    let told = |way: Way<'_>| passing.values().filter_map(|file| told(&way, file)).collect();
    Ok(last.map(told).unwrap_or_default())
}

fn pass(way: &Way<'_>, leg: &Leg, spec: ConfigSpec, passing: &mut BTreeMap<RelPath, Passing>) -> Result<(), StepError> {
    let failed = |e: disk::DiskError| StepError::because("NL0312", &e);
    if !passing.contains_key(&spec.file) {
        let live = disk::followed(&spec.file.under(&way.layout.config()));
        let default = spec.file.under(&way.tree.join(package::CONFIG_DEFAULTS));
        let (before, now) = if live.exists() {
            let bytes = disk::read_limited(&live, product::CONFIG_LIMIT).map_err(failed)?;
            (bytes.clone(), bytes)
        } else if default.exists() {
            (
                Vec::new(),
                disk::read_limited(&default, product::CONFIG_LIMIT).map_err(failed)?,
            )
        } else {
            return Ok(());
        };
        let is_new = !live.exists();
        let file = Passing {
            spec: spec.clone(),
            before,
            now,
            notes: Vec::new(),
            refused: None,
            open: Vec::new(),
        };
        passing.insert(spec.file.clone(), file);
        if is_new {
            return Ok(());
        }
    }
    let Some(file) = passing.get_mut(&spec.file).filter(|file| file.refused.is_none()) else {
        return Ok(());
    };
    match outcome(way, &spec, &file.now) {
        Ok(now) => {
            file.now = now.bytes;
            file.notes.extend(now.notes);
        }
        Err(refused) => {
            file.open = refused.open;
            let failure = refused.error.into_failure();
            file.refused = Some(format!("{} at {}: {}", failure.code, leg.to, failure.message));
        }
    }
    file.spec = spec;
    Ok(())
}

fn told(way: &Way<'_>, file: &Passing) -> Option<ConfigChange> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = format!("config/{}", file.spec.file);
    let shown = diff(
        file.spec.format(),
        &name,
        &text(&file.before),
        &text(&file.now),
        &secrets(way, &file.spec),
    );
    let says_something = !shown.is_empty() || !file.notes.is_empty() || file.refused.is_some();
    says_something.then(|| ConfigChange {
        file: file.spec.file.clone(),
        diff: shown,
        notes: file.notes.clone(),
        refused: file.refused.clone(),
        open: file.open.clone(),
    })
}
