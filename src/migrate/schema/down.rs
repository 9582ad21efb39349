//! Down to a level with the SQL that was stored when the levels were applied: the release that brought it may be gone.

use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::driver::{in_one_transaction, run_foreign_sql};
use super::error::StepError;
use super::files::{SchemaFiles, says_something};
use super::history::{self, Row};
use super::{Applied, SchemaError, open};
use crate::crypt::{Digest, digest_of};

/// The way down from one level, with the digest of its SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredDown {
    pub level: u32,
    pub name: String,
    pub sql: String,
    pub sha256: Digest,
}

/// The ways down of the levels in (after, up_to] that have one.
pub fn downs_of(files: &SchemaFiles, after: u32, up_to: u32) -> Vec<StoredDown> {
    let levels = after.saturating_add(1)..=up_to.min(files.highest());
    let stored = |level| {
        let step = files.get(level)?;
        let sql = step.usable_down()?;
        Some(StoredDown {
            level,
            name: step.migration.name().to_owned(),
            sql: sql.to_owned(),
            sha256: digest_of(sql.as_bytes()),
        })
    };
    levels.filter_map(stored).collect()
}

/// Takes every level above `to` back, highest first. All ways down are looked at before the first one runs. Repeatable.
pub fn down(db: &Path, downs: &[StoredDown], to: u32) -> Result<Applied, SchemaError> {
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
    let steps = above.map(|row| way_down(row, downs)).collect::<Result<Vec<_>, _>>()?;
    if steps.is_empty() {
        return Ok(applied);
    }
    let mut connection = open::for_migration(db)?;
    for step in steps {
        one_down(&mut connection, step)?;
        applied.levels.push(step.level);
    }
    open::close(connection, db)?;
    Ok(applied)
}

fn way_down<'d>(row: &Row, downs: &'d [StoredDown]) -> Result<&'d StoredDown, SchemaError> {
    let no_way = |reason| SchemaError::NoWayDown {
        level: row.level,
        reason,
    };
    let mut candidates = downs.iter().filter(|down| down.level == row.level);
    let stored = candidates
        .next()
        .ok_or_else(|| no_way("no way down is stored for it"))?;
    if candidates.next().is_some() {
        return Err(no_way("two ways down are stored for it"));
    }
    if stored.name != row.name {
        return Err(SchemaError::Changed {
            level: row.level,
            applied: row.name.clone(),
            at_hand: stored.name.clone(),
        });
    }
    if digest_of(stored.sql.as_bytes()) != stored.sha256 {
        return Err(no_way("its stored SQL is not what was stored"));
    }
    if !says_something(&stored.sql) {
        return Err(no_way("its way down says nothing"));
    }
    Ok(stored)
}

fn one_down(connection: &mut Connection, step: &StoredDown) -> Result<(), SchemaError> {
    let taken_back = in_one_transaction(connection, |connection| {
        run_foreign_sql(connection, &step.sql)?;
        let remove = format!("DELETE FROM {} WHERE version = ?1", history::TABLE);
        match connection.execute(&remove, [step.level])? {
            1 => Ok(()),
            _ => Err(StepError::HistoryMoved),
        }
    });
    taken_back.map_err(|source| SchemaError::Migration {
        level: step.level,
        name: step.name.clone(),
        source: Box::new(source),
    })
}
