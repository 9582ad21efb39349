//! Up to a level, one refinery run a migration, so that each is a transaction of its own with its history row.

use std::path::Path;

use refinery::{Runner, Target};
use rusqlite::Connection;

use super::directives::{Phase, Transaction};
use super::driver::{Driver, GoOn};
use super::files::{LevelFiles, SchemaFiles};
use super::shape::{Shape, shape};
use super::{Applied, FileRun, SchemaError, history, open};
use crate::clock;
use crate::crypt::Digest;

/// The next file of a run.
pub struct Turn {
    pub level: u32,
    /// Of the schema as it is before the file.
    pub schema: Digest,
}

/// Is told of each file before it runs: what it keeps is there whatever happens then.
pub type Keep<'k> = dyn FnMut(&Turn) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'k;

/// Repeatable: what the history says is applied is not applied again.
pub fn up(db: &Path, files: &SchemaFiles, to: u32, keep: &mut Keep<'_>) -> Result<Applied, SchemaError> {
    up_pausing(db, files, to, keep, &mut |_| true)
}

/// The same; what is repeated in batches can be left off between two of them, and goes on from there another time.
pub fn up_pausing(
    db: &Path,
    files: &SchemaFiles,
    to: u32,
    keep: &mut Keep<'_>,
    go_on: &mut GoOn<'_>,
) -> Result<Applied, SchemaError> {
    let mut applied = Applied::default();
    let from = pending(db, files, to)?;
    if from == to {
        return Ok(applied);
    }
    let mut connection = open::for_migration(db)?;
    for (level, step) in files.between(from, to) {
        let before = shape(&connection).map_err(open::at("read the schema of", db))?;
        let turn = Turn {
            level,
            schema: before.digest(),
        };
        keep(&turn).map_err(|source| SchemaError::NotKept { level, source })?;
        applied.files.push(one_up(&mut connection, step, level, before, go_on)?);
    }
    open::close(connection, db)?;
    Ok(applied)
}

/// The level that the database is at, where there is a way from it to `to` by these files.
pub(super) fn pending(db: &Path, files: &SchemaFiles, to: u32) -> Result<u32, SchemaError> {
    let known = files.highest();
    if to > known {
        return Err(SchemaError::TargetUnknown { target: to, known });
    }
    let level = current(db, files)?;
    if level > to {
        return Err(SchemaError::TargetBelow { level, target: to });
    }
    files.lint(level, to)?;
    Ok(level)
}

/// The level of a database whose history tells the same as the files.
fn current(db: &Path, files: &SchemaFiles) -> Result<u32, SchemaError> {
    let Some(connection) = open::for_reading(db)? else {
        return Ok(0);
    };
    let rows = history::read(&connection, db)?.unwrap_or_default();
    history::compare(&rows, files)?;
    Ok(history::highest(&rows))
}

pub(super) fn one_up(
    connection: &mut Connection,
    step: &LevelFiles,
    level: u32,
    before: Shape,
    go_on: &mut GoOn<'_>,
) -> Result<FileRun, SchemaError> {
    let start = clock::monotonic();
    let mut driver = Driver::new(connection, step, go_on);
    // Grouped is what puts the SQL and the history row into one call, and so into one transaction; the history's primary
    // key stops a second runner that applied the same level meanwhile.
    let run = Runner::new(std::slice::from_ref(&step.migration))
        .set_grouped(true)
        .set_target(Target::Version(step.migration.version()))
        .run(&mut driver);
    let rows = driver.changed();
    run.map_err(|e| SchemaError::Migration {
        level,
        name: step.migration.name().to_owned(),
        whole: step.directives.transaction == Transaction::One && step.phase() != Phase::Background,
        source: Box::new(driver.cause(e)),
    })?;
    Ok(FileRun {
        level,
        title: step.title(),
        seconds: start.elapsed().as_secs_f64(),
        rows,
        before,
    })
}
