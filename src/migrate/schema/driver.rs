//! One level, in one transaction with its history row where the database can, and refinery's traits over it.
//!
//! refinery's own drivers would do for the happy case: grouped, they run the SQL and the history row in one transaction. But they leave
//! SQLite's foreign keys on, let a file's own COMMIT end that transaction half-way, drop the errors of MySQL from the second statement
//! of a file on, and panic on a history that they cannot parse.

use refinery::Migration;
use refinery_core::traits::sync::{Migrate, Query, Transaction};

use super::background::in_batches;
use super::database::{Database, Manner};
use super::directives::ForeignKeys;
use super::error::StepError;
use super::files::{LevelFiles, Run, Script};
use super::witness::{Standing, Way, Witness};
use super::{checks, foreign_keys, sql};

/// Runs `steps` between BEGIN and COMMIT, all of them or none.
pub(super) fn in_one_transaction<T>(
    connection: &mut dyn Database,
    manner: Manner,
    steps: impl FnOnce(&mut dyn Database) -> Result<T, StepError>,
) -> Result<T, StepError> {
    connection.begin(manner)?;
    let done = guarded(connection, manner, steps).and_then(|value| {
        connection.commit()?;
        Ok(value)
    });
    if done.is_err() {
        // The error that led here says more than one of the rollback, which closing the connection does anyway.
        let _ = connection.roll_back();
    }
    done
}

/// As [`in_one_transaction`], but nothing of it stays.
pub(super) fn in_vain<T>(
    connection: &mut dyn Database,
    manner: Manner,
    steps: impl FnOnce(&mut dyn Database) -> Result<T, StepError>,
) -> Result<T, StepError> {
    connection.begin(manner)?;
    let done = guarded(connection, manner, steps);
    connection.roll_back()?;
    done
}

fn guarded<T>(
    connection: &mut dyn Database,
    manner: Manner,
    steps: impl FnOnce(&mut dyn Database) -> Result<T, StepError>,
) -> Result<T, StepError> {
    if manner.foreign_keys != ForeignKeys::OffAndCheck {
        return steps(connection);
    }
    let before = connection.broken()?;
    let done = steps(connection)?;
    foreign_keys::none_new(&before, &connection.broken()?)?;
    Ok(done)
}

/// What refinery drives: one level, whose history was compared with the files before.
pub(super) struct Driver<'c> {
    connection: &'c mut dyn Database,
    files: &'c LevelFiles,
    witness: &'c mut dyn Witness,
    changed: u64,
    failed: Option<StepError>,
}

impl<'c> Driver<'c> {
    pub(super) fn new(connection: &'c mut dyn Database, files: &'c LevelFiles, witness: &'c mut dyn Witness) -> Self {
        Self {
            connection,
            files,
            witness,
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
        match queries {
            [_, row] => {
                self.changed = level(self.connection, self.files, row, self.witness)?;
                Ok(())
            }
            others => others.iter().try_for_each(|sql| self.connection.tell(sql)),
        }
    }
}

/// The file, its history row and what must hold after it; gives the rows that changed.
fn level(
    connection: &mut dyn Database,
    files: &LevelFiles,
    row: &str,
    witness: &mut dyn Witness,
) -> Result<u64, StepError> {
    let said = &files.directives;
    let manner = Manner::of(said);
    let end = |connection: &mut dyn Database| {
        connection.tell(row)?;
        checks::verified(connection, files.verify.as_ref())
    };
    if files.run() == Run::Whole {
        return in_one_transaction(connection, manner, |connection| {
            checks::required(connection, said)?;
            let changed = run_whole(connection, &files.up)?;
            end(connection)?;
            Ok(changed)
        });
    }
    checks::required(connection, said)?;
    let changed = match files.run() {
        Run::Batches => {
            let changed = in_batches(connection, &files.up, manner, witness)?;
            connection.settle()?;
            changed
        }
        Run::Whole | Run::Statements => {
            let level = files.level();
            one_by_one(connection, &files.up, manner, (level, Way::Up), witness)?
        }
    };
    in_one_transaction(connection, without_keys(manner), end)?;
    Ok(changed)
}

/// Within a transaction. Gives the rows that changed.
pub(super) fn run_whole(connection: &mut dyn Database, script: &Script) -> Result<u64, StepError> {
    let changed = connection.run(&script.sql)?;
    connection.settle()?;
    Ok(changed)
}

/// Looked at already: the history row points to nothing.
fn without_keys(manner: Manner) -> Manner {
    Manner {
        foreign_keys: ForeignKeys::On,
        ..manner
    }
}

/// Without a transaction around them. Each that is done stays, so it is kept which of them has begun, and said at which of them it ended.
pub(super) fn one_by_one(
    connection: &mut dyn Database,
    script: &Script,
    manner: Manner,
    (level, way): (u32, Way),
    witness: &mut dyn Witness,
) -> Result<u64, StepError> {
    connection.prepare(manner)?;
    let looks = manner.foreign_keys == ForeignKeys::OffAndCheck;
    let before = looks.then(|| connection.broken()).transpose()?;
    let statements = script.statements();
    let mut changed = 0;
    for (at, statement) in statements.iter().enumerate() {
        let standing = Standing {
            level,
            way,
            number: at + 1,
            count: statements.len(),
            line: sql::place(&script.sql, statement.at).0,
        };
        witness.statement(&standing).map_err(StepError::NotKept)?;
        changed += connection.run_alone(statement).map_err(|source| StepError::Statement {
            number: standing.number,
            count: standing.count,
            line: standing.line,
            source: Box::new(source),
        })?;
    }
    connection.settle()?;
    if let Some(before) = before {
        foreign_keys::none_new(&before, &connection.broken()?)?;
    }
    Ok(changed)
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
