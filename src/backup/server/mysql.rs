//! MySQL and MariaDB: one transaction's dump, restored into a schema beside the live one, compared row count by row count, and
//! exchanged by one RENAME TABLE of all tables. Views, routines, triggers and events cannot be renamed: those of the backup, which the
//! schema beside has taken, are made anew in the live one.

use super::credentials::Credentials;
use super::rows::Rows;
use super::sql::{is, ticked};
use super::tool::{self, Tool};
use super::{Checked, Counted, DumpNote, Give, Purpose, Result, Server, ServerError, Take, names_beside};
use crate::backup::BackupError;

mod code;
mod mark;

use code::Code;
use mark::Mark;

/// Said by the client after the last statement: then nothing was cut off on the way.
const ARRIVED: &str = "netlink: all of it";

/// Whose tools they are; each needs options that the other does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavor {
    MariaDb,
    MySql,
}

/// The tools that are there.
struct Kit {
    flavor: Flavor,
    version: String,
    dump: &'static str,
    client: &'static str,
}

#[derive(Debug)]
pub struct Beside {
    new: String,
    old: String,
    /// What makes the views, routines, triggers and events of the backup.
    code: Code,
    mark: Mark,
}

impl Kit {
    fn find(server: &Server) -> Result<Self> {
        let first = tool::version(server, "mariadb-dump");
        let (dump, client, version) = match first {
            Ok(version) => ("mariadb-dump", "mariadb", version),
            Err(missing @ ServerError::ToolMissing { .. }) => match tool::version(server, "mysqldump") {
                Ok(version) => ("mysqldump", "mysql", version),
                Err(ServerError::ToolMissing { .. }) => return Err(missing),
                Err(e) => return Err(e),
            },
            Err(e) => return Err(e),
        };
        tool::version(server, client)?;
        let flavor = match version.contains("MariaDB") {
            true => Flavor::MariaDb,
            false => Flavor::MySql,
        };
        Ok(Self {
            flavor,
            version,
            dump,
            client,
        })
    }

    fn credentials(&self, server: &Server) -> Result<Credentials> {
        Credentials::of_mysql(server, self.flavor)
    }

    /// Statements for the client that change something; `database` is where they are said, none for no place in particular.
    fn worker<'a>(
        &'a self,
        server: &'a Server,
        credentials: &'a Credentials,
        mark: &Mark,
        database: Option<&str>,
    ) -> Tool<'a> {
        self.client_with(server, credentials, &mark.claim(), database)
    }

    /// Statements for the client that only look.
    fn client<'a>(&'a self, server: &'a Server, credentials: &'a Credentials, database: Option<&str>) -> Tool<'a> {
        self.client_with(server, credentials, "", database)
    }

    fn client_with<'a>(
        &'a self,
        server: &'a Server,
        credentials: &'a Credentials,
        also: &str,
        database: Option<&str>,
    ) -> Tool<'a> {
        let file = credentials.option_file();
        // A statement that waits for somebody's transaction must end before we would give it up: it could come to pass later.
        let first = format!("--init-command=SET SESSION lock_wait_timeout = 60{also}");
        let mut args = vec![
            file.as_str(),
            "--binary-mode",
            first.as_str(),
            "--batch",
            "--raw",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
            "--",
        ];
        args.extend(database);
        Tool::new(server, self.client, &args, credentials)
    }

    /// A dump with these options besides those that every dump has; `what` is the database, and tables of it if not all.
    fn dump<'a>(&'a self, server: &'a Server, credentials: &'a Credentials, more: &[&str], what: &[&str]) -> Tool<'a> {
        let file = credentials.option_file();
        let mut args = vec![
            file.as_str(),
            "--single-transaction",
            "--quick",
            "--skip-dump-date",
            "--no-tablespaces",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
        ];
        if self.flavor == Flavor::MySql {
            args.extend(["--set-gtid-purged=OFF", "--column-statistics=0"]);
        }
        args.extend(more);
        args.push("--");
        args.extend(what);
        Tool::new(server, self.dump, &args, credentials)
    }

    fn ask(&self, server: &Server, statements: &str) -> Result<String> {
        let credentials = self.credentials(server)?;
        self.client(server, &credentials, None).ask(statements)
    }

    /// Statements that change something.
    fn tell(&self, server: &Server, mark: &Mark, statements: &str) -> Result<String> {
        let credentials = self.credentials(server)?;
        self.worker(server, &credentials, mark, None).ask(statements)
    }

    /// Names that a question gives in hex, a line each: a name may have any character.
    fn names(&self, server: &Server, question: &str) -> Result<Vec<String>> {
        let answer = self.ask(server, question)?;
        let name = |line: &str| String::from_utf8(hex::decode(line.trim()).ok()?).ok();
        Ok(answer.lines().filter_map(name).collect())
    }
}

pub fn check(server: &Server) -> Result<Checked> {
    let kit = Kit::find(server)?;
    let credentials = kit.credentials(server)?;
    let live = &server.login.database;
    let asked = kit.client(server, &credentials, Some(live)).ask("SELECT VERSION();\n");
    Ok(Checked {
        server: asked.map_err(tool::as_refusal)?.trim().to_owned(),
        tool: kit.version,
    })
}

