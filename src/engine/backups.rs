//! The installation's backup repository, for steps of an update and for commands alike.

use std::collections::BTreeSet;

use super::{Layout, backup_key};
use crate::backup::keys::{Author, KeysError, Unlock};
use crate::backup::{BackupId, Home, Keep};
use crate::clock;
use crate::settings::Settings;

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
