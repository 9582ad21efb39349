//! MySQL and MariaDB. Each statement that changes the schema commits what came before it and itself, so a file with one is run
//! statement by statement; what only changes rows is one transaction with its history row.

mod foreign_keys;
mod shape;

use std::path::Path;
use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, SslOpts, Value};

use super::database::{Connection, Database, Manner, RawRow, Rows};
use super::directives::{ForeignKeys, ServerVersion};
use super::error::{Refused, StepError, Why};
use super::foreign_keys::Broken;
use super::history;
use super::lint;
use super::shape::Shape;
use super::sql::{self, Dialect, Kind};
use super::statements::{Statement, statements};
use super::tls::{self, Look, Wish};
use crate::clock::Deadline;
use crate::release::{ServerLogin, ServerPlace, ServerTls};

/// Until a server is reached.
const CONNECT: Duration = Duration::from_secs(15);
/// Nothing of a product's takes longer.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);
/// A server that does not even acknowledge for so long is gone.
const SILENCE: u32 = 120_000;
/// Where the packages of distributions, and the servers themselves, put the socket.
const SOCKETS: [&str; 3] = [
    "/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];
/// Codes of the servers.
const LOCK_WAIT: u16 = 1205;
const INTERRUPTED: [u16; 3] = [1317, 1969, 3024];

pub(super) struct Mysql {
    conn: Conn,
    database: String,
    deadline: Option<Deadline>,
    is_mariadb: bool,
    manner: Manner,
    is_inside: bool,
    /// Makes the session's settings what they were when it was opened.
    as_opened: String,
}

pub(super) fn connect(login: &ServerLogin) -> Result<Connection, StepError> {
    let mut conn = reached(login)?;
    // A file is read by its quotes, and the server has to read it in the same way.
    conn.query_drop(
        "SET SESSION sql_mode = REPLACE(REPLACE(REPLACE(@@sql_mode, 'ANSI_QUOTES', ''), 'NO_BACKSLASH_ESCAPES', ''), ',,', ',')",
    )?;
    let version: Option<String> = conn.query_first("SELECT VERSION()")?;
    let as_opened = as_opened(&mut conn)?;
    Ok(Box::new(Mysql {
        conn,
        as_opened,
        database: login.database.clone(),
        deadline: None,
        is_mariadb: version.is_some_and(|version| version.contains("MariaDB")),
        manner: Manner::default(),
        is_inside: false,
    }))
}

/// Of a session's settings those that dumps and migrations change. Not all at once by a reset of the connection, which lets go of the lock.
const SETTINGS: [&str; 8] = [
    "sql_mode",
    "time_zone",
    "character_set_client",
    "character_set_results",
    "collation_connection",
    "unique_checks",
    "sql_safe_updates",
    "default_storage_engine",
];

fn as_opened(conn: &mut Conn) -> Result<String, StepError> {
    let asked = SETTINGS.map(|name| format!("@@SESSION.{name}")).join(", ");
    let row: Option<mysql::Row> = conn.query_first(format!("SELECT {asked}"))?;
    let row = row.ok_or_else(|| Refused::other("the server tells no settings of the session"))?;
    let set = SETTINGS.iter().enumerate().map(|(at, name)| {
        let value = row.as_ref(at).and_then(text);
        let value = value.map_or("NULL".to_owned(), |value| match value.parse::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
        });
        format!("{name} = {value}")
    });
    Ok(format!("SET SESSION {}", set.collect::<Vec<_>>().join(", ")))
}

fn reached(login: &ServerLogin) -> Result<Conn, StepError> {
    let encrypted = || Ok::<_, StepError>(Conn::new(options(login).ssl_opts(ssl(&login.tls)?)));
    Ok(match tls::wish(&login.tls) {
        Wish::Never => Conn::new(options(login)),
        Wish::Always => encrypted()?,
        Wish::IfItCan => match encrypted()? {
            // Only preferred, and come to nothing before anybody was asked who it is.
            Err(e) if !matches!(e, mysql::Error::MySqlError(_)) => Conn::new(options(login)),
            connected => connected,
        },
    }?)
}

