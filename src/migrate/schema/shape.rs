//! The shape of a database: what `sqlite_schema` says, without the tables that keep books about it.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::{SchemaError, history, open, sql};
use crate::crypt::{Digest, Hasher};

/// Tables, indexes, triggers and views, each as its kind, name and the SQL that would make it, in one form whichever way it was
/// written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shape(BTreeSet<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) sql: Option<String>,
}

impl Shape {
    pub(super) fn digest(&self) -> Digest {
        let mut hasher = Hasher::default();
        for Part { kind, name, sql } in &self.0 {
            for part in [kind, name, sql.as_ref().unwrap_or(&String::new())] {
                hasher.update(&(part.len() as u64).to_be_bytes());
                hasher.update(part.as_bytes());
            }
        }
        hasher.finish()
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.0.iter()
    }

    pub(super) fn get(&self, kind: &str, name: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.kind == kind && part.name == name)
    }

    /// What is other here than there, in a few words; none when nothing is.
    pub(super) fn differs_from(&self, other: &Self) -> Option<String> {
        let told = |part: &Part, how: &str| format!("{} {} {how}", part.kind, part.name);
        let here = self
            .0
            .difference(&other.0)
            .map(|part| match other.get(&part.kind, &part.name) {
                Some(_) => told(part, "is another"),
                None => told(part, "is there in addition"),
            });
        let there = other
            .0
            .difference(&self.0)
            .filter(|part| self.get(&part.kind, &part.name).is_none());
        let all: Vec<String> = here.chain(there.map(|part| told(part, "is missing"))).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// The digest of the schema; of a database that does not exist, that of an empty one.
pub fn fingerprint(db: &Path) -> Result<Digest, SchemaError> {
    Ok(shape_of(db)?.digest())
}

/// `sqlite_sequence` and the statistics come with the first use and never go, so they say nothing about a level.
pub(super) fn shape(connection: &Connection) -> rusqlite::Result<Shape> {
    let mut all = connection.prepare(
        "SELECT type, name, sql FROM sqlite_schema
         WHERE tbl_name <> ?1 AND name <> 'sqlite_sequence' AND name NOT LIKE 'sqlite!_stat%' ESCAPE '!'",
    )?;
    let part = |row: &rusqlite::Row<'_>| {
        Ok(Part {
            kind: row.get(0)?,
            name: row.get(1)?,
            sql: row.get::<_, Option<String>>(2)?.map(|sql| sql::normal(&sql)),
        })
    };
    let parts = all.query_map([history::TABLE], part)?;
    parts.collect::<Result<_, _>>().map(Shape)
}

pub(super) fn shape_of(db: &Path) -> Result<Shape, SchemaError> {
    match open::for_reading(db)? {
        Some(connection) => shape(&connection).map_err(open::at("read the schema of", db)),
        None => Ok(Shape::default()),
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
