//! Why a schema could not be read or moved, and on which file or level.

use std::path::PathBuf;
use std::time::Duration;

use super::witness::{NotKept, Way};
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
    #[error("cannot {action} {place}")]
    Database {
        action: &'static str,
        place: String,
        #[source]
        source: Box<StepError>,
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
    #[error("the history of {place} is unreadable: {reason}")]
    History { place: String, reason: String },
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
    #[error("{place} is damaged: {found}")]
    Damaged { place: String, found: String },
    #[error(
        "level {level} ({name}) was cut off {} at statement {number} of {count} (line {line}): those before it are done, it may be, and \
         the file does not say `rerunnable`; restore the backup from before, or make the schema by hand what it was before the file",
        match way { Way::Up => "on its way up", Way::Down => "on its way down" }
    )]
    CutOff {
        level: u32,
        name: String,
        way: Way,
        number: usize,
        count: usize,
        line: usize,
    },
    #[error("a new copy to try on could not be made")]
    NoCopy {
        #[source]
        source: NotKept,
    },
    #[error(
        "given up after {} s: a migration that takes longer on a copy would keep the product stopped for longer; \
         raise `update_system.safety.trial_budget` in config/update.yml if that may be",
        budget.as_secs_f64()
    )]
    OverBudget { budget: Duration },
    #[error("the way back from level {level} could not be kept")]
    NotKept {
        level: u32,
        #[source]
        source: NotKept,
    },
    #[error("the migration has not led to level {level} as it was tried")]
    Elsewhere {
        level: u32,
        #[source]
        source: NotKept,
    },
    #[error(
        "whether the database was given a write-ahead log for the run is not known; try again, with room on the disk of `.netlink`"
    )]
    Log {
        #[source]
        source: NotKept,
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
         it and its history row are one transaction ({said})"
    )]
    ControlsTransaction { said: String },
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("another NetLink has been migrating the database for {} s", patience.as_secs_f64())]
    AnotherMigrates { patience: Duration },
    #[error("the place of a statement in its file could not be kept")]
    NotKept(#[source] NotKept),
    #[error(
        "statement in line {line} changes rows again and again: {rows} until now, and {table} has {has}; \
         narrow it to those that are still to be changed"
    )]
    Endless {
        line: usize,
        table: String,
        rows: u64,
        has: u64,
    },
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
    #[error("it needs {what} {needed}, this is {found}")]
    Server {
        what: &'static str,
        needed: String,
        found: String,
    },
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
            Self::Refused(refused) => refused.why == Why::Interrupted,
            Self::Statement { source, .. } => source.is_interrupted(),
            Self::LeftOff => true,
            _ => false,
        }
    }
}

/// What a database server said.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct Refused {
    pub(super) said: String,
    pub(super) why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody else has a lock.
    Locked,
    /// It took longer than it may.
    Interrupted,
    Other,
}

impl Refused {
    pub(super) fn other(said: impl Into<String>) -> StepError {
        let (said, why) = (said.into(), Why::Other);
        StepError::Refused(Self { said, why })
    }

    /// Told as what it means, where it is a lock that was waited for.
    pub(super) fn after(self, patience: Duration) -> StepError {
        match self.why {
            Why::Locked => StepError::Locked { patience },
            Why::Interrupted | Why::Other => StepError::Refused(self),
        }
    }
}

/// With its causes, in one sentence.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
