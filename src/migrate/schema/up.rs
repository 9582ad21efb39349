//! Up to a level, one refinery run a migration, so that each is a transaction of its own with its history row.

use std::path::Path;

use refinery::{Runner, Target};
use rusqlite::Connection;

use super::driver::Driver;
use super::files::{LevelFiles, SchemaFiles};
use super::{Applied, SchemaError, history, open};

/// Repeatable: what the history says is applied is not applied again.
pub fn up(db: &Path, files: &SchemaFiles, to: u32) -> Result<Applied, SchemaError> {
    if to > files.highest() {
        return Err(SchemaError::TargetUnknown {
            target: to,
            known: files.highest(),
        });
    }
    let mut applied = Applied::default();
    let mut level = current(db, files)?;
    if level == to {
        return Ok(applied);
    }
    if level > to {
        return Err(SchemaError::TargetBelow { level, target: to });
    }
    let mut connection = open::for_migration(db)?;
    while level < to {
        level += 1;
        let Some(step) = files.get(level) else { break };
        one_up(&mut connection, files, step, level)?;
        applied.levels.push(level);
    }
    open::close(connection, db)?;
    Ok(applied)
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

fn one_up(connection: &mut Connection, files: &SchemaFiles, step: &LevelFiles, level: u32) -> Result<(), SchemaError> {
    let mut driver = Driver::new(connection, files.migrations_up_to(level - 1));
    // Grouped is what puts the SQL and the history row into one call, and so into one transaction; the history's primary
    // key stops a second runner that applied the same level meanwhile.
    let run = Runner::new(&files.migrations_up_to(level))
        .set_grouped(true)
        .set_target(Target::Version(step.migration.version()))
        .run(&mut driver);
    run.map(drop).map_err(|e| SchemaError::Migration {
        level,
        name: step.migration.name().to_owned(),
        source: Box::new(driver.cause(e)),
    })
}
