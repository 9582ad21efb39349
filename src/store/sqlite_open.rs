//! Opening somebody else's SQLite database for reading.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::sqlite_file::sibling;

/// How long another program may keep the database locked.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Creates nothing: a reader of a database in WAL mode would make its `-wal` and `-shm` files
/// and leave them, so without a log (then no one has it open) the file is read as one that nobody changes.
pub fn open_quietly(path: &Path) -> rusqlite::Result<Connection> {
    if !sibling(path, "-wal").exists()
        && let Ok(quiet) = open(path, "mode=ro&immutable=1")
        && is_wal(&quiet)
    {
        return Ok(quiet);
    }
    open(path, "mode=ro")
}

/// As [`open_quietly`], for a database that others may begin to write to at any time.
pub(super) fn open_live(path: &Path) -> rusqlite::Result<Connection> {
    open(path, "mode=ro")
}

fn open(path: &Path, query: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let opened =
        Connection::open_with_flags(uri(path, query), flags | OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(touch);
    // A transaction that was cut off must be rolled back before anyone can read, and only a writer may do that.
    match opened {
        Err(e) if needs_recovery(&e) => {
            Connection::open_with_flags(uri(path, "mode=rw"), flags | OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(touch)
        }
        other => other,
    }
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

/// Bytes 18 and 19 of the header are 2 in WAL mode. SQLite itself reads them: whoever opens and closes the file beside it takes the
/// locks from all connections of the process.
fn is_wal(connection: &Connection) -> bool {
    let first = "SELECT data FROM sqlite_dbpage WHERE pgno = 1";
    let header = connection.query_row(first, [], |row| row.get::<_, Vec<u8>>(0));
    header.is_ok_and(|header| header.get(18) == Some(&2))
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
