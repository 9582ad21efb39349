//! Opening a product's database: for reading without leaving a trace, and for a migration.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::SchemaError;
use crate::store::{self, BUSY_TIMEOUT};

/// Names the action and the database in SQLite's errors.
pub(super) fn at(action: &'static str, path: &Path) -> impl Fn(rusqlite::Error) -> SchemaError {
    let path = path.to_path_buf();
    move |source| SchemaError::Sqlite {
        action,
        path: path.clone(),
        source,
    }
}

/// `None` when there is no file. Leaves no trace.
pub(super) fn for_reading(path: &Path) -> Result<Option<Connection>, SchemaError> {
    if !path.exists() {
        return Ok(None);
    }
    store::open_quietly(path).map(Some).map_err(at("open", path))
}

/// Creates the database when absent. The journal mode stays as found.
pub(super) fn for_migration(path: &Path) -> Result<Connection, SchemaError> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, flags).map_err(at("open", path))?;
    let prepared = connection.busy_timeout(BUSY_TIMEOUT).and_then(|()| {
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Dropping a table under `foreign_keys` deletes its rows first and cascades into its children. The setting cannot
        // change inside a transaction, so it is off for the whole connection; what it would guard is checked before COMMIT.
        connection.pragma_update(None, "foreign_keys", false)
    });
    prepared.map_err(at("prepare", path))?;
    Ok(connection)
}

pub(super) fn close(connection: Connection, path: &Path) -> Result<(), SchemaError> {
    connection.close().map_err(|(_, e)| at("close", path)(e))
}
