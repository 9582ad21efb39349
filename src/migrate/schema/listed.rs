//! Migrations as they are shown before they run: the exact SQL.

use serde::Serialize;

use super::directives::{ForeignKeys, Phase, Transaction};
use super::files::{LevelFiles, SchemaFiles};
use super::stored::{StoredLevel, WayDown};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub level: u32,
    /// The name of the file.
    pub title: String,
    pub phase: Phase,
    /// What it locks while it runs, in words.
    pub lock: &'static str,
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
            lock: lock(files),
            sql: files.up.sql.clone(),
            verify: files.verify.as_ref().map(|verify| verify.sql.clone()),
        };
        self.between(after, up_to).map(listed).collect()
    }
}

impl Listed {
    /// Of a level's way down; none when it has none.
    pub fn of_stored(stored: &StoredLevel) -> Option<Self> {
        match &stored.way {
            WayDown::None { .. } => None,
            WayDown::Sql { sql, .. } => Some(Self {
                level: stored.level,
                title: format!("V{}__{}.down.sql", stored.level, stored.name),
                phase: Phase::During,
                lock: WHOLE,
                sql: sql.clone(),
                verify: None,
            }),
        }
    }
}

const WHOLE: &str = "no other writer until its commit";

/// SQLite has one lock for all of a database.
fn lock(files: &LevelFiles) -> &'static str {
    let said = &files.directives;
    match (said.phase, said.transaction, said.foreign_keys) {
        (Phase::Background, ..) => "no other writer for a batch at a time",
        (_, Transaction::Statements, _) => "no other writer for a statement at a time",
        (_, Transaction::One, ForeignKeys::OffAndCheck | ForeignKeys::On | ForeignKeys::Defer) => WHOLE,
    }
}
