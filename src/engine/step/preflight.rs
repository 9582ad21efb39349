//! Before anything is touched: room on disk, permission to write, the installation as planned, configuration and schema as
//! the installed version left them. An unhealthy product warns only: the update may be what repairs it.

use serde_json::Value;

use super::{Work, leave, nothing, schema};
use crate::engine::failure::{DISK_FULL, PERMISSION};
use crate::engine::{Context, StepError, backups, extensions, knows, product, servers};
use crate::migrate;
use crate::package::Staged;
use crate::plan::{self, Direction, FoundExtensions, Leg, Step, Strategy};
use crate::release::{HookPoint, ReleaseManifest};
use crate::{disk, target};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, _: &Step, _: &Value) -> Result<String, StepError> {
    enough_room(cx)?;
    may_write(cx)?;
    kept_releases_are_whole(cx)?;
    let Some(from) = cx.plan.from() else {
        cx.run_hooks(HookPoint::PreUpdate)?;
        return Ok("room, permissions".into());
    };
    let is_repair = cx.plan.direction() == Direction::Repair;
    let active = cx.layout.active();
    if active.as_ref() != Some(from) && !(is_repair && active.is_none()) {
        let found = active.map_or("none".to_owned(), |version| version.to_string());
        let message = "the installation changed since the plan was made; run `netlink update plan` again";
        return Err(StepError::new("NL0322", message).expected(from.to_string(), found));
    }
    let manifest = match product::manifest(cx.layout, from) {
        // What could be looked at is what is missing.
        Err(_) if is_repair => {
            cx.run_hooks(HookPoint::PreUpdate)?;
            return Ok("room, permissions; the installed release cannot be read".into());
        }
        read => read?,
    };
    config_parses(cx, &manifest)?;
    schema_is_as_planned(cx, &manifest)?;
    servers_can_be_dumped(cx, &manifest)?;
    extensions_are_as_planned(cx, &manifest)?;
    cx.run_hooks(HookPoint::PreUpdate)?;
    Ok(
        match (
            target::status(cx.layout.root()),
            product::is_healthy(cx.layout, cx.settings, &manifest),
        ) {
            (Ok(status), Err(error)) if status.is_running() => {
                format!("warning: {} before the update", error.into_failure().message)
            }
            _ => "room, permissions, configuration, schema".into(),
        },
    )
}

fn enough_room(cx: &Context<'_>) -> Result<(), StepError> {
    let needed = cx.plan.cost().disk_bytes;
    let free = disk::free_space(cx.layout.root()).map_err(|e| StepError::because("NL0320", &e))?;
    if free >= needed {
        return Ok(());
    }
    let message = format!(
        "not enough room on the disk of {}: {needed} bytes are needed, {free} are free; make room and try again",
        cx.layout.root().display()
    );
    Err(StepError::new(DISK_FULL, message).expected(format!("{needed} bytes free"), format!("{free} bytes free")))
}

/// Found now rather than when the product is stopped: a release on this disk that is no longer what was published.
fn kept_releases_are_whole(cx: &Context<'_>) -> Result<(), StepError> {
    let needed = |leg: &&Leg| leg.strategy == Strategy::None && schema::source(cx, leg) == &leg.to;
    let kept = cx.plan.legs().iter().filter(needed);
    for leg in kept {
        let dir = cx.layout.release(&leg.to);
        Staged::check(&dir).map_err(|e| {
            let found = StepError::because("NL0306", &e).into_failure().message;
            let remedy = format!("remove {} and it is fetched anew", dir.display());
            StepError::new("NL0306", format!("{found}; {remedy}"))
        })?;
    }
    Ok(())
}

/// Tries writing in each folder that the update will write to.
fn may_write(cx: &Context<'_>) -> Result<(), StepError> {
    let layout = cx.layout;
    for dir in [
        layout.root().to_path_buf(),
        layout.releases(),
        layout.data(),
        layout.config(),
        layout.state(),
    ] {
        disk::try_writing(&dir).map_err(|e| {
            let code = if e.is_permission() { PERMISSION } else { "NL0320" };
            StepError::because(code, &e)
        })?;
    }
    Ok(())
}

fn config_parses(cx: &Context<'_>, manifest: &ReleaseManifest) -> Result<(), StepError> {
    for spec in &manifest.config {
        let file = &spec.file;
        let path = file.under(&cx.layout.config());
        let text =
            disk::read_text_limited(&path, product::CONFIG_LIMIT).map_err(|e| StepError::because("NL0303", &e))?;
        migrate::config::check(spec.format(), file.as_str(), &text).map_err(|e| {
            let failure = StepError::because("NL0303", &e).into_failure();
            StepError::new(
                "NL0303",
                format!(
                    "{} is broken; mend it and try again: {}",
                    path.display(),
                    failure.message
                ),
            )
        })?;
    }
    Ok(())
}

/// Found now rather than by the backup, after everything was fetched.
fn servers_can_be_dumped(cx: &Context<'_>, manifest: &ReleaseManifest) -> Result<(), StepError> {
    if !backups::are_made(cx.settings) {
        return Ok(());
    }
    for server in servers(cx.layout, cx.settings, manifest)? {
        server.check().map_err(|e| StepError::because(e.code(), &e))?;
    }
    Ok(())
}

/// Whoever has installed one since the plan was made hears of it before anything changes.
fn extensions_are_as_planned(cx: &Context<'_>, manifest: &ReleaseManifest) -> Result<(), StepError> {
    if !matches!(cx.plan.direction(), Direction::Up | Direction::Down) {
        return Ok(());
    }
    let FoundExtensions::Known(found) = extensions::known(cx.layout, cx.store, cx.settings, manifest)? else {
        return Ok(());
    };
    let unforeseen = plan::unforeseen(cx.plan.legs(), &found);
    if unforeseen.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = unforeseen.iter().map(ToString::to_string).collect();
    let message = format!(
        "extensions do not fit that were not there when the plan was made: {}",
        told.join("; ")
    );
    Err(StepError::new("NL0123", message))
}

fn schema_is_as_planned(cx: &Context<'_>, manifest: &ReleaseManifest) -> Result<(), StepError> {
    let (Some(_), Some(leg)) = (&manifest.database, cx.plan.legs().first()) else {
        return Ok(());
    };
    let found = knows::level_of(cx.layout, manifest)?;
    match leg.schema {
        Some(planned) if planned.from != found => {
            let text =
                |level: Option<u32>| level.map_or("no schema".to_owned(), |level| format!("schema level {level}"));
            let message = "the database changed since the plan was made; run `netlink update plan` again";
            Err(StepError::new("NL0304", message).expected(text(planned.from), text(found)))
        }
        _ => Ok(()),
    }
}
