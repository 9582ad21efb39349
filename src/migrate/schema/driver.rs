//! One level in one transaction, and refinery's traits over it.
//!
//! refinery's own driver would do for the happy case: grouped, it runs the SQL and the history row in one transaction. But
//! it leaves foreign keys on, lets a file's own COMMIT end that transaction half-way, and panics on a history it cannot parse.

use std::time::Duration;

use refinery::Migration;
use refinery_core::traits::sync::{Migrate, Query, Transaction};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::directives::{Directives, ForeignKeys, Phase, Transaction as Mode};
use super::error::StepError;
use super::files::LevelFiles;
use super::{checks, foreign_keys, sql};
use crate::store::BUSY_TIMEOUT;

/// How a transaction treats what it touches.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    pub(super) foreign_keys: ForeignKeys,
    /// How long another one's lock is waited for.
    pub(super) patience: Option<Duration>,
}

impl Manner {
    pub(super) fn of(said: &Directives) -> Self {
        Self {
            foreign_keys: said.foreign_keys,
            patience: said.lock_timeout,
        }
    }
}

/// Runs `steps` between BEGIN and COMMIT, all of them or none.
pub(super) fn in_one_transaction<T>(
    connection: &mut Connection,
    manner: Manner,
    steps: impl FnOnce(&mut Connection) -> Result<T, StepError>,
) -> Result<T, StepError> {
    begin(connection, manner)?;
    let done = guarded(connection, manner, steps).and_then(|value| {
        connection.execute_batch("COMMIT")?;
        Ok(value)
    });
    if done.is_err() && !connection.is_autocommit() {
        // The error that led here says more than one of the rollback, which closing the connection does anyway.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// As [`in_one_transaction`], but nothing of it stays.
pub(super) fn in_vain<T>(
    connection: &mut Connection,
    manner: Manner,
    steps: impl FnOnce(&mut Connection) -> Result<T, StepError>,
) -> Result<T, StepError> {
    begin(connection, manner)?;
    let done = guarded(connection, manner, steps);
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    done
}

fn begin(connection: &Connection, manner: Manner) -> Result<(), StepError> {
    let patience = manner.patience.unwrap_or(BUSY_TIMEOUT);
    connection.busy_timeout(patience)?;
    // Without effect within a transaction, hence before it.
    connection.pragma_update(None, "foreign_keys", manner.foreign_keys != ForeignKeys::OffAndCheck)?;
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(|e| match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                StepError::Locked { patience }
            }
            _ => StepError::Sqlite(e),
        })?;
    if manner.foreign_keys == ForeignKeys::Defer {
        connection.pragma_update(None, "defer_foreign_keys", true)?;
    }
    Ok(())
}

fn guarded<T>(
    connection: &mut Connection,
    manner: Manner,
    steps: impl FnOnce(&mut Connection) -> Result<T, StepError>,
) -> Result<T, StepError> {
    if manner.foreign_keys != ForeignKeys::OffAndCheck {
        return steps(connection);
    }
    let before = foreign_keys::broken(connection)?;
    let done = steps(connection)?;
    foreign_keys::none_new(&before, &foreign_keys::broken(connection)?)?;
    Ok(done)
}

/// Runs a product's SQL. SQLite itself says what a statement is, so a trigger's BEGIN … END is none of ours.
pub(super) fn run_foreign_sql(connection: &mut Connection, sql: &str) -> Result<(), StepError> {
    connection.authorizer(Some(keeps_transaction))?;
    let run = connection.execute_batch(sql);
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    run.map_err(|e| match e.sqlite_error_code() {
        Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => StepError::ControlsTransaction(e),
        _ => StepError::Sqlite(e),
    })
}

fn keeps_transaction(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

/// Is asked after each batch, with the rows that it changed.
pub type GoOn<'g> = dyn FnMut(u64) -> bool + 'g;

/// What refinery drives: one level, whose history was compared with the files before.
pub(super) struct Driver<'c> {
    connection: &'c mut Connection,
    files: &'c LevelFiles,
    go_on: &'c mut GoOn<'c>,
    changed: u64,
    failed: Option<StepError>,
}

impl<'c> Driver<'c> {
    pub(super) fn new(connection: &'c mut Connection, files: &'c LevelFiles, go_on: &'c mut GoOn<'c>) -> Self {
        Self {
            connection,
            files,
            go_on,
            changed: 0,
            failed: None,
        }
    }

    /// Rows that the migration inserted, updated or deleted.
    pub(super) fn changed(&self) -> u64 {
        self.changed
    }

    /// The cause of a failed run: refinery only lends it out, inside its own error.
    pub(super) fn cause(self, error: refinery::Error) -> StepError {
        self.failed.unwrap_or(StepError::Refinery(error))
    }

