//! Up to a level, one refinery run a migration, so that each is a transaction of its own with its history row.

use refinery::{Runner, Target};

use super::database::{Database, Place, at};
use super::driver::Driver;
use super::files::{LevelFiles, Run, SchemaFiles};
use super::witness::{NotKept, Way, Witness};
use super::{Applied, FileRun, SchemaError, history, write_ahead};
use crate::clock;
use crate::crypt::Digest;

/// Repeatable: what the history says is applied is not applied again. What is repeated in batches can be left off between two of them,
/// and goes on from there another time.
pub fn up(db: &Place, files: &SchemaFiles, to: u32, witness: &mut dyn Witness) -> Result<Applied, SchemaError> {
    if pending(db, files, to)? == to {
        return write_ahead::clear(db, witness).map(|()| Applied::default());
    }
    write_ahead::migrate(db, witness, |connection, witness| {
        each_up(connection, db, files, to, witness)
    })
}

fn each_up(
    connection: &mut dyn Database,
    db: &Place,
    files: &SchemaFiles,
    to: u32,
    witness: &mut dyn Witness,
) -> Result<Applied, SchemaError> {
    let mut applied = Applied::default();
    // Somebody else may have migrated it while the lock was waited for.
    let from = current(connection, db, files)?;
    let runs: Vec<Run> = files.between(from, to).map(|(_, step)| step.run()).collect();
    write_ahead::begin(connection, db, &runs, witness)?;
    for (level, step) in files.between(from, to) {
        refuse_cut_off(step, level, witness)?;
        witness
            .turn(level, &mut || schema(connection, db))
            .map_err(|source| SchemaError::NotKept { level, source })?;
        applied.files.push(one_up(connection, step, witness)?);
    }
    witness
        .arrived(to, &mut || schema(connection, db))
        .map_err(|source| SchemaError::Elsewhere { level: to, source })?;
    Ok(applied)
}

fn schema(connection: &mut dyn Database, db: &Place) -> Result<Digest, NotKept> {
    let shape = connection.shape().map_err(at("read the schema of", db))?;
    Ok(shape.digest())
}

/// A file that ended between two statements, and whose author has not said that it can be run again.
fn refuse_cut_off(step: &LevelFiles, level: u32, witness: &dyn Witness) -> Result<(), SchemaError> {
    let standing = witness.standing();
    let Some(standing) = standing.filter(|standing| (standing.level, standing.way) == (level, Way::Up)) else {
        return Ok(());
    };
    if step.directives.rerunnable || step.is_all_or_nothing() {
        return Ok(());
    }
    Err(standing.cut_off(step.migration.name()))
}

/// The level that the database is at, where there is a way from it to `to` by these files.
pub(super) fn pending(db: &Place, files: &SchemaFiles, to: u32) -> Result<u32, SchemaError> {
    let known = files.highest();
    if to > known {
        return Err(SchemaError::TargetUnknown { target: to, known });
    }
    let level = match db.open_to_read()? {
        Some(mut connection) => current(connection.as_mut(), db, files)?,
        None => 0,
    };
    if level > to {
        return Err(SchemaError::TargetBelow { level, target: to });
    }
    files.lint(level, to)?;
    Ok(level)
}

/// The level of a database whose history tells the same as the files.
fn current(connection: &mut dyn Database, db: &Place, files: &SchemaFiles) -> Result<u32, SchemaError> {
    let rows = history::read(connection, db)?.unwrap_or_default();
    history::compare(&rows, files)?;
    Ok(history::highest(&rows))
}

pub(super) fn one_up(
    connection: &mut dyn Database,
    step: &LevelFiles,
    witness: &mut dyn Witness,
) -> Result<FileRun, SchemaError> {
    let level = step.level();
    let start = clock::monotonic();
    let mut driver = Driver::new(connection, step, witness);
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
        whole: step.run() == Run::Whole,
        source: Box::new(driver.cause(e)),
    })?;
    Ok(FileRun {
        level,
        title: step.title(),
        seconds: start.elapsed().as_secs_f64(),
        rows,
    })
}
