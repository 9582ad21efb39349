//! Lets go of what is no longer needed: old backups, and releases that are neither the new one nor the one to go back to.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Work, leave, nothing};
use crate::backup::keys::KeysError;
use crate::backup::{self, BackupError};
use crate::engine::{Context, StepError, backups};
use crate::plan::{Direction, Step};
use crate::release::{HookPoint, counted};
use crate::{clock, disk};

pub const WORK: Work = Work {
    prepare: nothing,
    apply,
    undo: leave,
};

fn apply(cx: &Context<'_>, _: &Step, _: &Value) -> Result<String, StepError> {
    // What leads nowhere: the way back to where one came from stays.
    let releases = match cx.plan.direction() {
        Direction::Repair | Direction::Schema => 0,
        Direction::Install | Direction::Up | Direction::Down => forget_releases(cx)?,
    };
    let backups = forget_backups(cx)?;
    forget_set_aside(cx)?;
    cx.run_hooks(HookPoint::PostUpdate)?;
    Ok(format!(
        "{} and {} let go",
        counted(releases, "release"),
        counted(backups, "backup")
    ))
}

fn forget_releases(cx: &Context<'_>) -> Result<usize, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0319", e);
    let kept: BTreeSet<String> = cx
        .plan
        .from()
        .into_iter()
        .chain([cx.plan.to()])
        .map(ToString::to_string)
        .collect();
    let mut gone = 0;
    for entry in std::fs::read_dir(cx.layout.releases()).map_err(|e| failed(&e))? {
        let entry = entry.map_err(|e| failed(&e))?;
        if !entry.file_name().to_str().is_some_and(|name| kept.contains(name)) {
            disk::remove_tree(&entry.path()).map_err(|e| failed(&e))?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// What was set aside goes when an update has completed and the backups of its time go too.
fn forget_set_aside(cx: &Context<'_>) -> Result<(), StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0319", e);
    let dir = cx.layout.all_set_aside();
    let entries = match std::fs::read_dir(&dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(|e| failed(&e))?,
    };
    let days = u64::from(cx.settings.backup.retention_days);
    let retention = std::time::Duration::from_secs(days.saturating_mul(24 * 60 * 60));
    for entry in entries {
        let entry = entry.map_err(|e| failed(&e))?;
        let age = entry
            .metadata()
            .and_then(|meta| meta.modified())
            .map_err(|e| failed(&e))?;
        if clock::age_of(age).is_some_and(|age| age > retention) {
            disk::remove_tree(&entry.path()).map_err(|e| failed(&e))?;
        }
    }
    Ok(())
}

/// Backups that a way back may need are kept, however short the retention; this very update is one of them.
fn forget_backups(cx: &Context<'_>) -> Result<usize, StepError> {
    let failed = |e: &(dyn std::error::Error + 'static)| StepError::because("NL0319", e);
    let home = backups::home(cx.layout, cx.settings, None).map_err(|e| failed(&e))?;
    let repository = match backup::home::find(&home) {
        Ok(Some(repository)) => repository,
        Ok(None) => return Ok(0),
        // Without the key there is nothing that could be told to be ours.
        Err(BackupError::Keys(KeysError::NoKeyFile { .. } | KeysError::NotOpened { .. })) => return Ok(0),
        Err(e) => return Err(failed(&e)),
    };
    let listed = backup::list(&repository).map_err(|e| failed(&e))?;
    let needed = backups::needed(cx.store, Some(cx.plan.to()), &listed).map_err(|e| failed(&e))?;
    let keep = backups::keep(cx.settings, needed);
    let root = cx.layout.root().to_string_lossy();
    let now = clock::now();
    if backup::expired(&listed, &root, &keep, now).is_empty() {
        return Ok(0);
    }
    let repository = backup::home::existing_to_write(&home).map_err(|e| failed(&e))?;
    let pruned = backup::prune(&repository, &root, &keep, now).map_err(|e| failed(&e))?;
    Ok(pruned.removed.len())
}
