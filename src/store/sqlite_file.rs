//! SQLite databases as files: a consistent copy of a live one, and putting a copy in the place of a closed one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, backup::Backup};

use crate::disk;

#[derive(Debug, thiserror::Error)]
pub enum SqliteFileError {
    #[error("cannot {action} the database {}", path.display())]
    Sqlite {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the copy of the database {} is damaged: {found}", path.display())]
    Damaged { path: PathBuf, found: String },
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
}

/// Pages copied between two looks at the progress.
const PAGES_A_STEP: i32 = 4096;

/// Copies the database at `live`, its write-ahead log included, while others may write to it. `to` appears only when whole.
pub fn copy_live(live: &Path, to: &Path) -> Result<(), SqliteFileError> {
    let part = sibling(to, ".netlink-part");
    for path in [
        &part,
        &sibling(&part, "-journal"),
        &sibling(&part, "-wal"),
        &sibling(&part, "-shm"),
    ] {
        disk::remove_file(path)?;
    }
    let source = open(live, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut copy = open(&part, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let at = |action, path: &Path| {
        let path = path.to_path_buf();
        move |source| SqliteFileError::Sqlite { action, path, source }
    };
    Backup::new(&source, &mut copy)
        .and_then(|backup| backup.run_to_completion(PAGES_A_STEP, Duration::from_millis(20), None))
        .map_err(at("copy", live))?;
    let found: String = copy
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(at("check the copy of", live))?;
    if found != "ok" {
        return Err(SqliteFileError::Damaged {
            path: live.to_path_buf(),
            found,
        });
    }
    copy.close().map_err(|(_, e)| at("close the copy of", live)(e))?;
    disk::sync_filesystem(&part)?;
    disk::rename(&part, to)?;
    Ok(())
}

/// Puts `copy` in the place of the closed database `place`. A write-ahead log of the old one would be replayed into the new
/// one, so it goes first. Repeatable: `copy` stays.
pub fn put_back(copy: &Path, place: &Path) -> Result<(), SqliteFileError> {
    for ending in ["-wal", "-shm", "-journal"] {
        disk::remove_file(&sibling(place, ending))?;
    }
    disk::copy_file(copy, place)?;
    Ok(())
}

/// Removes a closed database with everything beside it; not an error when it is gone already.
pub fn remove(place: &Path) -> Result<(), SqliteFileError> {
    for ending in ["-wal", "-shm", "-journal", ""] {
        disk::remove_file(&sibling(place, ending))?;
    }
    Ok(())
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, SqliteFileError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    connection.map_err(|source| SqliteFileError::Sqlite {
        action: "open",
        path: path.to_path_buf(),
        source,
    })
}

fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}
