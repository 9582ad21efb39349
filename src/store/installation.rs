//! Small facts about the installation.

use rusqlite::{OptionalExtension, params};

use super::{Result, Store};

/// What is kept; each has one text value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Product,
    /// Where releases come from, a URL.
    Repository,
    InstalledVersion,
    /// The product was left stopped because its release does not run on the schema of its database.
    HeldBack,
    /// Tells the installation from others; made when it is first needed.
    Id,
    /// Signs checkpoints of the audit.
    AuditKey,
    /// What is known of the migrations that are left for the background, as JSON.
    Background,
    /// The statement that a migration has begun last, where each stays by itself, as JSON.
    Standing,
    /// The database of SQLite that is migrated was given a write-ahead log, which it did not have; until that is undone.
    LogChanged,
    /// Extensions that updates have switched off, as JSON.
    DisabledExtensions,
    /// A trial's copy of the product's database is on its server, and why it could not be dropped; empty while the trial is at work.
    LeftBeside,
    /// What the operator has answered where an update and the configuration are in conflict, as JSON.
    Answers,
}

impl Fact {
    fn key(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Repository => "repository",
            Self::InstalledVersion => "installed_version",
            Self::HeldBack => "held_back",
            Self::Id => "id",
            Self::AuditKey => "audit_key",
            Self::Background => "background",
            Self::Standing => "standing",
            Self::LogChanged => "log_changed",
            Self::DisabledExtensions => "disabled_extensions",
            Self::LeftBeside => "left_beside",
            Self::Answers => "answers",
        }
    }
}

impl Store {
    pub fn fact(&self, fact: Fact) -> Result<Option<String>> {
        self.try_to("read", |db| {
            db.query_row("SELECT value FROM installation WHERE key = ?1", [fact.key()], |row| {
                row.get(0)
            })
            .optional()
        })
    }

    /// Sets a fact that never changes; whoever comes second gets what the first one has set.
    pub fn fact_once(&self, fact: Fact, value: &str) -> Result<String> {
        self.try_to("write", |db| {
            let sql = "INSERT INTO installation (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING";
            db.execute(sql, params![fact.key(), value])?;
            let sql = "SELECT value FROM installation WHERE key = ?1";
            db.query_row(sql, [fact.key()], |row| row.get(0))
        })
    }

    /// Sets the fact, or forgets it.
    pub fn set_fact(&self, fact: Fact, value: Option<&str>) -> Result<()> {
        self.try_to("write", |db| match value {
            Some(value) => db.execute(
                "INSERT INTO installation (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
                params![fact.key(), value],
            ),
            None => db.execute("DELETE FROM installation WHERE key = ?1", [fact.key()]),
        })?;
        Ok(())
    }
}
