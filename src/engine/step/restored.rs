//! The database as a backup has it, where no way down leads back: the operator has taken the loss of what was written since.

use crate::backup::{self, BackupError, BackupId, Dumps, Repository, Selection};
use crate::engine::{Context, StepError, backups, product, servers};
use crate::migrate::schema::{self, Place};
use crate::plan::Step;
use crate::release::RelPath;
use crate::{disk, store};

fn because(error: &BackupError) -> StepError {
    StepError::because(error.code(), error)
}

fn open(cx: &Context<'_>, backup: &str) -> Result<(Repository, BackupId), StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0341", e);
    let home = backups::home(cx.layout, cx.settings, None).map_err(|e| failed(&e))?;
    let repository = backup::home::existing(&home).map_err(|e| because(&e))?;
    Ok((
        repository,
        backup.parse().map_err(|e: backup::BackupIdError| failed(&e))?,
    ))
}

/// Before anything stops: every byte of it can be read. Gives when it was made.
pub fn verified(cx: &Context<'_>, backup: &str) -> Result<String, StepError> {
    let (repository, id) = open(cx, backup)?;
    let record = backup::verify(&repository, &id).map_err(|e| because(&e))?;
    Ok(format!("of {}", record.created))
}

/// Puts it in the place of the live one. Repeatable.
pub fn from_backup(cx: &Context<'_>, step: &Step, backup: &str, place: &Place, to: u32) -> Result<String, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0313", e);
    let (repository, id) = open(cx, backup)?;
    match place {
        Place::Sqlite(live) => {
            let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
            let path = product::databases(cx.layout, &manifest).pop();
            let path: RelPath = path.ok_or_else(|| StepError::new("NL0313", "the database is gone"))?;
            let scratch = cx.layout.staging().join("restored");
            disk::remove_tree(&scratch).map_err(|e| failed(&e))?;
            let only = Selection::Only(vec![path.clone()]);
            backup::restore(&repository, &id, &only, &scratch, Dumps::AsFiles).map_err(|e| because(&e))?;
            store::put_back(&path.under(&scratch), live).map_err(|e| failed(&e))?;
            disk::remove_tree(&scratch).map_err(|e| failed(&e))?;
        }
        Place::Server(_) => {
            let manifest = product::manifest(cx.layout, &cx.leg(step)?.to)?;
            let servers = servers(cx.layout, cx.settings, &manifest)?;
            backup::restore_dumps(&repository, &id, &servers).map_err(|e| because(&e))?;
        }
    }
    let found = schema::level(place).map_err(|e| failed(&e))?;
    if found == Some(to) {
        return Ok(format!("level {to}: from backup {id}"));
    }
    let found = found.map_or("no schema".to_owned(), |level| format!("schema level {level}"));
    let message = format!("backup {id} has the database at another level than the release needs");
    Err(StepError::new("NL0341", message).expected(format!("schema level {to}"), found))
}
