//! The pages of a live SQLite database at one moment, its write-ahead log included, without a copy between.

use std::path::Path;

use super::sqlite_file::SqliteFileError;
use super::sqlite_open;

/// Cargo takes it from `.cargo/config.toml`, which it looks for from the folder that it runs in and not from that of the sources.
const FLAG: &str = "-DSQLITE_ENABLE_DBPAGE_VTAB";
const _: () = assert!(
    is_among(option_env!("LIBSQLITE3_FLAGS")),
    "SQLite would be built without `sqlite_dbpage`, which backups need: run cargo in the folder of the sources, or with \
     LIBSQLITE3_FLAGS=-DSQLITE_ENABLE_DBPAGE_VTAB in the environment"
);

const fn is_among(flags: Option<&str>) -> bool {
    let (Some(flags), wanted) = (flags, FLAG.as_bytes()) else {
        return false;
    };
    let (flags, mut at) = (flags.as_bytes(), 0);
    while at + wanted.len() <= flags.len() {
        let mut same = 0;
        while same < wanted.len() && flags[at + same] == wanted[same] {
            same += 1;
        }
        if same == wanted.len() {
            return true;
        }
        at += 1;
    }
    false
}

/// Calls `each` with the bytes of the file as it would be if the log were folded into it now, while others may go on writing:
/// all pages are of one read transaction. They come from the virtual table `sqlite_dbpage`.
pub fn read_pages<E: From<SqliteFileError>>(
    live: &Path,
    each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| SqliteFileError::Sqlite {
        action: "read",
        path: live.to_path_buf(),
        source,
    };
    let source = sqlite_open::open_live(live).map_err(failed)?;
    source
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
        .map_err(failed)?;
    let mut pages = source
        .prepare("SELECT data FROM sqlite_dbpage ORDER BY pgno")
        .map_err(failed)?;
    let mut rows = pages.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let page = row.get_ref(0).map_err(failed)?;
        each(page.as_blob().map_err(|e| failed(e.into()))?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use rusqlite::Connection;

    use super::*;
    use crate::disk;

    #[test]
    fn a_build_without_the_virtual_table_is_noticed() {
        assert!(!is_among(None) && !is_among(Some("")) && !is_among(Some("-DSQLITE_ENABLE_DBPAGE_VTA")));
        assert!(is_among(Some("-DA -DSQLITE_ENABLE_DBPAGE_VTAB")) && is_among(Some(FLAG)));
    }

    /// Plain reading of the file would miss what lies in the log, and mix moments.
    #[test]
    fn the_pages_of_a_database_that_is_written_to_all_the_time_are_of_one_moment() {
        let dir = tempfile::tempdir().unwrap();
        let (live, to) = (dir.path().join("live.db"), dir.path().join("copy.db"));
        let db = Connection::open(&live).unwrap();
        db.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (n INTEGER, pad BLOB)")
            .unwrap();
        db.execute_batch(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4000) \
             INSERT INTO t SELECT n, zeroblob(8000) FROM c",
        )
        .unwrap();
        let ended = AtomicBool::new(false);
        let mut copy = Vec::new();
        std::thread::scope(|scope| {
            let ended = &ended;
            scope.spawn(move || {
                db.busy_timeout(Duration::from_secs(20)).unwrap();
                while !ended.load(Ordering::Relaxed) {
                    db.execute("UPDATE t SET n = n + 1 WHERE rowid IN (1, 4000)", [])
                        .unwrap();
                }
            });
            std::thread::sleep(Duration::from_millis(20));
            let read: Result<(), SqliteFileError> = read_pages(&live, &mut |page| {
                copy.extend_from_slice(page);
                Ok(())
            });
            ended.store(true, Ordering::Relaxed);
            read.unwrap();
        });
        disk::write_atomic(&to, &copy, 0o600).unwrap();
        let copy = Connection::open(&to).unwrap();
        let (first, last, rows): (i64, i64, i64) = copy
            .query_row(
                "SELECT min(n), max(n), (SELECT count(*) FROM t) FROM t WHERE rowid IN (1, 4000)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        assert_eq!((last - first, rows), (3999, 4000));
        let ok: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(ok, "ok");
    }
}
