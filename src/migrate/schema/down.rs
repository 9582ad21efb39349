//! Down to a level with the SQL that was stored when the levels were applied: the release that brought it may be gone.

use super::database::{Database, Manner, Place, at};
use super::directives::{Directives, directives};
use super::driver::{in_one_transaction, one_by_one, run_whole};
use super::error::StepError;
use super::files::{Run, Script};
use super::history::{self, Row};
use super::sql::Dialect;
use super::statements::statements;
use super::stored::{StoredLevel, WayDown};
use super::witness::{Way, Witness};
use super::{Applied, FileRun, SchemaError, checks, write_ahead};
use crate::clock;
use crate::crypt::{Digest, digest_of};

/// Takes every level above `to` back, highest first. All ways down are looked at before the first one runs. Repeatable.
pub fn down(db: &Place, stored: &[StoredLevel], to: u32, witness: &mut dyn Witness) -> Result<Applied, SchemaError> {
    down_with(db, stored, to, witness, |_| Ok(()))
}

/// The same, with something done to the connection first.
pub(super) fn down_with(
    db: &Place,
    stored: &[StoredLevel],
    to: u32,
    witness: &mut dyn Witness,
    prepare: impl FnOnce(&mut dyn Database) -> Result<(), StepError>,
) -> Result<Applied, SchemaError> {
    let rows = match db.open_to_read()? {
        Some(mut connection) => history::read(connection.as_mut(), db)?.unwrap_or_default(),
        None => Vec::new(),
    };
    if steps(db, &rows, stored, to)?.is_empty() {
        return write_ahead::clear(db, witness).map(|()| Applied::default());
    }
    write_ahead::migrate(db, witness, |connection, witness| {
        prepare(connection).map_err(at("prepare", db))?;
        each_down(connection, db, stored, to, witness)
    })
}

fn each_down(
    connection: &mut dyn Database,
    db: &Place,
    stored: &[StoredLevel],
    to: u32,
    witness: &mut dyn Witness,
) -> Result<Applied, SchemaError> {
    let mut applied = Applied::default();
    // Somebody else may have taken levels back while the lock was waited for.
    let rows = history::read(connection, db)?.unwrap_or_default();
    let steps = steps(db, &rows, stored, to)?;
    let runs: Vec<Run> = steps.iter().map(|step| step.script.run()).collect();
    write_ahead::begin(connection, db, &runs, witness)?;
    for step in steps {
        applied.files.push(one_down(connection, &step, witness)?);
    }
    Ok(applied)
}

/// Of all levels above `to`, highest first.
fn steps<'d>(db: &Place, rows: &[Row], stored: &'d [StoredLevel], to: u32) -> Result<Vec<Step<'d>>, SchemaError> {
    let level = history::highest(rows);
    if level < to {
        return Err(SchemaError::TargetAbove { level, target: to });
    }
    let above = rows.iter().rev().filter(|row| row.level > to);
    above.map(|row| way_down(db.dialect(), row, stored)).collect()
}

/// SQL that can be relied on.
struct Step<'d> {
    level: u32,
    name: &'d str,
    script: Script,
    /// What the schema has to be after it.
    schema: Digest,
}

fn way_down<'d>(dialect: Dialect, row: &Row, stored: &'d [StoredLevel]) -> Result<Step<'d>, SchemaError> {
    let level = row.level;
    let no_way = |reason: &str| SchemaError::NoWayDown {
        level,
        reason: reason.to_owned(),
    };
    let mut candidates = stored.iter().filter(|down| down.level == level);
    let found = candidates
        .next()
        .ok_or_else(|| no_way("no way down is stored for it"))?;
    if candidates.next().is_some() {
        return Err(no_way("two ways down are stored for it"));
    }
    if found.name != row.name {
        return Err(SchemaError::Changed {
            level,
            applied: row.name.clone(),
            at_hand: found.name.clone(),
        });
    }
    match &found.way {
        WayDown::None { reason } => Err(no_way(reason)),
        WayDown::Sql { sql, sha256, .. } if digest_of(sql.as_bytes()) != *sha256 => {
            Err(no_way("its stored SQL is not what was stored"))
        }
        WayDown::Sql { sql, .. } if statements(dialect, sql).is_empty() => Err(no_way("its way down says nothing")),
        WayDown::Sql { sql, schema, .. } => Ok(Step {
            level,
            name: &found.name,
            script: Script {
                path: format!("V{level}__{}.down.sql", found.name).into(),
                sql: sql.clone(),
                dialect,
            },
            schema: *schema,
        }),
    }
}

fn one_down(connection: &mut dyn Database, step: &Step<'_>, witness: &mut dyn Witness) -> Result<FileRun, SchemaError> {
    let whole = step.script.run() == Run::Whole;
    let failed = |source| SchemaError::Migration {
        level: step.level,
        name: step.name.to_owned(),
        whole,
        source: Box::new(source),
    };
    let standing = witness.standing();
    if let Some(standing) = standing.filter(|standing| (standing.level, standing.way) == (step.level, Way::Down)) {
        return Err(standing.cut_off(step.name));
    }
    let start = clock::monotonic();
    let leads_back = |connection: &mut dyn Database| {
        if connection.shape()?.digest() == step.schema {
            return Ok(());
        }
        let difference = "its fingerprint differs from the one recorded when the level was applied; \
                          what was changed by hand has to be changed back first";
        Err(StepError::OtherSchema {
            difference: difference.into(),
        })
    };
    let taken_back = take_back(connection, step.level, &step.script, witness, leads_back);
    Ok(FileRun {
        level: step.level,
        title: step.script.title(),
        seconds: start.elapsed().as_secs_f64(),
        rows: taken_back.map_err(failed)?,
    })
}

/// What is said in the file was looked at when it was stored.
pub(super) fn said_in(script: &Script) -> Directives {
    directives(script.dialect, &script.sql).unwrap_or_default()
}

/// The SQL, what has to hold then, and the history row: in one transaction where the database can. Gives the rows that the SQL changed.
pub(super) fn take_back(
    connection: &mut dyn Database,
    level: u32,
    script: &Script,
    witness: &mut dyn Witness,
    leads_back: impl FnOnce(&mut dyn Database) -> Result<(), StepError>,
) -> Result<u64, StepError> {
    let said = said_in(script);
    let manner = Manner::of(&said);
    if script.run() == Run::Whole {
        return in_one_transaction(connection, manner, |connection| {
            let rows = sql_and_row(connection, level, script, &said)?;
            leads_back(connection)?;
            Ok(rows)
        });
    }
    checks::required(connection, &said)?;
    let rows = one_by_one(connection, script, manner, (level, Way::Down), witness)?;
    leads_back(connection)?;
    without_row(connection, level)?;
    Ok(rows)
}

/// Within a transaction.
pub(super) fn sql_and_row(
    connection: &mut dyn Database,
    level: u32,
    script: &Script,
    said: &Directives,
) -> Result<u64, StepError> {
    checks::required(connection, said)?;
    let changed = run_whole(connection, script)?;
    without_row(connection, level)?;
    Ok(changed)
}

fn without_row(connection: &mut dyn Database, level: u32) -> Result<(), StepError> {
    let there = format!("SELECT count(*) FROM {} WHERE version = {level}", history::TABLE);
    if connection.number(&there)? != 1 {
        return Err(StepError::HistoryMoved);
    }
    connection.tell(&format!("DELETE FROM {} WHERE version = {level}", history::TABLE))
}
