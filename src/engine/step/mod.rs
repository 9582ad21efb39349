//! One step a file. Each can be applied and undone again after a crash at any instruction; what its undo needs is gathered by
//! `prepare`, which itself touches nothing but the update's own undo folder.

mod backup;
mod config;
mod dependencies;
mod download;
mod environment;
mod exchange;
mod extensions;
mod health;
mod machine;
mod maintenance_off;
mod maintenance_on;
mod place;
mod preflight;
mod put_back;
mod quiet;
mod record;
mod restored;
mod retention;
mod schema;
mod schema_own;
mod schema_parts;
mod stage;
mod start;
mod stop;
mod switch;
mod trial;
mod validate;

pub use config::{ConfigChange, MIGRATIONS as CONFIG_MIGRATIONS, OpenConflict, preview_config};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Context, StepError};
use crate::plan::{Step, StepKind};

/// The three parts of a step.
pub struct Work {
    /// Looks and copies; gives what `apply` and `undo` will go by. Never null.
    pub prepare: fn(&Context<'_>, &Step) -> Result<Value, StepError>,
    /// Does it and says in words what was done.
    pub apply: fn(&Context<'_>, &Step, &Value) -> Result<String, StepError>,
    pub undo: fn(&Context<'_>, &Step, &Value) -> Result<(), StepError>,
}

pub fn of(kind: StepKind) -> Work {
    match kind {
        StepKind::Preflight => preflight::WORK,
        StepKind::Download => download::WORK,
        StepKind::Stage => stage::WORK,
        StepKind::Environment => environment::WORK,
        StepKind::Trial => trial::WORK,
        StepKind::Backup => backup::WORK,
        StepKind::MaintenanceOn => maintenance_on::WORK,
        StepKind::SchemaBefore => schema_parts::BEFORE,
        StepKind::Stop => stop::WORK,
        StepKind::ExtensionsOff => extensions::OFF,
        StepKind::Exchange => exchange::WORK,
        StepKind::Dependencies => dependencies::WORK,
        StepKind::Config => config::WORK,
        StepKind::Schema => schema::WORK,
        StepKind::Switch => switch::WORK,
        StepKind::ExtensionsOn => extensions::ON,
        StepKind::Start => start::WORK,
        StepKind::Health => health::WORK,
        StepKind::Validate => validate::WORK,
        StepKind::SchemaAfter => schema_parts::AFTER,
        StepKind::Record => record::WORK,
        StepKind::MaintenanceOff => maintenance_off::WORK,
        StepKind::Retention => retention::WORK,
    }
}

/// For steps whose undo needs to know nothing.
fn nothing(_: &Context<'_>, _: &Step) -> Result<Value, StepError> {
    Ok(json!({}))
}

/// For steps that leave nothing to undo.
fn leave(_: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    Ok(())
}

/// Reads back what `prepare` gathered.
fn gathered<T: DeserializeOwned>(undo: &Value) -> Result<T, StepError> {
    serde_json::from_value(undo.clone()).map_err(|e| StepError::because("NL0322", &e))
}

fn keep<T: serde::Serialize>(undo: &T) -> Result<Value, StepError> {
    serde_json::to_value(undo).map_err(|e| StepError::because("NL0322", &e))
}
