//! SQLite: opened for reading without leaving a trace, or for a migration. It itself says what a statement is, so a trigger's
//! BEGIN … END does not end a transaction.

mod foreign_keys;
mod journal;

use std::collections::HashMap;
use std::path::Path;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{OpenFlags, OptionalExtension};

use super::database::{Connection, Database, LONGEST_SHOWN, Manner, RawRow, Rows};
use super::directives::{ForeignKeys, ServerVersion};
use super::error::StepError;
use super::foreign_keys::Broken;
use super::history;
use super::lint;
use super::shape::{Part, Shape};
use super::sql::{self, Dialect};
use super::statements::{Statement, statements};
use crate::clock::Deadline;
use crate::store::{self, BUSY_TIMEOUT};

pub(super) use journal::has_empty_journal;
#[cfg(test)]
pub(super) use journal::log_ahead;

pub(super) struct Sqlite {
    connection: rusqlite::Connection,
    /// How durable each commit is, whatever a file says for itself.
    synchronous: &'static str,
    /// What was read of the schema before, in the one form: most of it is the same the next time.
    normal: HashMap<String, String>,
}

/// `None` when there is no file.
pub(super) fn for_reading(path: &Path) -> Result<Option<Connection>, StepError> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = store::open_quietly(path)?;
    Ok(Some(Box::new(Sqlite::on(connection))))
}

/// Creates the database when absent.
pub(super) fn for_migration(path: &Path) -> Result<Connection, StepError> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = rusqlite::Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Dropping a table under `foreign_keys` deletes its rows first and cascades into its children. The setting cannot
    // change inside a transaction, so it is off for the whole connection; what it would guard is checked before COMMIT.
    connection.pragma_update(None, "foreign_keys", false)?;
    journal::keep_one(&connection)?;
    Ok(Box::new(Sqlite::on(connection)))
}

/// SQLite asks between so many of its instructions whether to go on; some milliseconds.
const INSTRUCTIONS: i32 = 100_000;

impl Sqlite {
    #[cfg(test)]
    pub(super) fn in_memory() -> Self {
        Self::on(rusqlite::Connection::open_in_memory().unwrap())
    }

    fn on(connection: rusqlite::Connection) -> Self {
        Self {
            connection,
            synchronous: "FULL",
            normal: HashMap::new(),
        }
    }

    fn normal(known: &mut HashMap<String, String>, sql: ValueRef<'_>) -> rusqlite::Result<Option<String>> {
        let Some(sql) = sql.as_str_or_null()? else {
            return Ok(None);
        };
        if let Some(normal) = known.get(sql) {
            return Ok(Some(normal.clone()));
        }
        let normal = sql::normal(sql);
        known.insert(sql.to_owned(), normal.clone());
        Ok(Some(normal))
    }

    fn changing(&mut self, run: impl FnOnce(&mut Self) -> Result<(), StepError>) -> Result<u64, StepError> {
        let before = self.connection.total_changes();
        run(self)?;
        Ok(self.connection.total_changes() - before)
    }

    fn guarded(&mut self, sql: &str) -> Result<(), StepError> {
        self.connection.authorizer(Some(keeps_transaction))?;
        let run = self.connection.execute_batch(sql);
        self.connection
            .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
        run.map_err(|e| match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::AuthorizationForStatementDenied) => {
                StepError::ControlsTransaction { said: e.to_string() }
            }
            _ => StepError::Sqlite(e),
        })
    }
}

