//! The installation's backup repository, for steps of an update and for commands alike.

use std::collections::BTreeSet;

use super::{Layout, backup_key};
use crate::backup::keys::{Author, KeysError, LOSS, Unlock};
use crate::backup::{self, BackupError, BackupId, Home, Keep, Listed, Repository, Resealed};
use crate::clock;
use crate::journal::Outcome;
use crate::plan::Direction;
use crate::release::counted;
use crate::settings::Settings;
use crate::store::{Store, StoreError, UpdateRecord};
use crate::version::Version;

/// Where the backups lie and what opens them: as the settings say, unless it is given.
pub fn home(layout: &Layout, settings: &Settings, given: Option<&Unlock>) -> Result<Home, KeysError> {
    let root = layout.root();
    let unlock = match given {
        Some(unlock) => unlock.clone(),
        None => backup_key::unlock(&settings.backup, layout)?,
    };
    Ok(Home {
        folder: settings.backup.directory_under(root),
        private: settings.backup.own_directory_under(root).is_some(),
        unlock,
    })
}

/// Whether updates back up.
pub fn are_made(settings: &Settings) -> bool {
    settings.backup.enabled && settings.behavior.auto_backup
}

/// Who makes the keys of a new repository.
pub fn author(by: &str) -> Author {
    Author {
        by: by.to_owned(),
        at: clock::now(),
    }
}

/// What it means to lose the keys, as long as there is no backup: whoever makes the first must hear it, in whatever try.
pub fn warning(repository: &Repository) -> Result<Option<&'static str>, BackupError> {
    let listed = backup::list(repository)?;
    Ok(listed.iter().all(|one| one.record().is_none()).then_some(LOSS))
}

/// A share of what a rotation of the master key has left to do; none when there is nothing, or when the settings want none.
pub fn reseal_share(repository: &Repository, settings: &Settings) -> Option<Result<Resealed, BackupError>> {
    let share = settings.backup.rotation_share;
    if share.is_zero() || repository.keyring().older().is_empty() {
        return None;
    }
    match backup::reseal(repository, Some(share), &mut |_| {}) {
        Ok(resealed) if resealed == Resealed::default() => None,
        done => Some(done),
    }
}

/// What is to be heard of such a share. The backup before it counts, whatever came of this.
pub fn said_of_share(done: &Result<Resealed, BackupError>) -> String {
    match done {
        Ok(done) if done.left_files == 0 => "the rotation of the master key is finished".into(),
        Ok(done) if done.problems.is_empty() => format!(
            "the rotation of the master key goes on: {} left; `netlink backup keys rotate --master` finishes it",
            counted(done.left_files, "file")
        ),
        Ok(done) => format!(
            "the rotation of the master key cannot be finished: {} damaged; run `netlink backup repair`",
            counted(done.left_files, "file")
        ),
        Err(e) => format!("the rotation of the master key did not go on: {}", backup::reason(e)),
    }
}

/// Backups of every update that `rollback` could go back from while `installed` is in place, and of the last one and one that is not
/// finished, however they end.
pub fn needed(store: &Store, installed: Option<&Version>, listed: &[Listed]) -> Result<BTreeSet<BackupId>, StoreError> {
    let updates = store.history(u32::MAX)?;
    let leads = |update: &UpdateRecord| {
        update.outcome == Some(Outcome::Completed) && update.plan.direction() != Direction::Repair
    };
    let last_led = updates.iter().find(|update| leads(update)).map(|update| &update.id);
    let is_needed = |(nth, update): &(usize, &UpdateRecord)| {
        *nth == 0
            || update.outcome.is_none()
            || last_led == Some(&update.id)
            || leads(update) && installed == Some(update.plan.to())
    };
    let needed: BTreeSet<&str> = updates
        .iter()
        .enumerate()
        .filter(is_needed)
        .map(|(_, one)| one.id.as_str())
        .collect();
    let made_for = |one: &&Listed| one.made_for().is_some_and(|update| needed.contains(update));
    Ok(listed.iter().filter(made_for).map(|one| one.id.clone()).collect())
}

/// Which backups the settings keep, besides those that are `needed`.
pub fn keep(settings: &Settings, needed: BTreeSet<BackupId>) -> Keep {
    let backup = &settings.backup;
    Keep {
        days: u64::from(backup.retention_days),
        last: backup.keep_last,
        daily: backup.keep_daily,
        weekly: backup.keep_weekly,
        monthly: backup.keep_monthly,
        needed,
    }
}
