//! `netlink backup …` against a server.

use serde::Deserialize;
use serde_json::json;

use super::tickets::done;
use super::wire::{Wire, failed};
use crate::app::{BackupFileView, BackupView};
use crate::backup::{BackupId, Contents, Listed, Record};
use crate::cli::args::{BackupVerb, Global};
use crate::cli::backup as shown;
use crate::cli::output::{Result, confirm};

/// So many files of a backup are asked for at once.
const PAGE: &str = "10000";

#[derive(Deserialize)]
struct Backups {
    backups: Vec<BackupView>,
}

#[derive(Deserialize)]
struct Files {
    backup: BackupView,
    files: Vec<BackupFileView>,
    next: Option<String>,
}

pub fn run(global: &Global, wire: &Wire, verb: &BackupVerb) -> Result<()> {
    match verb {
        BackupVerb::List { .. } => shown::show_list(global, &list(wire)?),
        BackupVerb::Show { id, .. } => shown::show_contents(global, &contents(wire, id)?),
        BackupVerb::Create { full, .. } => {
            let made = done(global, wire, "/backups", &json!({"full": full}))?;
            shown::show_made(global, &record(wire, made)?)
        }
        BackupVerb::Verify { id: Some(id), .. } => {
            let whole = done(global, wire, &format!("/backups/{id}/verify"), &json!({}))?;
            shown::show_whole(global, record(wire, whole)?)
        }
        BackupVerb::Drill { id, .. } => {
            let drilled = done(global, wire, &format!("/backups/{id}/drill"), &json!({}))?;
            shown::show_drilled(global, &drilled)
        }
        BackupVerb::Prune { .. } => {
            let pruned = done(global, wire, "/backups/prune", &json!({}))?;
            shown::show_pruned(global, &pruned)
        }
        BackupVerb::Restore { id, only, .. } => {
            let only = shown::paths(only)?;
            confirm(global, &format!("Replace files at {} by those of {id}?", wire.shown()))?;
            let restored = done(global, wire, &format!("/backups/{id}/restore"), &json!({"only": only}))?;
            shown::show_restored(global, &restored)
        }
        BackupVerb::Verify { id: None, .. } | BackupVerb::Repair { .. } | BackupVerb::Keys(_) => {
            super::refuse(&[("what was asked for", true)])
        }
    }
}

fn list(wire: &Wire) -> Result<Vec<Listed>> {
    let Backups { backups } = wire.look_long("/backups", &[])?;
    backups.into_iter().map(|backup| listed(wire, backup)).collect()
}

fn contents(wire: &Wire, id: &BackupId) -> Result<Contents> {
    let (mut found, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("limit", PAGE)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let Files { backup, files, next } = wire.look_long(&format!("/backups/{id}"), &query)?;
        found.extend(files.into_iter().map(Into::into));
        match next {
            Some(next) => cursor = Some(next),
            None => {
                let record = record(wire, backup)?;
                return Ok(Contents { record, files: found });
            }
        }
    }
}

fn listed(wire: &Wire, backup: BackupView) -> Result<Listed> {
    backup.into_listed().ok_or_else(|| lacks_its_record(wire))
}

fn record(wire: &Wire, backup: BackupView) -> Result<Record> {
    backup.record.ok_or_else(|| lacks_its_record(wire))
}

fn lacks_its_record(wire: &Wire) -> crate::cli::output::Failed {
    failed(wire.remote.garbled("a backup without its record".to_owned()))
}
