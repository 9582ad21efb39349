//! PostgreSQL. A file and its history row are one transaction, its changes of the schema included.

mod session;
mod shape;

use std::time::Duration;

use postgres::Client;

use super::database::{Connection, Database, Manner, RawRow, Rows};
use super::directives::{ForeignKeys, ServerVersion};
use super::error::{Refused, StepError, Why, told};
use super::foreign_keys::Broken;
use super::history;
use super::lint;
use super::shape::Shape;
use super::sql::Dialect;
use super::statements::{Statement, statements};
use crate::clock::Deadline;
use crate::release::ServerLogin;
use session::Session;

/// Of NetLink's own questions.
const SHORT: Duration = Duration::from_secs(120);
/// Nothing of a product's takes longer.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);
/// Of advisory locks this one is NetLink's, in each database by itself.
const LOCK: &str = "SELECT pg_try_advisory_lock(x'4e65744c696e6b21'::bigint)";
/// Set for a transaction: it is gone when a file has ended it.
const ENTER: &str = "SELECT set_config('netlink.inside', 'yes', true);";
const INSIDE: &str = "SELECT coalesce(current_setting('netlink.inside', true), '') = 'yes'";
/// Neither another role nor a setting of a file's, nor a table of its own that hides one of the database's. Not DISCARD ALL, which lets
/// go of the lock.
const AS_OPENED: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DISCARD TEMP;";
/// So many rows of a query that must hold are looked at.
const MOST_ROWS: usize = 10_000;

pub(super) struct Postgresql {
    session: Session,
    deadline: Option<Deadline>,
    patience: Duration,
    is_inside: bool,
}

pub(super) fn connect(login: &ServerLogin) -> Result<Connection, StepError> {
    Ok(Box::new(Postgresql {
        session: Session::open(login)?,
        deadline: None,
        patience: Manner::default().patience(),
        is_inside: false,
    }))
}

impl Postgresql {
    fn short(&self, sql: impl Into<String>) -> Result<(), StepError> {
        let sql = sql.into();
        self.session
            .ask(SHORT, move |client| client.batch_execute(&sql))?
            .map_err(StepError::from)
    }

    /// The first column of the first row, as text.
    fn one(&self, sql: &str) -> Result<String, StepError> {
        let sql = sql.to_owned();
        let found = self.session.ask(SHORT, move |client| client.simple_query(&sql))??;
        let value = found.iter().find_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        });
        Ok(value.unwrap_or_default())
    }

    fn long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Client) -> Result<T, postgres::Error> + Send + 'static,
    ) -> Result<T, StepError> {
        let limit = self.deadline.map_or(LONG, Deadline::left);
        if limit.is_zero() {
            let said = "it was given up before it began".to_owned();
            let why = Why::Interrupted;
            return Err(Refused { said, why }.into());
        }
        // Zero would be no limit at all.
        self.short(format!("SET statement_timeout = {}", limit.as_millis().max(1)))?;
        let done = self.session.ask(limit + SHORT, work)?;
        let done = done.map_err(|e| Refused::from(e).after(self.patience))?;
        self.short("SET statement_timeout = 0")?;
        Ok(done)
    }

    /// Of the running transaction.
    fn changed(&self) -> Result<u64, StepError> {
        let all = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_xact_user_tables";
        self.number_of(all)
    }

    fn number_of(&self, query: &str) -> Result<u64, StepError> {
        Ok(self.one(query)?.parse().unwrap_or(0))
    }
}

impl From<postgres::Error> for Refused {
    fn from(error: postgres::Error) -> Self {
        use postgres::error::SqlState;
        let Some(db) = error.as_db_error() else {
            return Self {
                said: told(&error),
                why: Why::Other,
            };
        };
        let why = match db.code() {
            code if *code == SqlState::LOCK_NOT_AVAILABLE => Why::Locked,
            code if *code == SqlState::QUERY_CANCELED => Why::Interrupted,
            _ => Why::Other,
        };
        let more = [db.detail(), db.hint(), db.where_()].into_iter().flatten();
        let said = std::iter::once(db.message()).chain(more).collect::<Vec<_>>().join("; ");
        Self { said, why }
    }
}

