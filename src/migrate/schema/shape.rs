//! The shape of a database: what `sqlite_schema` says, without the tables that keep books about it.

use std::path::Path;

use rusqlite::Connection;

use super::{SchemaError, history, open};
use crate::crypt::{Digest, Hasher};

/// (type, name, sql), sorted. To the letter: SQLite keeps the text of the statements that made the schema.
pub(super) type Shape = Vec<(String, String, Option<String>)>;

/// The digest of the schema; of a database that does not exist, that of an empty one.
pub fn fingerprint(db: &Path) -> Result<Digest, SchemaError> {
    let mut hasher = Hasher::default();
    if let Some(connection) = open::for_reading(db)? {
        for (kind, name, sql) in shape(&connection).map_err(open::at("read the schema of", db))? {
            for part in [kind, name, sql.unwrap_or_default()] {
                hasher.update(&(part.len() as u64).to_be_bytes());
                hasher.update(part.as_bytes());
            }
        }
    }
    Ok(hasher.finish())
}

/// `sqlite_sequence` and the statistics come with the first use and never go, so they say nothing about a level.
pub(super) fn shape(connection: &Connection) -> rusqlite::Result<Shape> {
    let mut all = connection.prepare(
        "SELECT type, name, sql FROM sqlite_schema
         WHERE tbl_name <> ?1 AND name <> 'sqlite_sequence' AND name NOT LIKE 'sqlite!_stat%' ESCAPE '!'
         ORDER BY type, name, sql",
    )?;
    let rows = all.query_map([history::TABLE], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

pub(super) fn shape_of(db: &Path) -> Result<Shape, SchemaError> {
    match open::for_reading(db)? {
        Some(connection) => shape(&connection).map_err(open::at("read the schema of", db)),
        None => Ok(Shape::new()),
    }
}

pub(super) fn quick_check(db: &Path) -> Result<(), SchemaError> {
    let Some(connection) = open::for_reading(db)? else {
        return Ok(());
    };
    let check = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let found = check.map_err(open::at("check", db))?;
    if found == "ok" {
        return Ok(());
    }
    Err(SchemaError::Damaged {
        path: db.to_path_buf(),
        found,
    })
}
