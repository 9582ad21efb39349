//! Tries the migrations of schema and configuration on copies while the product still runs.

use serde_json::Value;

use super::{Work, config, nothing, schema};
use crate::engine::{Context, StepError, product};
use crate::plan::Step;
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
    let manifest = product::manifest(cx.layout, &leg.to)?;
    let mut said = Vec::new();
    for tried in config::trial(cx, leg)? {
        said.push(tried);
    }
    if let (Some(planned), Some(database)) = (leg.schema, &manifest.database) {
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

fn try_schema(
    cx: &Context<'_>,
    step: &Step,
    live: &std::path::Path,
    work: &schema::Migration,
) -> Result<String, StepError> {
    let trials = cx.layout.staging().join("trial");
    let copy = trials.join(format!("{}.db", step.id.0));
    disk::create_dir_all(&trials).map_err(|e| StepError::because("NL0320", &e))?;
    store::copy_live(live, &copy).map_err(|e| StepError::because("NL0307", &e))?;
    let report = match work {
        schema::Migration::Up { files, to } => migrate::schema::trial_up(&copy, files, *to),
        schema::Migration::Down { downs, to } => migrate::schema::trial_down(&copy, downs, *to),
    };
    let report = report.map_err(|e| StepError::because("NL0307", &e))?;
    Ok(format!("schema in {:.2} s", report.seconds()))
}

fn clear(cx: &Context<'_>) -> Result<(), StepError> {
    disk::remove_tree(&cx.layout.staging().join("trial")).map_err(|e| StepError::because("NL0320", &e))
}

fn undo(cx: &Context<'_>, _: &Step, _: &Value) -> Result<(), StepError> {
    clear(cx)
}
