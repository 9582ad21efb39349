//! Why a schema could not be read or moved, and on which file or level.

use std::path::PathBuf;

use crate::disk::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("cannot {action} the database {}", path.display())]
    Sqlite {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the migration file {} {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("the migrations in {} have no level {missing} although they have a higher one", folder.display())]
    Gap { folder: PathBuf, missing: u32 },
    #[error("level {level} ({name}) failed and was taken back whole")]
    Migration {
        level: u32,
        name: String,
        #[source]
        source: Box<StepError>,
    },
    #[error("the history of the database {} is unreadable: {reason}", path.display())]
    History { path: PathBuf, reason: String },
    #[error("the database is at level {level}, but level {missing} is missing in its history")]
    Missing { level: u32, missing: u32 },
    #[error(
        "level {level} was applied as `{applied}`, but the file at hand is `{at_hand}` or has another content: \
         an applied migration must never change"
    )]
    Changed {
        level: u32,
        applied: String,
        at_hand: String,
    },
    #[error("the database is ahead: it is at level {found}, the files know levels up to {known}")]
    Ahead { found: u32, known: u32 },
    #[error("the database is at level {level}, which is already beyond the target {target}")]
    TargetBelow { level: u32, target: u32 },
    #[error("the database is at level {level}, which is already below the target {target}")]
    TargetAbove { level: u32, target: u32 },
    #[error("the target level {target} is not among the files, which know levels up to {known}")]
    TargetUnknown { target: u32, known: u32 },
    #[error("level {level} cannot be taken back: {reason}")]
    NoWayDown { level: u32, reason: &'static str },
    #[error("the database {} is damaged: {found}", path.display())]
    Damaged { path: PathBuf, found: String },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why the transaction of one level was rolled back.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(
        "a migration may not use BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ATTACH or DETACH: \
         it and its history row are one transaction"
    )]
    ControlsTransaction(#[source] rusqlite::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{count} rows now point to nothing, the first in {table} pointing to {parent}")]
    BrokenReferences {
        count: usize,
        table: String,
        parent: String,
    },
    #[error("it was applied by someone else meanwhile, or its history row was not found")]
    HistoryMoved,
    #[error(transparent)]
    Refinery(#[from] refinery::Error),
}
