//! Migrations as they are shown before they run: the exact SQL.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::directives::Phase;
use super::files::{LevelFiles, Run, SchemaFiles};
use super::sql::Dialect;
use super::stored::{StoredLevel, WayDown};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SchemaFile)]
pub struct Listed {
    pub level: u32,
    /// The name of the file.
    pub title: String,
    pub phase: Phase,
    /// What it locks while it runs, in words.
    #[schema(value_type = String)]
    pub lock: Cow<'static, str>,
    pub sql: String,
    /// What must hold after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
}

impl SchemaFiles {
    /// Those of (after, up_to] in their order.
    pub fn listed(&self, after: u32, up_to: u32) -> Vec<Listed> {
        let listed = |(level, files): (u32, &LevelFiles)| Listed {
            level,
            title: files.title(),
            phase: files.phase(),
            lock: lock(files).into(),
            sql: files.up.sql.clone(),
            verify: files.verify.as_ref().map(|verify| verify.sql.clone()),
        };
        self.between(after, up_to).map(listed).collect()
    }
}

impl Listed {
    /// Of a level's way down; none when it has none.
    pub fn of_stored(dialect: Dialect, stored: &StoredLevel) -> Option<Self> {
        match &stored.way {
            WayDown::None { .. } => None,
            WayDown::Sql { sql, .. } => Some(Self {
                level: stored.level,
                title: format!("V{}__{}.down.sql", stored.level, stored.name),
                phase: Phase::During,
                lock: if dialect == Dialect::Sqlite {
                    WHOLE
                } else {
                    LOCKS_OF_ALL
                }
                .into(),
                sql: sql.clone(),
                verify: None,
            }),
        }
    }
}

const WHOLE: &str = "no other writer until its commit";

/// SQLite has one lock for all of a database, the servers one for each table and row.
fn lock(files: &LevelFiles) -> &'static str {
    match (files.up.dialect, files.run()) {
        (Dialect::Sqlite, Run::Whole) => WHOLE,
        (Dialect::Sqlite, Run::Statements) => "no other writer for a statement at a time",
        (Dialect::Sqlite, Run::Batches) => "no other writer for a batch at a time",
        (_, Run::Whole) => LOCKS_OF_ALL,
        (_, Run::Statements) => "each statement its own locks, for as long as it takes",
        (_, Run::Batches) => "the rows of a batch at a time",
    }
}

const LOCKS_OF_ALL: &str = "what its statements touch, until its commit";