/// A socket is not encrypted, as with the tools.
fn ssl(tls: &ServerTls) -> Result<SslOpts, StepError> {
    let look = tls::look(tls);
    let authorities = (look != Look::Nothing).then(|| tls::bundle(tls)).transpose()?;
    Ok(SslOpts::default()
        .with_root_cert_path(authorities)
        .with_danger_accept_invalid_certs(look == Look::Nothing)
        .with_danger_skip_domain_validation(look == Look::Authority))
}

fn options(login: &ServerLogin) -> OptsBuilder {
    let password = login.password.as_ref();
    let password = password.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
    let options = OptsBuilder::new()
        .user(login.user.clone())
        .pass(password)
        .db_name(Some(login.database.clone()))
        .prefer_socket(false)
        .tcp_connect_timeout(Some(CONNECT))
        .tcp_user_timeout_ms(Some(SILENCE))
        .read_timeout(Some(LONG))
        .write_timeout(Some(LONG));
    let at_socket = || SOCKETS.iter().find(|path| Path::new(path).exists()).copied();
    match &login.place {
        ServerPlace::Socket { path, .. } => options.socket(Some(path)),
        // As the tools take it.
        ServerPlace::Host { name, port: None } if name == "localhost" => options.socket(at_socket()),
        ServerPlace::Default => options.socket(at_socket()),
        ServerPlace::Host { name, port } => {
            let options = options.ip_or_hostname(Some(name));
            match port {
                Some(port) => options.tcp_port(*port),
                None => options,
            }
        }
    }
}

impl From<mysql::Error> for StepError {
    fn from(error: mysql::Error) -> Self {
        refused(&error).into()
    }
}

fn refused(error: &mysql::Error) -> Refused {
    let mysql::Error::MySqlError(said) = error else {
        return Refused {
            said: super::error::told(error),
            why: Why::Other,
        };
    };
    let why = match said.code {
        LOCK_WAIT => Why::Locked,
        code if INTERRUPTED.contains(&code) => Why::Interrupted,
        _ => Why::Other,
    };
    Refused {
        said: format!("{} ({})", said.message, said.code),
        why,
    }
}

impl Mysql {
    /// To the end of everything that it gives: an error of a later statement comes with a later result.
    fn drain(&mut self, sql: &str) -> Result<u64, StepError> {
        self.limit()?;
        let patience = self.manner.patience();
        let failed = |e: mysql::Error| refused(&e).after(patience);
        let mut result = self.conn.query_iter(sql).map_err(failed)?;
        let mut changed = 0;
        while let Some(set) = result.iter() {
            changed += set.affected_rows();
            for row in set {
                row.map_err(failed)?;
            }
        }
        Ok(changed)
    }

    /// What is left of the time that a trial has; MySQL heeds it for queries alone.
    fn limit(&mut self) -> Result<(), StepError> {
        let Some(deadline) = self.deadline else { return Ok(()) };
        let left = deadline.left();
        if left.is_zero() {
            let said = "it was given up before it began".to_owned();
            let why = Why::Interrupted;
            return Err(Refused { said, why }.into());
        }
        let set = if self.is_mariadb {
            format!("SET SESSION max_statement_time = {:.3}", left.as_secs_f64().max(0.001))
        } else {
            format!("SET SESSION max_execution_time = {}", left.as_millis().max(1))
        };
        Ok(self.conn.query_drop(set)?)
    }

    fn strings(&mut self, query: &str) -> Result<Vec<mysql::Row>, StepError> {
        Ok(self.conn.query(query)?)
    }
}

impl Database for Mysql {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn version(&mut self) -> Result<(&'static str, ServerVersion), StepError> {
        let version: Option<String> = self.conn.query_first("SELECT VERSION()")?;
        let what = if self.is_mariadb { "MariaDB" } else { "MySQL" };
        Ok((what, ServerVersion::read(&version.unwrap_or_default())))
    }

    /// The names of locks are of the whole server.
    fn try_lock(&mut self) -> Result<bool, StepError> {
        let digest = crate::crypt::digest_of(self.database.as_bytes()).to_string();
        let query = format!("SELECT GET_LOCK('netlink-{}', 0)", &digest[..32.min(digest.len())]);
        let got: Option<Option<i64>> = self.conn.query_first(query)?;
        Ok(got.flatten() == Some(1))
    }

