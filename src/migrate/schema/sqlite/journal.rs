//! How SQLite commits during a run: with a journal that is emptied, not made anew for each transaction; or with a write-ahead log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::clock::Deadline;
use crate::migrate::schema::error::StepError;
use crate::store::BUSY_TIMEOUT;

/// How SQLite ends a transaction where it has no write-ahead log: it removes the journal, or leaves an empty file.
const DELETED: &str = "delete";
const EMPTIED: &str = "truncate";
const AHEAD: &str = "wal";

fn mode(connection: &Connection) -> rusqlite::Result<String> {
    connection.pragma_query_value(None, "journal_mode", |row| row.get(0))
}

/// Where it cannot be changed, it stays without an error.
fn change(connection: &Connection, from: &str, to: &str) -> rusqlite::Result<()> {
    if mode(connection)? == from {
        connection.pragma_update(None, "journal_mode", to)?;
    }
    Ok(())
}

/// A file less to make and to remove for each of many transactions. This is the connection's own; what is kept in the database, a
/// write-ahead log, stays as found.
pub(super) fn keep_one(connection: &Connection) -> rusqlite::Result<()> {
    change(connection, DELETED, EMPTIED)
}

/// SQLite says nothing of a journal that it could not remove. An empty one does no harm, but is not ours to leave; removed by SQLite
/// alone, which sees to it that it is nobody else's.
pub(super) fn leave_none(connection: &Connection) -> rusqlite::Result<()> {
    change(connection, EMPTIED, DELETED)?;
    if connection
        .path()
        .is_some_and(|path| journal_of(Path::new(path)).exists())
    {
        change(connection, DELETED, EMPTIED)?;
        change(connection, EMPTIED, DELETED)?;
    }
    Ok(())
}

/// Of a run that was killed before it could remove it.
pub(in crate::migrate::schema) fn has_empty_journal(path: &Path) -> bool {
    std::fs::metadata(journal_of(path)).is_ok_and(|journal| journal.len() == 0)
}

fn journal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// With a log, what is written is written twice, but a commit waits for the disk once instead of five times: worth it where not much
/// is written.
const SMALL: i64 = 64 << 20;

pub(super) fn could_log_ahead(connection: &Connection) -> rusqlite::Result<bool> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let is_small = number("page_count")?.saturating_mul(number("page_size")?) <= SMALL;
    Ok(is_small && [DELETED, EMPTIED].contains(&mode(connection)?.as_str()))
}

/// Nobody else can open it meanwhile, so that nobody keeps it from being changed back. Where somebody uses it after all, it stays as it
/// is.
pub(in crate::migrate::schema) fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    let changed = connection.pragma_update(None, "journal_mode", AHEAD);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match changed {
        Err(e) if is_in_use(&e) => {
            connection.pragma_update(None, "locking_mode", "normal")?;
            // Only then are the locks given back that were taken meanwhile.
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        }
        changed => changed,
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// After a kill others may have opened it: who reads it at this moment is waited for, which SQLite itself does not do here.
pub(super) fn log_no_longer_ahead(connection: &Connection) -> Result<(), StepError> {
    let deadline = Deadline::after(BUSY_TIMEOUT);
    loop {
        // It says nothing where it cannot within a transaction.
        match change(connection, AHEAD, DELETED).and_then(|()| mode(connection)) {
            Ok(now) if now != AHEAD => return Ok(()),
            Err(e) if !is_in_use(&e) => return Err(e.into()),
            _ if deadline.has_passed() => return Err(StepError::Locked { patience: BUSY_TIMEOUT }),
            _ => std::thread::sleep(LOOK_EVERY),
        }
    }
}

fn is_in_use(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}
