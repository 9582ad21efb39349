//! What the runner asks of a database. There is one runner; SQLite, PostgreSQL and MySQL differ in what is below this.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directives::{Directives, ForeignKeys, ServerVersion};
use super::error::StepError;
use super::foreign_keys::Broken;
use super::shape::Shape;
use super::sql::Dialect;
use super::statements::Statement;
use super::{SchemaError, mysql, postgresql, sqlite};
use crate::clock::Deadline;
use crate::release::{ServerEngine, ServerLogin};

/// Where a database is.
#[derive(Debug, Clone)]
pub enum Place {
    Sqlite(PathBuf),
    Server(Reach),
}

/// A database on a server.
#[derive(Debug, Clone)]
pub struct Reach {
    pub login: ServerLogin,
    /// How long another NetLink that migrates it is waited for.
    pub patience: Duration,
}

/// For whoever has no reason for another.
pub const PATIENCE: Duration = Duration::from_secs(60);

impl Reach {
    pub fn new(login: ServerLogin) -> Self {
        let patience = PATIENCE;
        Self { login, patience }
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_path_buf())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "the database {}", path.display()),
            Self::Server(reach) => write!(f, "the database {} on its server", reach.login.database),
        }
    }
}

impl Place {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Server(reach) => Dialect::of(reach.login.engine),
        }
    }

    /// `None` when there is no database.
    pub(super) fn open_to_read(&self) -> Result<Option<Connection>, SchemaError> {
        match self {
            Self::Sqlite(path) => sqlite::for_reading(path),
            Self::Server(reach) => connect(reach).map(Some),
        }
        .map_err(at("open", self))
    }

    /// What a run leaves beside the database that was killed right after its last file.
    pub(super) fn clear(&self) -> Result<(), SchemaError> {
        match self {
            Self::Sqlite(path) if sqlite::has_empty_journal(path) => {
                self.open_to_migrate()?.close().map_err(at("close", self))
            }
            _ => Ok(()),
        }
    }

    /// Nobody else migrates it then. An SQLite database is made where there is none.
    pub(super) fn open_to_migrate(&self) -> Result<Connection, SchemaError> {
        let open = || match self {
            Self::Sqlite(path) => sqlite::for_migration(path),
            Self::Server(reach) => {
                let mut connection = connect(reach)?;
                lock(connection.as_mut(), reach.patience)?;
                Ok(connection)
            }
        };
        open().map_err(at("open", self))
    }
}

impl Dialect {
    pub fn of(engine: ServerEngine) -> Self {
        match engine {
            ServerEngine::Postgresql => Self::Postgresql,
            ServerEngine::Mysql => Self::Mysql,
        }
    }
}

