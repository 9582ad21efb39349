//! NetLink's own state in SQLite (`.netlink/netlink.db`): facts, updates, journal, ways back; and SQLite files in general.

mod audit;
mod counts;
mod installation;
mod orders;
mod outbox;
mod pulse;
mod sessions;
mod sqlite_file;
mod sqlite_open;
mod sqlite_pages;
mod tokens;
mod updates;
mod ways_back;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Params, Transaction};

pub use audit::{AuditCheckpoint, AuditEntry, AuditRow};
pub use counts::{Counts, Missed, OrderCount};
pub use installation::Fact;
pub use orders::{Added, Answered, OrderId, OrderIdError, OrderRecord, OrderState};
pub use outbox::{NoticeCounts, NoticeRecord, NoticeState, Subscriber, Subscribers};
pub use pulse::{Beat, Pulse};
pub use sessions::SessionRecord;
pub use sqlite_file::{
    SqliteFileError, check_integrity, copy_live, copy_to_try, put_back, remove, set_aside, size, stamp,
};
pub use sqlite_open::{BUSY_TIMEOUT, open_quietly};
pub use sqlite_pages::read_pages;
pub use tokens::{Role, RoleError, TokenRecord};
pub use updates::{Row, UpdateId, UpdateIdError, UpdateRecord, Verb};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// How long one process waits for another one's commit.
const BUSY: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {action} NetLink's state in {}", path.display())]
    Sqlite {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    #[error("cannot bring NetLink's state in {} up to date", path.display())]
    Migrate {
        path: PathBuf,
        #[source]
        source: Box<refinery::Error>,
    },
    #[error(
        "NetLink's state in {} is of level {found}, this program knows {known}: it was written by a newer NetLink; install that one",
        path.display()
    )]
    Newer { path: PathBuf, found: i32, known: i32 },
    #[error("NetLink's state in {} holds {what} that cannot be read: {problem}", path.display())]
    Unreadable {
        path: PathBuf,
        what: String,
        problem: String,
    },
    #[error("order {order} waits no longer")]
    NoLongerWaits { order: OrderId },
    #[error("update {id} is not finished, so that nothing new is begun; `netlink update resume` goes on with it")]
    Unfinished { id: UpdateId },
}

impl StoreError {
    /// There is no room left on the disk.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if source.sqlite_error_code() == Some(ErrorCode::DiskFull))
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// An open state database. Each thread opens its own.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    path: PathBuf,
    /// Who is told of what is written here.
    subscribers: Subscribers,
}

/// See [`Store::one_view`].
pub struct OneView<'a> {
    _transaction: Transaction<'a>,
}

impl Store {
    /// Opens the state, made or brought up to date as needed. The folder must be there.
    pub fn open(path: &Path) -> Result<Self> {
        let mut store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        store.try_to("set up", |db| {
            db.pragma_update(None, "journal_mode", "wal")?;
            db.pragma_update(None, "synchronous", "full")
        })?;
        if store.level()? != Some(known_level()) {
            store.refuse_newer()?;
            let migrated = embedded::migrations::runner().set_grouped(true).run(&mut store.db);
            migrated.map_err(|e| StoreError::Migrate {
                path: path.to_path_buf(),
                source: Box::new(e),
            })?;
        }
        Ok(store)
    }

    /// Opens a state that is there, to look at only.
    pub fn open_to_read(path: &Path) -> Result<Self> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        store.refuse_newer()?;
        Ok(store)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self> {
        let open = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).and_then(|db| {
            db.busy_timeout(BUSY)?;
            db.pragma_update(None, "foreign_keys", true)?;
            Ok(db)
        });
        let db = open.map_err(|source| StoreError::Sqlite {
            action: "open",
            path: path.to_path_buf(),
            source,
        })?;
        Ok(Self {
            db,
            path: path.to_path_buf(),
            subscribers: Subscribers::default(),
        })
    }

    /// How long this connection waits for another one's commit from now on.
    pub fn wait_at_most(&self, limit: Duration) -> Result<()> {
        self.try_to("set up", |db| db.busy_timeout(limit))
    }

    fn refuse_newer(&self) -> Result<()> {
        match self.level()? {
            Some(found) if found > known_level() => Err(StoreError::Newer {
                path: self.path.clone(),
                found,
                known: known_level(),
            }),
            _ => Ok(()),
        }
    }

    fn level(&self) -> Result<Option<i32>> {
        self.try_to("read the level of", |db| {
            let known: Option<i32> = db
                .query_row(
                    "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'",
                    [],
                    |row| row.get(0),
                )
                .optional()?;
            match known {
                None => Ok(None),
                Some(_) => db.query_row("SELECT max(version) FROM refinery_schema_history", [], |row| row.get(0)),
            }
        })
    }

    /// Has SQLite look through all of it; the first thing that is wrong, if anything is.
    pub fn damage(&self) -> Result<Option<String>> {
        let found: String = self.try_to("check", |db| {
            db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        })?;
        Ok((found != "ok").then_some(found))
    }

    /// As long as the result is held, everything that is read is of one moment.
    pub fn one_view(&self) -> Result<OneView<'_>> {
        let begun = self.db.unchecked_transaction();
        let transaction = begun.map_err(|source| StoreError::Sqlite {
            action: "read",
            path: self.path.clone(),
            source,
        })?;
        Ok(OneView {
            _transaction: transaction,
        })
    }

    /// Runs a piece of SQL and names the action in its error.
    fn try_to<T>(&self, action: &'static str, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        run(&self.db).map_err(|source| StoreError::Sqlite {
            action,
            path: self.path.clone(),
            source,
        })
    }

    /// All rows that a query gives, column by column.
    fn rows<T>(&self, sql: &str, parameters: impl Params) -> Result<Vec<T>>
    where
        T: for<'a> TryFrom<&'a rusqlite::Row<'a>, Error = rusqlite::Error>,
    {
        self.try_to("read", |db| {
            let mut rows = db.prepare_cached(sql)?;
            rows.query_map(parameters, |row| T::try_from(row))?.collect()
        })
    }

    fn unreadable(&self, what: impl Into<String>, problem: &dyn std::fmt::Display) -> StoreError {
        StoreError::Unreadable {
            path: self.path.clone(),
            what: what.into(),
            problem: problem.to_string(),
        }
    }
}

/// All migrations are parsed for it: once in a process, not with every state that is opened.
fn known_level() -> i32 {
    static KNOWN: LazyLock<i32> = LazyLock::new(|| {
        let migrations = embedded::migrations::runner();
        let levels = migrations.get_migrations().iter().map(refinery::Migration::version);
        levels.max().unwrap_or(0)
    });
    *KNOWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_a_newer_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("netlink.db");
        let store = Store::open(&path).unwrap();
        let newer =
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'x', '', '1')";
        store.db.execute(newer, []).unwrap();
        drop(store);
        assert!(matches!(Store::open(&path), Err(StoreError::Newer { found: 99, .. })));
        assert!(matches!(Store::open_to_read(&path), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn the_journal_cannot_be_rewritten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("netlink.db")).unwrap();
        store.db.execute("PRAGMA foreign_keys = off", []).unwrap();
        store
            .db
            .execute(
                "INSERT INTO journal (update_id, time, event) VALUES ('u', 't', '{}')",
                [],
            )
            .unwrap();
        assert!(store.db.execute("UPDATE journal SET event = 'x'", []).is_err());
    }
}
