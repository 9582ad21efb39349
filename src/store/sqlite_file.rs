//! SQLite databases as files: a consistent copy of a live one, and putting a copy in the place of a closed one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::sqlite_open;
use crate::clock::Deadline;
use crate::disk;
use crate::host::Run;

#[derive(Debug, thiserror::Error)]
pub enum SqliteFileError {
    #[error("cannot {action} the database {}", path.display())]
    Sqlite {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("the database {} is damaged: {found}", path.display())]
    Damaged { path: PathBuf, found: String },
    #[error("the database {} has been locked by another program for {} s", path.display(), PATIENCE.as_secs())]
    Locked { path: PathBuf },
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
}

/// Pages copied between two looks at the clock.
const PAGES_A_STEP: i32 = 4096;
/// A database that its program keeps locked for itself is given up after this long without a page.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Copies the database at `live`, its write-ahead log included, while others may write to it; with its permission bits and
/// owner. `to` appears only when whole.
pub fn copy_live(live: &Path, to: &Path) -> Result<(), SqliteFileError> {
    let part = sibling(to, ".netlink-part");
    remove(&part)?;
    let copied = copy_into(live, &part, Purpose::ToKeep);
    if copied.is_err() {
        // The first error is what the caller must hear; and a full disk needs the room back.
        let _ = remove(&part);
    }
    copied?;
    disk::sync_filesystem(&part)?;
    disk::rename(&part, to)?;
    Ok(())
}

/// The same for what is thrown away soon: neither made durable nor checked.
pub fn copy_to_try(live: &Path, to: &Path) -> Result<(), SqliteFileError> {
    remove(to)?;
    if copied_as_a_file(live, to)? {
        return Ok(());
    }
    remove(to)?;
    copy_into(live, to, Purpose::ToTry)
}

/// What a second of copying is worth at least.
const SLOWEST: u64 = 4 << 20;

/// The whole file at once, or shared with the live one where the file system can: without a log, nobody writes to it as long as it is
/// read. False where it has one, or that does not go. By another process: to close the file here would end the reading, since all locks
/// of a process on a file go with whichever of its handles is closed first.
fn copied_as_a_file(live: &Path, to: &Path) -> Result<bool, SqliteFileError> {
    let at = |source| SqliteFileError::Sqlite {
        action: "read",
        path: live.to_path_buf(),
        source,
    };
    let source = sqlite_open::open_live(live).map_err(at)?;
    begin_reading(&source).map_err(at)?;
    let (Some(from), Some(into)) = (live.to_str(), to.to_str()) else {
        return Ok(false);
    };
    let mode: String = source
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(at)?;
    if mode == "wal" {
        return Ok(false);
    }
    let copied = Run {
        argv: ["cp", "--", from, into].map(str::to_owned).to_vec(),
        dir: PathBuf::from("."),
        env: BTreeMap::new(),
        stdin: Vec::new(),
        limit: PATIENCE + Duration::from_secs(size(live) / SLOWEST),
    }
    .run();
    if !copied.is_ok_and(|ended| ended.status.success()) {
        return Ok(false);
    }
    disk::make_like(to, live)?;
    Ok(true)
}

/// Without a transaction, each commit of another process would start a copy from its beginning.
fn begin_reading(source: &Connection) -> rusqlite::Result<()> {
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    ToKeep,
    ToTry,
}

fn copy_into(live: &Path, part: &Path, purpose: Purpose) -> Result<(), SqliteFileError> {
    let at = |action, path: &Path| {
        let path = path.to_path_buf();
        move |source| SqliteFileError::Sqlite { action, path, source }
    };
    let source = sqlite_open::open_live(live).map_err(at("open", live))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(part, flags).map_err(at("create the copy", part))?;
    disk::make_like(part, live)?;
    begin_reading(&source).map_err(at("read", live))?;
    if purpose == Purpose::ToTry {
        let unsafely = copy.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF");
        unsafely.map_err(at("create the copy", part))?;
    }
    copy_pages(&source, &mut copy, live)?;
    if purpose == Purpose::ToKeep {
        whole(&copy, live)?;
    }
    copy.close().map_err(|(_, e)| at("close the copy of", live)(e))
}

fn whole(copy: &Connection, live: &Path) -> Result<(), SqliteFileError> {
    let found = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    let found: String = found.map_err(|source| SqliteFileError::Sqlite {
        action: "check the copy of",
        path: live.to_path_buf(),
        source,
    })?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(SqliteFileError::Damaged {
            path: live.to_path_buf(),
            found,
        }),
    }
}