pub fn size(server: &Server) -> Result<u64> {
    let question = format!(
        "SELECT CAST(COALESCE(SUM(data_length), 0) AS UNSIGNED) FROM information_schema.tables WHERE {};\n",
        is("table_schema", &server.login.database)
    );
    let answer = Kit::find(server)?.ask(server, &question).map_err(tool::as_refusal)?;
    Ok(answer.trim().parse().unwrap_or(0))
}

pub fn dump(server: &Server, each: Take<'_>) -> crate::backup::Result<Counted> {
    let kit = Kit::find(server)?;
    let credentials = kit.credentials(server)?;
    // Not --hex-blob: it doubles what a row takes, and a row that fits into max_allowed_packet would not come back.
    let more = ["--routines", "--triggers", "--events"];
    let tool = kit.dump(server, &credentials, &more, &[&server.login.database]);
    let mut rows = Rows::default();
    let finished = tool.long().stream_out(server.tools.idle, &mut |piece| {
        rows.take(piece);
        each(piece)
    })?;
    if !finished.status.success() {
        return Err(tool.failed(&finished).into());
    }
    if !rows.is_complete() {
        return Err(ServerError::CutOff {
            tool: kit.dump.into(),
            database: server.login.database.clone(),
        }
        .into());
    }
    let most = kit.ask(server, "SELECT @@global.max_allowed_packet;\n")?;
    let most: u64 = most.trim().parse().unwrap_or(u64::MAX);
    // Beside the row a statement has the names of table and columns.
    let needed = rows.longest() + (64 << 10);
    if needed > most {
        return Err(ServerError::RowTooLong {
            database: server.login.database.clone(),
            needed,
            most,
        }
        .into());
    }
    Ok(rows.counted())
}

pub fn load(server: &Server, note: &DumpNote, purpose: Purpose, give: Give<'_>) -> crate::backup::Result<Beside> {
    let kit = Kit::find(server)?;
    let (new, old) = names_beside(&server.login.database, purpose);
    let mark = make_beside(server, &kit, &new, &old)?;
    let loaded = fill(server, &kit, &mark, note, &new, give);
    if loaded.is_err() {
        // The first error is the one to hear; the next run removes what this could not.
        let _ = kit.tell(server, &mark, &drop_schema(&new));
    }
    Ok(Beside {
        code: loaded?,
        new,
        old,
        mark,
    })
}

pub fn make_empty(server: &Server, purpose: Purpose) -> Result<Beside> {
    let kit = Kit::find(server)?;
    let (new, old) = names_beside(&server.login.database, purpose);
    let mark = make_beside(server, &kit, &new, &old)?;
    Ok(Beside {
        code: Code::of(server, &kit, &new)?,
        new,
        old,
        mark,
    })
}

pub fn remove_left(server: &Server, purpose: Purpose) -> Result<()> {
    let (new, old) = names_beside(&server.login.database, purpose);
    let kit = Kit::find(server)?;
    let mark = Mark::alone(server, &kit, &new)?;
    let statements = drop_schema(&new) + &drop_schema(&old);
    kit.tell(server, &mark, &statements).map(drop)
}

pub fn folder(server: &Server) -> Result<String> {
    Kit::find(server)?.ask(server, "SELECT @@datadir;\n")
}

/// An empty schema with the live one's character set; what a run that was killed left is gone.
fn make_beside(server: &Server, kit: &Kit, new: &str, old: &str) -> Result<Mark> {
    kit.ask(server, "SELECT 1;\n").map_err(tool::as_refusal)?;
    let mark = Mark::alone(server, kit, new)?;
    let like = format!(
        "SELECT CONCAT(' CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)\n\
         FROM information_schema.schemata WHERE {};\n",
        is("schema_name", &server.login.database)
    );
    let like = kit.ask(server, &like)?;
    let statements = format!(
        "{}{}CREATE DATABASE {}{};\n",
        drop_schema(new),
        drop_schema(old),
        ticked(new),
        like.trim_end()
    );
    match kit.tell(server, &mark, &statements) {
        Ok(_) => Ok(mark),
        Err(ServerError::Failed { said, .. }) => Err(ServerError::MayNotMake {
            database: server.login.database.clone(),
            remedy: format!(
                "as the server's administrator: GRANT ALL ON `netlink\\_%`.* TO that user; it says: {said}"
            ),
        }),
        Err(other) => Err(other),
    }
}

fn drop_schema(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {};\n", ticked(name))
}

