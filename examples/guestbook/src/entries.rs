//! The entries in SQLite, in the schema of each edition; another schema is refused, so that code and data never differ.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, params};
use serde::Serialize;

use crate::Edition;

const BUSY_LIMIT: Duration = Duration::from_secs(5);
/// The page and the list show this many, newest first.
const SHOWN: i64 = 1000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub id: i64,
    pub author: String,
    pub message: String,
    pub created_at: String,
    /// Not known to 0a1. Stays the last field, so that answers of all editions begin alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EntriesError {
    #[error("cannot open the database {}: {source}", path.display())]
    Open { path: PathBuf, source: rusqlite::Error },
    #[error("the database {} has no schema history ({source}); this version expects schema {expected}", path.display())]
    NoHistory {
        path: PathBuf,
        expected: i64,
        source: rusqlite::Error,
    },
    #[error("the database {} has schema {found}, but this version runs on schema {expected} only", path.display())]
    OtherSchema { path: PathBuf, found: i64, expected: i64 },
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the database is closed: the server is stopping")]
    Closed,
}

type Result<T> = std::result::Result<T, EntriesError>;

pub(crate) struct Entries {
    edition: Edition,
    /// Empty once closed; closing folds the write-ahead log into the database, so that it can be copied as one file.
    connection: Mutex<Option<Connection>>,
}

impl Entries {
    /// Opens an existing database without changing it.
    pub(crate) fn open(edition: Edition, path: &Path) -> Result<Self> {
        let failed = |source| EntriesError::Open {
            path: path.to_owned(),
            source,
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_LIMIT).map_err(failed)?;
        let (found, expected) = (schema_of(&connection), edition.schema_level());
        match found {
            Ok(found) if found == expected => Ok(Self {
                edition,
                connection: Mutex::new(Some(connection)),
            }),
            Ok(found) => Err(EntriesError::OtherSchema {
                path: path.to_owned(),
                found,
                expected,
            }),
            Err(source) => Err(EntriesError::NoHistory {
                path: path.to_owned(),
                expected,
                source,
            }),
        }
    }

    /// Readers do not wait for writers from now on.
    pub(crate) fn prepare(&self) -> Result<()> {
        self.with(|connection| connection.pragma_update(None, "journal_mode", "WAL"))
    }

    pub(crate) fn close(&self) {
        self.lock().take();
    }

    /// The schema found, once entries could be read too.
    pub(crate) fn look(&self) -> Result<i64> {
        let readable = list_sql(self.edition);
        self.with(|connection| {
            connection.prepare(readable)?.exists(params![1])?;
            schema_of(connection)
        })
    }

    pub(crate) fn count(&self) -> Result<i64> {
        self.with(|connection| connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0)))
    }

    /// Newest first.
    pub(crate) fn list(&self) -> Result<Vec<Entry>> {
        let sql = list_sql(self.edition);
        self.with(|connection| connection.prepare_cached(sql)?.query_map([SHOWN], entry)?.collect())
    }

    pub(crate) fn add(&self, author: &str, message: &str) -> Result<Entry> {
        let edition = self.edition;
        self.with(|connection| {
            let change = connection.transaction()?;
            insert(&change, edition, author, message)?;
            let added = change.query_row(list_sql(edition), [1], entry)?;
            change.commit()?;
            Ok(added)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut guard = self.lock();
        let connection = guard.as_mut().ok_or(EntriesError::Closed)?;
        Ok(act(connection)?)
    }

    /// A panic while locked leaves no half change behind: SQLite rolls it back.
    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// NetLink's record of applied migrations is the one truth about the schema.
fn schema_of(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    connection.query_row(sql, [], |row| row.get(0))
}

fn list_sql(edition: Edition) -> &'static str {
    match edition {
        Edition::Alpha => "SELECT id, author, message, created_at, NULL FROM entries ORDER BY id DESC LIMIT ?",
        Edition::Beta => "SELECT id, author, message, created_at, words FROM entries ORDER BY id DESC LIMIT ?",
        Edition::Release => {
            "SELECT entries.id, authors.name, message, created_at, words
             FROM entries JOIN authors ON authors.id = author_id ORDER BY entries.id DESC LIMIT ?"
        }
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        author: row.get(1)?,
        message: row.get(2)?,
        created_at: row.get(3)?,
        words: row.get(4)?,
    })
}

fn insert(connection: &Connection, edition: Edition, author: &str, message: &str) -> rusqlite::Result<()> {
    let words = count_words(message);
    match edition {
        Edition::Alpha => connection.execute(
            "INSERT INTO entries (author, message, created_at) VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
            params![author, message],
        ),
        Edition::Beta => connection.execute(
            "INSERT INTO entries (author, message, created_at, words)
             VALUES (?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?)",
            params![author, message, words],
        ),
        Edition::Release => {
            connection.execute("INSERT INTO authors (name) VALUES (?) ON CONFLICT DO NOTHING", [author])?;
            connection.execute(
                "INSERT INTO entries (author_id, message, created_at, words)
                 VALUES ((SELECT id FROM authors WHERE name = ?), ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?)",
                params![author, message, words],
            )
        }
    }?;
    Ok(())
}

/// Words as the migration `V2__word_count.sql` counts them, so that going down and up again changes no row.
fn count_words(message: &str) -> i64 {
    let words = message.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
    words.count().try_into().unwrap_or(i64::MAX)
}