fn copy_pages(source: &Connection, copy: &mut Connection, live: &Path) -> Result<(), SqliteFileError> {
    let failed = |source| SqliteFileError::Sqlite {
        action: "copy",
        path: live.to_path_buf(),
        source,
    };
    let backup = Backup::new(source, copy).map_err(failed)?;
    let mut deadline = Deadline::after(PATIENCE);
    loop {
        match backup.step(PAGES_A_STEP).map_err(failed)? {
            StepResult::Done => return Ok(()),
            StepResult::More => deadline = Deadline::after(PATIENCE),
            _ if deadline.has_passed() => {
                return Err(SqliteFileError::Locked {
                    path: live.to_path_buf(),
                });
            }
            _ => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Has SQLite check the whole database at `path`, which nobody uses.
pub fn check_integrity(path: &Path) -> Result<(), SqliteFileError> {
    let at = |source| SqliteFileError::Sqlite {
        action: "check",
        path: path.to_path_buf(),
        source,
    };
    let db = sqlite_open::open_quietly(path).map_err(at)?;
    let found: String = db
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(at)?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(SqliteFileError::Damaged {
            path: path.to_path_buf(),
            found,
        }),
    }
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

/// What beside the database file itself belongs to it.
const WITH: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Tells whether a closed database was written to: equal only when nothing was.
pub fn stamp(place: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let one = |ending: &&str| {
        let meta = std::fs::metadata(sibling(place, ending)).ok()?;
        let (seconds, nanos) = (meta.mtime(), meta.mtime_nsec());
        Some(format!("{ending}:{}:{seconds}.{nanos}:{}", meta.ino(), meta.len()))
    };
    WITH.iter().filter_map(one).collect::<Vec<_>>().join(" ")
}

/// Bytes of a database with its logs; 0 when there is none.
pub fn size(place: &Path) -> u64 {
    let one = |ending: &&str| std::fs::metadata(sibling(place, ending)).map_or(0, |meta| meta.len());
    ["", "-wal"].iter().map(one).sum()
}

/// Moves a closed database with its logs to `aside`, where it stays what it was. Repeatable: what was moved before is not
/// replaced.
pub fn set_aside(place: &Path, aside: &Path) -> Result<(), SqliteFileError> {
    disk::create_dir_of(aside)?;
    if aside.exists() {
        return Ok(());
    }
    // The database goes last: until it is there, a repetition moves again.
    for ending in ["-journal", "-wal", ""] {
        let from = sibling(place, ending);
        if from.exists() {
            disk::move_across(&from, &sibling(aside, ending))?;
        }
    }
    Ok(())
}

/// Removes a closed database with everything beside it; not an error when it is gone already.
pub fn remove(place: &Path) -> Result<(), SqliteFileError> {
    for ending in WITH.iter().rev() {
        disk::remove_file(&sibling(place, ending))?;
    }
    Ok(())
}

pub(super) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Each commit of another connection would start a copy without a transaction from its beginning, for ever.
    #[test]
    fn a_database_that_is_written_to_all_the_time_is_copied_at_one_moment() {
        let dir = tempfile::tempdir().unwrap();
        let (live, to) = (dir.path().join("live.db"), dir.path().join("copy.db"));
        let db = Connection::open(&live).unwrap();
        db.execute_batch("CREATE TABLE t (n INTEGER, pad BLOB)").unwrap();
        db.execute_batch(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 8000) \
             INSERT INTO t SELECT n, zeroblob(8000) FROM c",
        )
        .unwrap();
        disk::set_mode(&live, 0o640).unwrap();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let ended = &ended;
            scope.spawn(move || {
                db.busy_timeout(Duration::from_secs(20)).unwrap();
                let mut n = 0;
                while !ended.load(Ordering::Relaxed) {
                    n += 1;
                    db.execute("UPDATE t SET n = n + 1 WHERE rowid IN (1, 8000)", [])
                        .unwrap();
                    std::thread::sleep(Duration::from_millis(1));
                }
                assert!(n > 1);
            });
            std::thread::sleep(Duration::from_millis(20));
            let copied = copy_live(&live, &to);
            ended.store(true, Ordering::Relaxed);
            copied.unwrap();
        });
        let copy = Connection::open(&to).unwrap();
        let (first, last): (i64, i64) = copy
            .query_row("SELECT min(n), max(n) FROM t WHERE rowid IN (1, 8000)", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(last - first, 7999);
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (live, to) = (dir.path().join("live.db"), dir.path().join("copy.db"));
        disk::write_atomic(&live, &[7; 5000], 0o600).unwrap();
        assert!(copy_live(&live, &to).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
