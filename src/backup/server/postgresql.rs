//! PostgreSQL: pg_dump's custom format, restored by pg_restore into a new database that then takes the live one's name. Both renamings
//! are one transaction.

mod in_place;

use std::time::Duration;

use super::credentials::Credentials;
use super::sql::{parameter, quoted, text};
use super::tool::{self, Tool};
use super::{Checked, Give, Purpose, Result, Server, ServerError, Take, names_beside};
use crate::backup::BackupError;
use crate::clock::Deadline;

/// Where one is while databases are made and renamed.
const MAINTENANCE: &str = "postgres";
const TOOLS: [&str; 3] = ["pg_dump", "pg_restore", "psql"];
const PSQL: [&str; 9] = [
    "-X",
    "-q",
    "-A",
    "-t",
    "--no-password",
    "-v",
    "ON_ERROR_STOP=1",
    "-f",
    "-",
];
/// Somebody who was sent away may come back before the name has changed.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// For sessions to end that were told to.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub enum Beside {
    /// A database of its own.
    Loaded { new: String, old: String },
    /// Nothing may be made: the dump goes into the live database, in one transaction.
    InPlace,
}

pub fn check(server: &Server) -> Result<Checked> {
    let mut tool = String::new();
    for name in TOOLS.iter().rev() {
        tool = tool::version(server, name)?;
    }
    let found = major(&tool).ok_or_else(|| ServerError::NoVersion {
        tool: TOOLS[0].into(),
        said: tool.clone(),
    })?;
    let asked = psql(
        server,
        &server.login.database,
        "SHOW server_version_num;\nSHOW server_version;\n",
    );
    let answer = asked.map_err(tool::as_refusal)?;
    let mut lines = answer.lines();
    let number: u32 = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    let needed = number / 10_000;
    if found < needed {
        return Err(ServerError::ToolTooOld {
            tool: TOOLS[0].into(),
            found,
            server: needed,
            package: format!("postgresql-client-{needed}"),
        });
    }
    Ok(Checked {
        server: format!("PostgreSQL {}", lines.next().unwrap_or_default().trim()),
        tool,
    })
}

pub fn size(server: &Server) -> Result<u64> {
    let asked = psql(
        server,
        &server.login.database,
        "SELECT pg_database_size(current_database());\n",
    );
    Ok(asked.map_err(tool::as_refusal)?.trim().parse().unwrap_or(0))
}

pub fn dump(server: &Server, each: Take<'_>) -> crate::backup::Result<()> {
    let credentials = Credentials::of_postgresql(server, &server.login.database)?;
    // Not compressed: only so do chunks of it come back in the next dump, and the repository compresses them itself.
    let args = ["--format=custom", "--compress=0", "--no-password"];
    let tool = Tool::new(server, TOOLS[0], &args, &credentials);
    let mut head = Vec::new();
    let finished = tool.long().stream_out(server.tools.idle, &mut |piece| {
        if head.len() < 5 {
            head.extend_from_slice(&piece[..piece.len().min(5)]);
        }
        each(piece)
    })?;
    if !finished.status.success() {
        return Err(tool.failed(&finished).into());
    }
    match head.starts_with(b"PGDMP") {
        true => Ok(()),
        false => Err(cut_off(server, TOOLS[0]).into()),
    }
}

pub fn load(server: &Server, purpose: Purpose, give: Give<'_>) -> crate::backup::Result<Beside> {
    tool::version(server, TOOLS[1])?;
    let may = may_make(server)?;
    if may == May::OnlyInPlace && purpose == Purpose::Restore {
        return Ok(Beside::InPlace);
    }
    refuse_if_not(server, may)?;
    let (new, old) = names_beside(&server.login.database, purpose);
    let beside = Beside::Loaded { new, old };
    forget_if(server, &beside, may)?;
    let loaded = make_and_fill(server, &beside, may, give);
    if loaded.is_err() {
        // The first error is the one to hear; the next run removes what this could not.
        let _ = forget_if(server, &beside, May::New);
    }
    loaded.map(|()| beside)
}

fn refuse_if_not(server: &Server, may: May) -> Result<()> {
    match may {
        May::Like | May::New => Ok(()),
        May::OnlyInPlace => Err(ServerError::MayNotMake {
            database: server.login.database.clone(),
            remedy: "as the server's administrator: ALTER ROLE … CREATEDB; and let it own its database".into(),
        }),
    }
}

pub fn make_empty(server: &Server, purpose: Purpose) -> Result<Beside> {
    let may = may_make(server)?;
    refuse_if_not(server, may)?;
    let (new, old) = names_beside(&server.login.database, purpose);
    let beside = Beside::Loaded { new, old };
    forget_if(server, &beside, may)?;
    make(server, &beside, may)?;
    Ok(beside)
}