fn connect(reach: &Reach) -> Result<Connection, StepError> {
    match reach.login.engine {
        ServerEngine::Postgresql => postgresql::connect(&reach.login),
        ServerEngine::Mysql => mysql::connect(&reach.login),
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Asked again and again: a server that lets one wait for a lock would go on waiting for whoever has given up.
fn lock(connection: &mut dyn Database, patience: Duration) -> Result<(), StepError> {
    let deadline = Deadline::after(patience);
    while !connection.try_lock()? {
        if deadline.has_passed() {
            return Err(StepError::AnotherMigrates { patience });
        }
        std::thread::sleep(LOOK_EVERY.min(deadline.left()));
    }
    Ok(())
}

/// Names the action and the database.
pub(super) fn at(action: &'static str, place: &Place) -> impl Fn(StepError) -> SchemaError {
    let place = place.clone();
    move |source| match (source, &place) {
        (StepError::Sqlite(source), Place::Sqlite(path)) => SchemaError::Sqlite {
            action,
            path: path.clone(),
            source,
        },
        (source, place) => SchemaError::Database {
            action,
            place: place.to_string(),
            source: Box::new(source),
        },
    }
}

pub(super) type Connection = Box<dyn Database>;

/// How SQL is run: what becomes of foreign keys, and of locks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    pub(super) foreign_keys: ForeignKeys,
    /// How long another one's lock is waited for.
    pub(super) patience: Option<Duration>,
}

impl Manner {
    pub(super) fn of(said: &Directives) -> Self {
        Self {
            foreign_keys: said.foreign_keys,
            patience: said.lock_timeout,
        }
    }

    pub(super) fn patience(self) -> Duration {
        self.patience.unwrap_or(crate::store::BUSY_TIMEOUT)
    }
}

/// A row of the history as it is read: level, name, checksum.
pub(super) type RawRow = (i64, String, String);

/// A connection.
pub(super) trait Database {
    fn dialect(&self) -> Dialect;

    /// What it is and of which version.
    fn version(&mut self) -> Result<(&'static str, ServerVersion), StepError>;

    /// True when nobody else has it; it is held as long as the connection.
    fn try_lock(&mut self) -> Result<bool, StepError>;

    fn begin(&mut self, manner: Manner) -> Result<(), StepError>;

    fn commit(&mut self) -> Result<(), StepError>;

    /// Nothing to do where there is no transaction any more.
    fn roll_back(&mut self) -> Result<(), StepError>;

    /// For statements that are run without a transaction.
    fn prepare(&mut self, manner: Manner) -> Result<(), StepError>;

    /// What is NetLink's own.
    fn tell(&mut self, sql: &str) -> Result<(), StepError>;

    /// A product's SQL within a transaction, which it must not end. Gives the rows that it changed.
    fn run(&mut self, sql: &str) -> Result<u64, StepError>;

    /// One statement without a transaction. Gives the rows that it changed.
    fn run_alone(&mut self, statement: &Statement<'_>) -> Result<u64, StepError>;

    /// The session as it was when it was opened: what a product's SQL has set for itself must not hold for what comes after it. Within a
    /// transaction or without.
    fn settle(&mut self) -> Result<(), StepError>;

    /// What a query finds instead of rows whose first column is a number other than 0; none when it finds such rows alone.
    fn failing(&mut self, query: &str) -> Result<Option<String>, StepError>;

    /// The number that a query of ours gives.
    fn number(&mut self, query: &str) -> Result<u64, StepError>;

    /// In the order of levels; `None` without the table.
    fn history(&mut self) -> Result<Option<Vec<RawRow>>, StepError>;

    fn shape(&mut self) -> Result<Shape, StepError>;

    /// Rows that point to nothing, as far as the database does not itself see to it that there are none.
    fn broken(&mut self) -> Result<Broken, StepError>;

    /// It is thrown away: nothing of it need last, and what takes longer is interrupted from now on.
    fn only_try_until(&mut self, deadline: Deadline) -> Result<(), StepError>;

    /// An error when the database is damaged, as far as that is seen quickly.
    fn check(&mut self) -> Result<Option<String>, StepError>;

    /// True when commits could wait less for the disk and do not.
    fn could_log_ahead(&mut self) -> Result<bool, StepError> {
        Ok(false)
    }

    /// Whether each commit is written ahead to a log; only of a database that could and nobody else uses.
    fn log_ahead(&mut self, _: bool) -> Result<(), StepError> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StepError>;
}

/// Of the first columns of a query's rows, for [`Database::failing`].
#[derive(Default)]
pub(super) struct Rows {
    count: u64,
    wrong: Option<String>,
}

impl Rows {
    /// False when no more need to be looked at.
    pub(super) fn take(&mut self, holds: bool, shown: impl FnOnce() -> String) -> bool {
        self.count += 1;
        if !holds {
            self.wrong = Some(format!("row {} is {}", self.count, shown()));
        }
        holds
    }

    /// As a server writes it: `t` is PostgreSQL's true.
    pub(super) fn take_text(&mut self, value: Option<&str>) -> bool {
        let holds = value.is_some_and(|text| text == "t" || text.parse::<f64>().is_ok_and(|number| number != 0.0));
        self.take(holds, || match value {
            None => "NULL".into(),
            Some("f") => "false".into(),
            Some(text) if text.parse::<f64>().is_ok() => text.to_owned(),
            Some(text) => format!("'{}'", text.chars().take(LONGEST_SHOWN).collect::<String>()),
        })
    }

    pub(super) fn result(self) -> Option<String> {
        self.wrong
            .or_else(|| (self.count == 0).then(|| "there is no row".into()))
    }
}

pub(super) const LONGEST_SHOWN: usize = 80;
