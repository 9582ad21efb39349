//! The shape of a database: its tables, indexes, triggers, views and what else it has, without the tables that keep books about it.

use std::collections::BTreeSet;

use super::SchemaError;
use super::database::{Place, at};
use crate::crypt::{Digest, Hasher};

/// Each part as its kind, name and the SQL that would make it, in one form whichever way it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shape(BTreeSet<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) sql: Option<String>,
}

impl FromIterator<Part> for Shape {
    fn from_iter<T: IntoIterator<Item = Part>>(parts: T) -> Self {
        Self(parts.into_iter().collect())
    }
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
pub fn fingerprint(db: &Place) -> Result<Digest, SchemaError> {
    Ok(shape_of(db)?.digest())
}

pub(super) fn shape_of(db: &Place) -> Result<Shape, SchemaError> {
    match db.open_to_read()? {
        Some(mut connection) => connection.shape().map_err(at("read the schema of", db)),
        None => Ok(Shape::default()),
    }
}

/// An error when the database is damaged, as far as that is seen quickly.
pub fn quick_check(db: &Place) -> Result<(), SchemaError> {
    let Some(mut connection) = db.open_to_read()? else {
        return Ok(());
    };
    match connection.check().map_err(at("check", db))? {
        None => Ok(()),
        Some(found) => Err(SchemaError::Damaged {
            place: db.to_string(),
            found,
        }),
    }
}