pub fn remove_left(server: &Server, purpose: Purpose) -> Result<()> {
    let (new, old) = names_beside(&server.login.database, purpose);
    match may_make(server)? {
        // Then none was made.
        May::OnlyInPlace => Ok(()),
        may => forget_if(server, &Beside::Loaded { new, old }, may),
    }
}

pub fn folder(server: &Server) -> Result<String> {
    psql(server, &server.login.database, "SHOW data_directory;\n")
}

fn make(server: &Server, beside: &Beside, may: May) -> Result<()> {
    let Beside::Loaded { new, .. } = beside else {
        return Ok(());
    };
    let made = match may {
        May::Like => make_like(&server.login.database, new),
        _ => format!("CREATE DATABASE {} TEMPLATE template0;\n", quoted(new)),
    };
    work(server, new, MAINTENANCE, &made)
}

fn make_and_fill(server: &Server, beside: &Beside, may: May, give: Give<'_>) -> crate::backup::Result<()> {
    let Beside::Loaded { new, .. } = beside else {
        return Ok(());
    };
    make(server, beside, may)?;
    restore_into(server, new, give)?;
    Ok(work(server, new, new, "ANALYZE;\n")?)
}

fn restore_into(server: &Server, database: &str, give: Give<'_>) -> crate::backup::Result<()> {
    let credentials = Credentials::of_postgresql(server, database)?.named(database);
    let name = format!("--dbname=dbname={}", parameter(database));
    let args = ["--no-password", "--format=custom", "--exit-on-error", name.as_str()];
    let tool = Tool::new(server, TOOLS[1], &args, &credentials);
    let fed = tool.long().stream_in::<BackupError>(&mut |feed| {
        give(&mut |piece| match feed.is_closed() {
            true => Err(BackupError::Stopped),
            false => Ok(feed.write(piece)?),
        })
    })?;
    if !fed.finished.status.success() {
        return Err(tool.failed(&fed.finished).into());
    }
    Ok(())
}

pub fn exchange(server: &Server, beside: &Beside, give: Give<'_>) -> crate::backup::Result<()> {
    let Beside::Loaded { new, old } = beside else {
        return in_place::restore(server, give);
    };
    let live = &server.login.database;
    let there = psql(server, MAINTENANCE, &exists(live))?;
    let away = match there.trim() {
        "t" => format!("ALTER DATABASE {} RENAME TO {};\n", quoted(live), quoted(old)),
        _ => String::new(),
    };
    let renamed = format!(
        "{}BEGIN;\n{away}ALTER DATABASE {} RENAME TO {};\nCOMMIT;\n",
        send_away(&[live, new]),
        quoted(new),
        quoted(live)
    );
    let mut tries = 1;
    loop {
        match work(server, new, MAINTENANCE, &renamed) {
            Err(ServerError::Failed { .. }) if tries < TRIES => std::thread::sleep(PAUSE * tries),
            renamed => return Ok(renamed?),
        }
        tries += 1;
    }
}

pub fn forget(server: &Server, beside: &Beside) -> Result<()> {
    forget_if(server, beside, may_make(server)?)
}

/// What was loaded always; the one from before only while there is a live one.
fn forget_if(server: &Server, beside: &Beside, may: May) -> Result<()> {
    let Beside::Loaded { new, old } = beside else {
        return Ok(());
    };
    let mut gone = vec![new];
    if may == May::Like {
        gone.push(old);
    }
    for name in gone {
        alone(server, MAINTENANCE, new, name)?;
        let dropped = format!("DROP DATABASE IF EXISTS {};\n", quoted(name));
        work(server, new, MAINTENANCE, &dropped)?;
    }
    Ok(())
}

