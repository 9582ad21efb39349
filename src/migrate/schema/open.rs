//! Opening a product's database: for reading without leaving a trace, and for a migration.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::SchemaError;

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Names the action and the database in SQLite's errors.
pub(super) fn at(action: &'static str, path: &Path) -> impl Fn(rusqlite::Error) -> SchemaError {
    let path = path.to_path_buf();
    move |source| SchemaError::Sqlite {
        action,
        path: path.clone(),
        source,
    }
}

/// `None` when there is no file. Creates nothing: a reader of a database in WAL mode would make its `-wal` and `-shm` files
/// and leave them, so without a log (then no one has it open) the file is read as one that nobody changes.
pub(super) fn for_reading(path: &Path) -> Result<Option<Connection>, SchemaError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let quiet = is_wal(path) && !sibling(path, "-wal").exists();
    let read_only = uri(path, if quiet { "mode=ro&immutable=1" } else { "mode=ro" });
    let opened = Connection::open_with_flags(read_only, flags | OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(touch);
    // A transaction that was cut off must be rolled back before anyone can read, and only a writer may do that.
    let opened = match opened {
        Err(e) if needs_recovery(&e) => {
            Connection::open_with_flags(uri(path, "mode=rw"), flags | OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(touch)
        }
        other => other,
    };
    opened.map(Some).map_err(at("open", path))
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

fn touch(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn needs_recovery(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen)
    )
}

/// Bytes 18 and 19 of the header are 2 in WAL mode.
fn is_wal(path: &Path) -> bool {
    let mut header = [0; 20];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[18] == 2
}

fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}

fn uri(path: &Path, query: &str) -> String {
    let mut text = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text.push('?');
    text.push_str(query);
    text
}