    /// refinery gives the SQL of a level with its history row, or one query of its own.
    fn run(&mut self, queries: &[&str]) -> Result<(), StepError> {
        let own = Manner::default();
        match queries {
            [_, row] => {
                self.changed = level(self.connection, self.files, row, self.go_on)?;
                Ok(())
            }
            others => in_one_transaction(self.connection, own, |connection| {
                others.iter().try_for_each(|sql| Ok(connection.execute_batch(sql)?))
            }),
        }
    }
}

/// The file, its history row and what must hold after it; gives the rows that changed.
fn level(connection: &mut Connection, files: &LevelFiles, row: &str, go_on: &mut GoOn<'_>) -> Result<u64, StepError> {
    let said = &files.directives;
    let manner = Manner::of(said);
    let end = |connection: &mut Connection| {
        connection.execute_batch(row)?;
        files
            .verify
            .as_ref()
            .map_or(Ok(()), |verify| checks::verified(connection, verify))
    };
    let before = connection.total_changes();
    let since = |connection: &Connection| connection.total_changes() - before;
    match (said.phase, said.transaction) {
        (Phase::Background, _) => {
            checks::required(connection, said)?;
            let changed = in_batches(connection, files, manner, go_on)?;
            in_one_transaction(connection, Manner::default(), end)?;
            Ok(changed)
        }
        (_, Mode::Statements) => {
            checks::required(connection, said)?;
            one_by_one(connection, files, manner)?;
            let changed = since(connection);
            in_one_transaction(connection, Manner::default(), end)?;
            Ok(changed)
        }
        (_, Mode::One) => in_one_transaction(connection, manner, |connection| {
            checks::required(connection, said)?;
            run_foreign_sql(connection, &files.up.sql)?;
            let changed = since(connection);
            end(connection)?;
            Ok(changed)
        }),
    }
}

/// Without a transaction around them. Each that is done stays, so it is said at which of them it ended.
fn one_by_one(connection: &mut Connection, files: &LevelFiles, manner: Manner) -> Result<(), StepError> {
    connection.busy_timeout(manner.patience.unwrap_or(BUSY_TIMEOUT))?;
    connection.pragma_update(None, "foreign_keys", manner.foreign_keys != ForeignKeys::OffAndCheck)?;
    let before = foreign_keys::broken(connection)?;
    let statements = sql::statements(&files.up.sql);
    for (at, statement) in statements.iter().enumerate() {
        // SQLite itself begins and attaches for it, which nobody may otherwise.
        let ran = match statement.words[..] {
            [ref only] if only == "VACUUM" => connection.execute_batch(statement.text).map_err(StepError::from),
            _ => run_foreign_sql(connection, statement.text),
        };
        ran.map_err(|source| StepError::Statement {
            number: at + 1,
            count: statements.len(),
            line: sql::place(&files.up.sql, statement.at).0,
            source: Box::new(source),
        })?;
    }
    foreign_keys::none_new(&before, &foreign_keys::broken(connection)?)
}

/// Each statement again and again, a transaction each time, until it changes no more rows.
fn in_batches(
    connection: &mut Connection,
    files: &LevelFiles,
    manner: Manner,
    go_on: &mut GoOn<'_>,
) -> Result<u64, StepError> {
    let mut total = 0;
    for statement in sql::statements(&files.up.sql) {
        loop {
            let changed = batch(connection, statement.text, manner)?;
            if changed == 0 {
                break;
            }
            total += changed;
            // Batches are too small for SQLite itself to ask.
            if !go_on(changed) {
                return Err(StepError::LeftOff);
            }
        }
    }
    Ok(total)
}

/// Once; gives the rows that it changed.
fn batch(connection: &mut Connection, statement: &str, manner: Manner) -> Result<u64, StepError> {
    in_one_transaction(connection, manner, |connection| {
        let before = connection.total_changes();
        run_foreign_sql(connection, statement)?;
        Ok(connection.total_changes() - before)
    })
}

/// Told to refinery in the place of the cause, which the driver keeps.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was rolled back")]
pub(super) struct RolledBack;

impl Transaction for Driver<'_> {
    type Error = RolledBack;

    fn execute<'a, T: Iterator<Item = &'a str>>(&mut self, queries: T) -> Result<usize, RolledBack> {
        let queries: Vec<&str> = queries.collect();
        self.run(&queries).map(|()| queries.len()).map_err(|e| {
            self.failed = Some(e);
            RolledBack
        })
    }
}

impl Query<Vec<Migration>> for Driver<'_> {
    fn query(&mut self, _: &str) -> Result<Vec<Migration>, RolledBack> {
        Ok(Vec::new())
    }
}

impl Migrate for Driver<'_> {}