impl From<postgres::Error> for StepError {
    fn from(error: postgres::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl Database for Postgresql {
    fn dialect(&self) -> Dialect {
        Dialect::Postgresql
    }

    fn version(&mut self) -> Result<(&'static str, ServerVersion), StepError> {
        Ok(("PostgreSQL", ServerVersion::read(&self.one("SHOW server_version")?)))
    }

    fn try_lock(&mut self) -> Result<bool, StepError> {
        Ok(self.one(LOCK)? == "t")
    }

    fn begin(&mut self, manner: Manner) -> Result<(), StepError> {
        self.patience = manner.patience();
        let deferred = match manner.foreign_keys {
            ForeignKeys::Defer => "SET CONSTRAINTS ALL DEFERRED;",
            ForeignKeys::OffAndCheck | ForeignKeys::On => "",
        };
        self.short(format!(
            "BEGIN; SET LOCAL lock_timeout = {}; {ENTER} {deferred}",
            self.patience.as_millis()
        ))?;
        self.is_inside = true;
        Ok(())
    }

    /// What is looked at only now may take as long as any statement.
    fn commit(&mut self) -> Result<(), StepError> {
        self.is_inside = false;
        self.long(|client| client.batch_execute("COMMIT"))
    }

    fn roll_back(&mut self) -> Result<(), StepError> {
        if !std::mem::take(&mut self.is_inside) {
            return Ok(());
        }
        self.short("ROLLBACK")
    }

    fn prepare(&mut self, manner: Manner) -> Result<(), StepError> {
        self.patience = manner.patience();
        self.short(format!("SET lock_timeout = {}", self.patience.as_millis()))
    }

    fn tell(&mut self, sql: &str) -> Result<(), StepError> {
        self.short(sql)
    }

    fn run(&mut self, sql: &str) -> Result<u64, StepError> {
        let before = self.changed()?;
        let whole = sql.to_owned();
        self.long(move |client| client.batch_execute(&whole))?;
        if self.one(INSIDE)? != "t" {
            let said = "the transaction that it began in is not there any more".to_owned();
            return Err(StepError::ControlsTransaction { said });
        }
        Ok(self.changed()?.saturating_sub(before))
    }

    fn run_alone(&mut self, statement: &Statement<'_>) -> Result<u64, StepError> {
        let text = statement.text.to_owned();
        let asks = lint::asks(statement);
        let rows = self.long(move |client| client.execute(text.as_str(), &[]))?;
        Ok(if asks { 0 } else { rows })
    }

    fn settle(&mut self) -> Result<(), StepError> {
        let patience = self.patience.as_millis();
        self.short(match self.is_inside {
            true => format!("{AS_OPENED} SET LOCAL lock_timeout = {patience}; {ENTER}"),
            false => format!("{AS_OPENED} SET lock_timeout = {patience};"),
        })
    }

    fn failing(&mut self, query: &str) -> Result<Option<String>, StepError> {
        let asked = statements(Dialect::Postgresql, query);
        let [statement] = &asked[..] else {
            return Ok(Some("it is no query".into()));
        };
        if !lint::asks(statement) {
            return Ok(Some("it is no query".into()));
        }
        // In brackets nothing but a query is understood; a comment at its end must not take them away.
        let query = statement.text.trim_end().trim_end_matches(';');
        let limited = format!("SELECT * FROM (\n{query}\n) AS netlink LIMIT {}", MOST_ROWS + 1);
        let messages = self.long(move |client| client.simple_query(&limited))?;
        let mut found = Rows::default();
        let mut count = 0;
        for message in &messages {
            if let postgres::SimpleQueryMessage::Row(row) = message {
                count += 1;
                if row.is_empty() {
                    return Ok(Some("it gives no column".into()));
                }
                if !found.take_text(row.get(0)) {
                    break;
                }
            }
        }
        if count > MOST_ROWS {
            return Ok(Some(format!("it gives more than {MOST_ROWS} rows: ask for a count")));
        }
        Ok(found.result())
    }

    fn number(&mut self, query: &str) -> Result<u64, StepError> {
        self.number_of(query)
    }

    fn history(&mut self) -> Result<Option<Vec<RawRow>>, StepError> {
        let there = format!("SELECT to_regclass('{}') IS NOT NULL", history::TABLE);
        if self.one(&there)? != "t" {
            return Ok(None);
        }
        let query = history::query("version::bigint");
        let rows = self
            .session
            .ask(SHORT, move |client| client.query(query.as_str(), &[]))??;
        let row = |row: &postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        rows.iter().map(row).collect::<Result<_, StepError>>().map(Some)
    }

    fn shape(&mut self) -> Result<Shape, StepError> {
        self.session.ask(SHORT, shape::shape)?.map_err(StepError::from)
    }

    /// It keeps them itself.
    fn broken(&mut self) -> Result<Broken, StepError> {
        Ok(Broken::new())
    }

    fn only_try_until(&mut self, deadline: Deadline) -> Result<(), StepError> {
        self.deadline = Some(deadline);
        Ok(())
    }

    /// What is damaged shows when it is read: it has checksums of its own.
    fn check(&mut self) -> Result<Option<String>, StepError> {
        Ok(None)
    }

    fn close(self: Box<Self>) -> Result<(), StepError> {
        Ok(())
    }
}