fn fill(
    server: &Server,
    kit: &Kit,
    mark: &Mark,
    note: &DumpNote,
    new: &str,
    give: Give<'_>,
) -> crate::backup::Result<Code> {
    let credentials = kit.credentials(server)?;
    let tool = kit.worker(server, &credentials, mark, Some(new));
    let mut rows = Rows::default();
    let fed = tool.long().stream_in::<BackupError>(&mut |feed| {
        give(&mut |piece| match feed.is_closed() {
            true => Err(BackupError::Stopped),
            false => {
                rows.take(piece);
                Ok(feed.write(piece)?)
            }
        })?;
        feed.write(format!("\nSELECT '{ARRIVED}';\n").as_bytes())?;
        Ok(())
    })?;
    if !fed.finished.status.success() {
        return Err(tool.failed(&fed.finished).into());
    }
    let differs = |what: String| Err(ServerError::Differs { what }.into());
    if !fed.finished.stdout.lines().any(|line| line == ARRIVED) {
        return differs("the client did not take all of the dump".into());
    }
    if note.counted.is_some_and(|counted| counted != rows.counted()) {
        return differs(format!("{:?} in the dump, {:?} noted", rows.counted(), note.counted));
    }
    compare(server, kit, new, &rows)?;
    Ok(Code::of(server, kit, new)?)
}

/// Every table has as many rows as the dump has for it.
fn compare(server: &Server, kit: &Kit, new: &str, rows: &Rows) -> Result<()> {
    let tables = tables(server, kit, new, false)?;
    if let Some(missing) = rows
        .tables()
        .find(|name| !tables.iter().any(|table| table.as_bytes() == *name))
    {
        let what = format!("the table {} is missing", String::from_utf8_lossy(missing));
        return Err(ServerError::Differs { what });
    }
    let questions: String = tables
        .iter()
        .map(|table| format!("SELECT COUNT(*) FROM {}.{};\n", ticked(new), ticked(table)))
        .collect();
    let credentials = kit.credentials(server)?;
    let answers = kit.client(server, &credentials, None).tell(questions.as_bytes())?;
    let mut answers = answers.lines();
    for table in &tables {
        let found = answers.next().and_then(|line| line.trim().parse::<u64>().ok());
        let dumped = rows.of(table.as_bytes());
        if found != Some(dumped) {
            let what = format!("the table {table} has {found:?} rows, {dumped} were dumped");
            return Err(ServerError::Differs { what });
        }
    }
    Ok(())
}

/// Tables of a schema; with those that are sequences, which have no rows to count.
fn tables(server: &Server, kit: &Kit, schema: &str, with_sequences: bool) -> Result<Vec<String>> {
    let others = if with_sequences {
        "'VIEW', 'SYSTEM VIEW'"
    } else {
        "'VIEW', 'SYSTEM VIEW', 'SEQUENCE'"
    };
    let question = format!(
        "SELECT HEX(CONVERT(table_name USING utf8mb4)) FROM information_schema.tables WHERE {} AND table_type NOT IN ({others}) \
         ORDER BY table_name;\n",
        is("table_schema", schema)
    );
    kit.names(server, &question)
}

pub fn exchange(server: &Server, beside: &Beside) -> Result<()> {
    let kit = Kit::find(server)?;
    let live = &server.login.database;
    let Beside { new, old, code, mark } = beside;
    let places = format!(
        "CREATE DATABASE IF NOT EXISTS {};\nCREATE DATABASE IF NOT EXISTS {};\n",
        ticked(live),
        ticked(old)
    );
    kit.tell(server, mark, &places)?;
    code::refuse_foreign(server, &kit, live)?;
    let before = Code::of(server, &kit, live)?;
    let (ours, theirs) = (tables(server, &kit, live, true)?, tables(server, &kit, new, true)?);
    let there = Code::remove(server, &kit, mark, new)
        .and_then(|()| Code::remove(server, &kit, mark, live))
        .and_then(|()| rename(server, &kit, mark, &[(live, old, &ours), (new, live, &theirs)]));
    let (cause, tables_back) = match there {
        Err(cause) => (cause, Ok(())),
        Ok(()) => match code.make(server, &kit, mark, live) {
            Ok(()) => return Ok(()),
            Err(cause) => {
                let back = Code::remove(server, &kit, mark, live)
                    .and_then(|()| rename(server, &kit, mark, &[(live, new, &theirs), (old, live, &ours)]));
                (cause, back)
            }
        },
    };
    let back = tables_back
        .and_then(|()| Code::remove(server, &kit, mark, live))
        .and_then(|()| before.make(server, &kit, mark, live));
    Err(match back {
        Ok(()) => cause,
        Err(also) => ServerError::NotPutBack {
            database: live.clone(),
            cause: Box::new(cause),
            also: Box::new(also),
        },
    })
}

/// In one statement: all of them, or none.
fn rename(server: &Server, kit: &Kit, mark: &Mark, moves: &[(&String, &String, &Vec<String>)]) -> Result<()> {
    let renamed: Vec<String> = moves
        .iter()
        .flat_map(|(from, to, tables)| {
            tables.iter().map(|table| {
                let table = ticked(table);
                format!("{}.{table} TO {}.{table}", ticked(from), ticked(to))
            })
        })
        .collect();
    match renamed.is_empty() {
        true => Ok(()),
        false => kit
            .tell(server, mark, &format!("RENAME TABLE {};\n", renamed.join(", ")))
            .map(drop),
    }
}

pub fn forget(server: &Server, beside: &Beside) -> Result<()> {
    let kit = Kit::find(server)?;
    let statements = drop_schema(&beside.new) + &drop_schema(&beside.old);
    kit.tell(server, &beside.mark, &statements).map(drop)
}
