//! Why a schema could not be read or moved, and on which file or level.

use std::path::PathBuf;
use std::time::Duration;

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
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Mistake {
        path: PathBuf,
        line: usize,
        column: usize,
        problem: String,
    },
    #[error("the migrations in {} have no level {missing} although they have a higher one", folder.display())]
    Gap { folder: PathBuf, missing: u32 },
    #[error("level {level} ({name}) failed{}", if *whole { " and was taken back whole" } else { "" })]
    Migration {
        level: u32,
        name: String,
        /// Nothing of it stayed.
        whole: bool,
        #[source]
        source: Box<StepError>,
    },
    #[error("the history of the database {} is unreadable: {reason}", path.display())]
    History { path: PathBuf, reason: String },
    #[error("the history of the database has level {level} twice, as `{first}` and as `{second}`")]
    Duplicate { level: u32, first: String, second: String },
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
    NoWayDown { level: u32, reason: String },
    #[error("the database {} is damaged: {found}", path.display())]
    Damaged { path: PathBuf, found: String },
    #[error(
        "given up after {} s: a migration that takes longer on a copy would keep the product stopped for longer; \
         raise `safety.trial_budget` in config/update.yml if that may be",
        budget.as_secs_f64()
    )]
    OverBudget { budget: Duration },
    #[error("the way back from level {level} could not be kept")]
    NotKept {
        level: u32,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl SchemaError {
    /// Nothing is wrong: somebody wanted it to leave off, and it goes on from there.
    pub fn is_left_off(&self) -> bool {
        matches!(self, Self::Migration { source, .. } if matches!(**source, StepError::LeftOff))
    }
}

/// Why a level came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(
        "a migration may not use BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ATTACH or DETACH: \
         it and its history row are one transaction"
    )]
    ControlsTransaction(#[source] rusqlite::Error),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("statement {number} of {count} (line {line}) failed; those before it stay")]
    Statement {
        number: usize,
        count: usize,
        line: usize,
        #[source]
        source: Box<StepError>,
    },
    #[error("{count} rows now point to nothing, the first in {table} pointing to {parent}")]
    BrokenReferences {
        count: usize,
        table: String,
        parent: String,
    },
    #[error("another program has kept the database locked for {} s", patience.as_secs_f64())]
    Locked { patience: Duration },
    #[error("it needs SQLite {needed}, this is {found}")]
    Server { needed: String, found: String },
    #[error("{message} (`{query}`: {found})")]
    Required {
        message: String,
        query: String,
        found: String,
    },
    #[error("what must hold after it does not: {place}: `{query}`: {found}")]
    NotVerified {
        place: String,
        query: String,
        found: String,
    },
    #[error("the schema after it is not the one from before: {difference}")]
    OtherSchema { difference: String },
    #[error("it was left off between two batches")]
    LeftOff,
    #[error("it was applied by someone else meanwhile, or its history row was not found")]
    HistoryMoved,
    #[error(transparent)]
    Refinery(#[from] refinery::Error),
}

impl StepError {
    /// It was stopped from outside, not by anything in it.
    pub(super) fn is_interrupted(&self) -> bool {
        match self {
            Self::Sqlite(e) => e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted),
            Self::Statement { source, .. } => source.is_interrupted(),
            Self::LeftOff => true,
            _ => false,
        }
    }
}