fn keeps_transaction(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn version(&mut self) -> Result<(&'static str, ServerVersion), StepError> {
        Ok(("SQLite", ServerVersion::read(rusqlite::version())))
    }

    /// Its file is the installation's, whose lock NetLink holds.
    fn try_lock(&mut self) -> Result<bool, StepError> {
        Ok(true)
    }

    fn begin(&mut self, manner: Manner) -> Result<(), StepError> {
        // Without effect within a transaction, hence before it.
        self.prepare(manner)?;
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|e| match e.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => StepError::Locked {
                    patience: manner.patience(),
                },
                _ => StepError::Sqlite(e),
            })?;
        if manner.foreign_keys == ForeignKeys::Defer {
            self.connection.pragma_update(None, "defer_foreign_keys", true)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StepError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn roll_back(&mut self) -> Result<(), StepError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        Ok(self.connection.execute_batch("ROLLBACK")?)
    }

    fn prepare(&mut self, manner: Manner) -> Result<(), StepError> {
        self.connection.busy_timeout(manner.patience())?;
        self.connection.pragma_update(None, "synchronous", self.synchronous)?;
        let keeps = manner.foreign_keys != ForeignKeys::OffAndCheck;
        Ok(self.connection.pragma_update(None, "foreign_keys", keeps)?)
    }

    fn tell(&mut self, sql: &str) -> Result<(), StepError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn run(&mut self, sql: &str) -> Result<u64, StepError> {
        self.changing(|this| this.guarded(sql))
    }

    fn run_alone(&mut self, statement: &Statement<'_>) -> Result<u64, StepError> {
        self.changing(|this| match statement.words[..] {
            // SQLite itself begins and attaches for it, which nobody may otherwise.
            [ref only] if only == "VACUUM" => this.tell(statement.text),
            _ => this.guarded(statement.text),
        })
    }

    /// What a file can set here (`PRAGMA`) is in no way of its history row.
    fn settle(&mut self) -> Result<(), StepError> {
        Ok(())
    }

    fn failing(&mut self, query: &str) -> Result<Option<String>, StepError> {
        let mut statement = self.connection.prepare(query)?;
        let asks = statements(Dialect::Sqlite, query).first().is_some_and(lint::asks);
        if !asks || !statement.readonly() || statement.column_count() == 0 {
            return Ok(Some("it is no query".into()));
        }
        let mut found = Rows::default();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let value = row.get_ref(0)?;
            if !found.take(is_true(value), || shown(value)) {
                break;
            }
        }
        Ok(found.result())
    }

    fn number(&mut self, query: &str) -> Result<u64, StepError> {
        let number: i64 = self.connection.query_row(query, [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    fn history(&mut self) -> Result<Option<Vec<RawRow>>, StepError> {
        let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let there = self
            .connection
            .query_row(table, [history::TABLE], |_| Ok(()))
            .optional()?;
        if there.is_none() {
            return Ok(None);
        }
        let mut statement = self.connection.prepare(&history::query("version"))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Some(rows.collect::<Result<_, _>>()?))
    }

    /// What `sqlite_schema` says. `sqlite_sequence` and the statistics come with the first use and never go, so they say nothing
    /// about a level.
    fn shape(&mut self) -> Result<Shape, StepError> {
        let known = &mut self.normal;
        let mut all = self.connection.prepare_cached(
            "SELECT type, name, sql FROM sqlite_schema
             WHERE tbl_name <> ?1 AND name <> 'sqlite_sequence' AND name NOT LIKE 'sqlite!_stat%' ESCAPE '!'",
        )?;
        let part = |row: &rusqlite::Row<'_>| {
            Ok(Part {
                kind: row.get(0)?,
                name: row.get(1)?,
                sql: Self::normal(known, row.get_ref(2)?)?,
            })
        };
        let parts = all.query_map([history::TABLE], part)?;
        Ok(parts.collect::<Result<Shape, _>>()?)
    }

    fn broken(&mut self) -> Result<Broken, StepError> {
        Ok(foreign_keys::broken(&self.connection)?)
    }

    fn only_try_until(&mut self, deadline: Deadline) -> Result<(), StepError> {
        self.synchronous = "OFF";
        self.connection.pragma_update(None, "synchronous", self.synchronous)?;
        self.connection.pragma_update(None, "journal_mode", "MEMORY")?;
        let handler = Some(move || deadline.has_passed());
        Ok(self.connection.progress_handler(INSTRUCTIONS, handler)?)
    }

    fn check(&mut self) -> Result<Option<String>, StepError> {
        let found: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(Some(found).filter(|found| found != "ok"))
    }

    fn could_log_ahead(&mut self) -> Result<bool, StepError> {
        Ok(journal::could_log_ahead(&self.connection)?)
    }

    fn log_ahead(&mut self, ahead: bool) -> Result<(), StepError> {
        if ahead {
            return Ok(journal::log_ahead(&self.connection)?);
        }
        journal::log_no_longer_ahead(&self.connection)
    }

    fn close(self: Box<Self>) -> Result<(), StepError> {
        journal::leave_none(&self.connection)?;
        self.connection.close().map_err(|(_, e)| e.into())
    }
}

fn is_true(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Integer(number) => number != 0,
        ValueRef::Real(number) => number != 0.0,
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => false,
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!(
            "'{}'",
            String::from_utf8_lossy(text)
                .chars()
                .take(LONGEST_SHOWN)
                .collect::<String>()
        ),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