/// Ends the sessions in a database, and those that a run before has left at work under this name, and waits until they are gone: when
/// NetLink is killed with its tools, the server goes on with the statement that it was given last.
fn alone(server: &Server, asked: &str, mark: &str, database: &str) -> Result<()> {
    let statements = format!(
        "SELECT count(pg_terminate_backend(pid)) {}",
        sessions(&[text(database)], Some(mark))
    );
    let deadline = Deadline::after(PATIENCE);
    while psql(server, asked, &statements)?.trim() != "0" {
        if deadline.has_passed() {
            return Err(ServerError::StillAtWork {
                database: server.login.database.clone(),
            });
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// What the role may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    /// Make a database like the live one and rename both.
    Like,
    /// Make one; there is no live one.
    New,
    OnlyInPlace,
}

fn may_make(server: &Server) -> Result<May> {
    let question = format!(
        "SELECT CASE WHEN NOT (r.rolsuper OR r.rolcreatedb) THEN 'place' WHEN d.oid IS NULL THEN 'new'\n\
         WHEN r.rolsuper OR pg_has_role(d.datdba, 'USAGE') THEN 'like' ELSE 'place' END\n\
         FROM pg_roles r LEFT JOIN pg_database d ON d.datname = {} WHERE r.rolname = current_user;\n",
        text(&server.login.database)
    );
    Ok(
        match psql(server, MAINTENANCE, &question).map(|answer| answer.trim().to_owned()) {
            Ok(answer) if answer == "like" => May::Like,
            Ok(answer) if answer == "new" => May::New,
            Ok(_) => May::OnlyInPlace,
            // Who may not even look from outside; whether the server answers at all shows inside.
            Err(ServerError::Failed { .. }) => {
                psql(server, &server.login.database, "SELECT 1;\n").map_err(tool::as_refusal)?;
                May::OnlyInPlace
            }
            Err(e) => return Err(e),
        },
    )
}

fn exists(name: &str) -> String {
    format!(
        "SELECT EXISTS (SELECT FROM pg_database WHERE datname = {});\n",
        text(name)
    )
}

/// Ends the sessions in these databases, as far as the role may: who holds one open keeps its name from changing.
fn send_away(names: &[&String]) -> String {
    let names: Vec<String> = names.iter().map(|name| text(name)).collect();
    format!("SELECT count(pg_terminate_backend(pid)) {}", sessions(&names, None))
}

/// Those in the databases or of this name that the role may end.
fn sessions(names: &[String], mark: Option<&str>) -> String {
    let of_mark = mark.map(|mark| format!(" OR application_name = {}", text(mark)));
    format!(
        "FROM pg_stat_activity WHERE (datname IN ({}){}) AND pid <> pg_backend_pid()\n\
         AND (pg_has_role(usesysid, 'USAGE') OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user));\n",
        names.join(", "),
        of_mark.unwrap_or_default()
    )
}

/// Makes `new` with what a dump does not hold: owner, encoding and order of texts, place, settings, rights, comment.
fn make_like(live: &str, new: &str) -> String {
    let (live, new) = (text(live), text(new));
    format!(
        "SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L CONNECTION LIMIT %s',\n\
         {new}, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, d.datconnlimit)\n\
         || CASE to_jsonb(d)->>'datlocprovider'\n\
         WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))\n\
         WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', to_jsonb(d)->>'datlocale') ELSE '' END\n\
         || CASE t.spcname WHEN 'pg_default' THEN '' ELSE format(' TABLESPACE %I', t.spcname) END\n\
         FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = {live} \\gexec\n\
         SELECT CASE s.setrole WHEN 0 THEN format('ALTER DATABASE %I', {new})\n\
         ELSE format('ALTER ROLE %I IN DATABASE %I', pg_get_userbyid(s.setrole), {new}) END\n\
         || format(' SET %I TO ', split_part(c, '=', 1)) || CASE WHEN split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces',\n\
         'local_preload_libraries', 'session_preload_libraries') THEN substr(c, strpos(c, '=') + 1)\n\
         ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END\n\
         FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid, unnest(s.setconfig) c, pg_roles r\n\
         WHERE d.datname = {live} AND r.rolname = current_user AND (s.setrole IN (0, r.oid) OR r.rolsuper) \\gexec\n\
         SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', {new}) FROM pg_database WHERE datname = {live} AND datacl IS NOT NULL \\gexec\n\
         SELECT format('GRANT %s ON DATABASE %I TO %s', a.privilege_type, {new},\n\
         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)\n\
         || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END\n\
         FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = {live} \\gexec\n\
         SELECT format('COMMENT ON DATABASE %I IS %L', {new}, shobj_description(oid, 'pg_database')) FROM pg_database\n\
         WHERE datname = {live} AND shobj_description(oid, 'pg_database') IS NOT NULL \\gexec\n"
    )
}

fn psql(server: &Server, database: &str, statements: &str) -> Result<String> {
    let credentials = Credentials::of_postgresql(server, database)?;
    Tool::new(server, TOOLS[2], &PSQL, &credentials).ask(statements)
}

/// Statements that change something, and may take as long as a database is large. `mark` names the session.
fn work(server: &Server, mark: &str, database: &str, statements: &str) -> Result<()> {
    let credentials = Credentials::of_postgresql(server, database)?.named(mark);
    let tool = Tool::new(server, TOOLS[2], &PSQL, &credentials);
    tool.tell(statements.as_bytes()).map(drop)
}

fn cut_off(server: &Server, tool: &str) -> ServerError {
    ServerError::CutOff {
        tool: tool.into(),
        database: server.login.database.clone(),
    }
}

/// `pg_dump (PostgreSQL) 15.18 (Debian …)` is 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_what_counts() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("pg_dump (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("hello"), None);
    }
}
