//! Down to a level with the SQL that was stored when the levels were applied: the release that brought it may be gone.

use std::path::Path;

use rusqlite::Connection;

use super::directives::directives;
use super::driver::{Manner, in_one_transaction, run_foreign_sql};
use super::error::StepError;
use super::files::says_something;
use super::history::{self, Row};
use super::shape::shape;
use super::stored::{StoredLevel, WayDown};
use super::{Applied, FileRun, SchemaError, checks, open};
use crate::clock;
use crate::crypt::{Digest, digest_of};

/// Takes every level above `to` back, highest first. All ways down are looked at before the first one runs. Repeatable.
pub fn down(db: &Path, stored: &[StoredLevel], to: u32) -> Result<Applied, SchemaError> {
    down_with(db, stored, to, |_| Ok(()))
}

/// The same, with something done to the connection first.
pub(super) fn down_with(
    db: &Path,
    stored: &[StoredLevel],
    to: u32,
    prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
) -> Result<Applied, SchemaError> {
    let mut applied = Applied::default();
    let rows = match open::for_reading(db)? {
        Some(connection) => history::read(&connection, db)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let level = history::highest(&rows);
    if level < to {
        return Err(SchemaError::TargetAbove { level, target: to });
    }
    let above = rows.iter().rev().filter(|row| row.level > to);
    let steps = above.map(|row| way_down(row, stored)).collect::<Result<Vec<_>, _>>()?;
    if steps.is_empty() {
        return Ok(applied);
    }
    let mut connection = open::for_migration(db)?;
    prepare(&mut connection).map_err(open::at("prepare", db))?;
    for step in steps {
        applied.files.push(one_down(&mut connection, &step)?);
    }
    open::close(connection, db)?;
    Ok(applied)
}

/// SQL that can be relied on.
struct Step<'d> {
    level: u32,
    name: &'d str,
    sql: &'d str,
    /// What the schema has to be after it.
    schema: Digest,
}

fn way_down<'d>(row: &Row, stored: &'d [StoredLevel]) -> Result<Step<'d>, SchemaError> {
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
        WayDown::Sql { sql, .. } if !says_something(sql) => Err(no_way("its way down says nothing")),
        WayDown::Sql { sql, schema, .. } => Ok(Step {
            level,
            name: &found.name,
            sql,
            schema: *schema,
        }),
    }
}

fn one_down(connection: &mut Connection, step: &Step<'_>) -> Result<FileRun, SchemaError> {
    let failed = |source| SchemaError::Migration {
        level: step.level,
        name: step.name.to_owned(),
        whole: true,
        source: Box::new(source),
    };
    let start = clock::monotonic();
    let before = shape(connection).map_err(|e| failed(e.into()))?;
    let manner = manner_of(step.sql);
    let taken_back = in_one_transaction(connection, manner, |connection| {
        let rows = take_back(connection, step.level, step.sql)?;
        if shape(connection)?.digest() != step.schema {
            let difference = "its fingerprint differs from the one recorded when the level was applied; \
                              what was added to the schema by hand since then has to go first";
            return Err(StepError::OtherSchema {
                difference: difference.into(),
            });
        }
        Ok(rows)
    });
    Ok(FileRun {
        level: step.level,
        title: format!("V{}__{}.down.sql", step.level, step.name),
        seconds: start.elapsed().as_secs_f64(),
        rows: taken_back.map_err(failed)?,
        before,
    })
}

/// What is said in the file was looked at when it was stored.
pub(super) fn manner_of(sql: &str) -> Manner {
    directives(sql).map(|said| Manner::of(&said)).unwrap_or_default()
}

/// The SQL and the history row, within a transaction. Gives the rows that the SQL changed.
pub(super) fn take_back(connection: &mut Connection, level: u32, sql: &str) -> Result<u64, StepError> {
    let said = directives(sql).unwrap_or_default();
    checks::required(connection, &said)?;
    let before = connection.total_changes();
    run_foreign_sql(connection, sql)?;
    let changed = connection.total_changes() - before;
    let remove = format!("DELETE FROM {} WHERE version = ?1", history::TABLE);
    match connection.execute(&remove, [level])? {
        1 => Ok(changed),
        _ => Err(StepError::HistoryMoved),
    }
}
