//! One level in one transaction, and refinery's traits over it.
//!
//! refinery's own driver would do for the happy case: grouped, it runs the SQL and the history row in one transaction. But
//! it leaves foreign keys on, lets a file's own COMMIT end that transaction half-way, and panics on a history it cannot parse.

use refinery::Migration;
use refinery_core::traits::sync::{Migrate, Query, Transaction};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::error::StepError;
use super::foreign_keys;

/// Runs `steps` between BEGIN and COMMIT, all of them or none.
pub(super) fn in_one_transaction(
    connection: &mut Connection,
    steps: impl FnOnce(&mut Connection) -> Result<(), StepError>,
) -> Result<(), StepError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = guarded(connection, steps).and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if done.is_err() && !connection.is_autocommit() {
        // The error that led here says more than one of the rollback, which closing the connection does anyway.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

fn guarded(
    connection: &mut Connection,
    steps: impl FnOnce(&mut Connection) -> Result<(), StepError>,
) -> Result<(), StepError> {
    let before = foreign_keys::broken(connection)?;
    steps(connection)?;
    foreign_keys::none_new(&before, &foreign_keys::broken(connection)?)
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

/// What refinery drives. It is given the applied levels, already compared with the files, and reads no others.
pub(super) struct Driver<'c> {
    connection: &'c mut Connection,
    applied: Vec<Migration>,
    failed: Option<StepError>,
}

impl<'c> Driver<'c> {
    pub(super) fn new(connection: &'c mut Connection, mut applied: Vec<Migration>) -> Self {
        for migration in &mut applied {
            migration.set_applied();
        }
        Self {
            connection,
            applied,
            failed: None,
        }
    }

    /// The cause of a failed run: refinery only lends it out, inside its own error.
    pub(super) fn cause(self, error: refinery::Error) -> StepError {
        self.failed.unwrap_or(StepError::Refinery(error))
    }
}

/// Told to refinery in the place of the cause, which the driver keeps.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was rolled back")]
pub(super) struct RolledBack;

impl Transaction for Driver<'_> {
    type Error = RolledBack;

    fn execute<'a, T: Iterator<Item = &'a str>>(&mut self, queries: T) -> Result<usize, RolledBack> {
        let mut count = 0;
        let done = in_one_transaction(self.connection, |connection| {
            for sql in queries {
                run_foreign_sql(connection, sql)?;
                count += 1;
            }
            Ok(())
        });
        done.map(|()| count).map_err(|e| {
            self.failed = Some(e);
            RolledBack
        })
    }
}

impl Query<Vec<Migration>> for Driver<'_> {
    fn query(&mut self, _: &str) -> Result<Vec<Migration>, RolledBack> {
        Ok(self.applied.clone())
    }
}

impl Migrate for Driver<'_> {}