    fn begin(&mut self, manner: Manner) -> Result<(), StepError> {
        self.prepare(manner)?;
        self.conn.query_drop("START TRANSACTION")?;
        self.is_inside = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StepError> {
        self.is_inside = false;
        Ok(self.conn.query_drop("COMMIT")?)
    }

    fn roll_back(&mut self) -> Result<(), StepError> {
        if !std::mem::take(&mut self.is_inside) {
            return Ok(());
        }
        Ok(self.conn.query_drop("ROLLBACK")?)
    }

    fn prepare(&mut self, manner: Manner) -> Result<(), StepError> {
        self.manner = manner;
        let keys = u8::from(manner.foreign_keys != ForeignKeys::OffAndCheck);
        let seconds = manner.patience().as_secs().max(1);
        let settings = format!(
            "SET SESSION foreign_key_checks = {keys}, lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"
        );
        Ok(self.conn.query_drop(settings)?)
    }

    fn tell(&mut self, sql: &str) -> Result<(), StepError> {
        self.drain(sql).map(drop)
    }

    fn run(&mut self, sql: &str) -> Result<u64, StepError> {
        let mut changed = 0;
        for statement in statements(Dialect::Mysql, sql) {
            changed += self.drain(statement.text)?;
        }
        Ok(changed)
    }

    fn run_alone(&mut self, statement: &Statement<'_>) -> Result<u64, StepError> {
        self.drain(statement.text)
    }

    fn settle(&mut self) -> Result<(), StepError> {
        self.conn.query_drop(&self.as_opened)?;
        self.prepare(self.manner)
    }

    fn failing(&mut self, query: &str) -> Result<Option<String>, StepError> {
        let asked = statements(Dialect::Mysql, query);
        let changes = sql::tokens(Dialect::Mysql, query).any(|token| {
            token.kind == Kind::Word
                && ["INSERT", "UPDATE", "DELETE", "REPLACE"]
                    .iter()
                    .any(|word| token.is(word))
        });
        let [statement] = &asked[..] else {
            return Ok(Some("it is no query".into()));
        };
        // REPLACE and INSERT are functions too, but a query can do without them.
        if !lint::asks(statement) || (statement.words.first().is_some_and(|word| word == "WITH") && changes) {
            return Ok(Some("it is no query".into()));
        }
        self.limit()?;
        let mut found = Rows::default();
        let mut result = self.conn.query_iter(statement.text)?;
        while let Some(set) = result.iter() {
            for row in set {
                let row = row?;
                let Some(value) = row.as_ref(0) else {
                    return Ok(Some("it gives no column".into()));
                };
                let text = text(value);
                if !found.take_text(text.as_deref()) {
                    return Ok(found.result());
                }
            }
        }
        Ok(found.result())
    }

    fn number(&mut self, query: &str) -> Result<u64, StepError> {
        let number: Option<u64> = self.conn.query_first(query)?;
        Ok(number.unwrap_or(0))
    }

    fn history(&mut self) -> Result<Option<Vec<RawRow>>, StepError> {
        let there = format!(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{}'",
            history::TABLE
        );
        if self.number(&there)? == 0 {
            return Ok(None);
        }
        Ok(Some(self.conn.query(history::query("version"))?))
    }

    fn shape(&mut self) -> Result<Shape, StepError> {
        shape::shape(self)
    }

    fn broken(&mut self) -> Result<Broken, StepError> {
        foreign_keys::broken(self)
    }

    fn only_try_until(&mut self, deadline: Deadline) -> Result<(), StepError> {
        self.deadline = Some(deadline);
        Ok(())
    }

    /// InnoDB looks at its checksums whenever it reads.
    fn check(&mut self) -> Result<Option<String>, StepError> {
        Ok(None)
    }

    fn close(self: Box<Self>) -> Result<(), StepError> {
        Ok(())
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        other => Some(other.as_sql(true)),
    }
}

/// A column of a row as text; empty where there is none.
fn column(row: &mysql::Row, at: usize) -> String {
    row.as_ref(at).and_then(text).unwrap_or_default()
}

fn ticked(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
