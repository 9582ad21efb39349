//! What can be told of a migration by reading it, before anything of it runs.

use super::SchemaError;
use super::directives::{Directives, ForeignKeys, Mistake, Phase, Transaction, directives};
use super::files::{LevelFiles, Script};
use super::sql::{self, Dialect};
use super::statements::Statement;

/// Errors have a place; what is only worth knowing is given as text.
pub(super) fn check(files: &LevelFiles) -> Result<Vec<String>, SchemaError> {
    check_up(&files.up, &files.directives)?;
    if let Some(down) = &files.down {
        check_down(down)?;
    }
    if let Some(verify) = &files.verify {
        check_verify(verify)?;
    }
    if let (Some(why), Some(down)) = (&files.directives.irreversible, files.usable_down()) {
        let problem = format!(
            "there is a way down although {} says that there is none: {why}",
            files.title()
        );
        return Err(down.mistaken(Mistake { at: 0, problem }));
    }
    Ok(warnings(files))
}

fn check_up(up: &Script, said: &Directives) -> Result<(), SchemaError> {
    let mistaken = |at: usize, problem: String| Err(up.mistaken(Mistake { at, problem }));
    if said.transaction == Transaction::Statements && !said.rerunnable && said.phase != Phase::Background {
        let problem = "without a transaction a crash leaves it half done: write it so that it can be run again from its \
                       beginning, and say `rerunnable`";
        return mistaken(0, problem.into());
    }
    if said.foreign_keys == ForeignKeys::Defer && up.dialect == Dialect::Mysql {
        let problem = "MySQL and MariaDB look at foreign keys with every statement: `foreign_keys=on` or `off+check`";
        return mistaken(0, problem.into());
    }
    for statement in up.statements() {
        if let Some(problem) = forbidden(up.dialect, &statement, said) {
            return mistaken(statement.at, problem);
        }
    }
    Ok(())
}

fn check_down(down: &Script) -> Result<(), SchemaError> {
    let said = directives(down.dialect, &down.sql).map_err(|mistake| down.mistaken(mistake))?;
    let only_up = [
        (said.transaction != Transaction::One, "transaction"),
        (said.irreversible.is_some(), "irreversible"),
        (said.phase != Phase::During, "phase"),
        (said.rerunnable, "rerunnable"),
    ];
    if let Some((_, name)) = only_up.iter().find(|(is_said, _)| *is_said) {
        let problem = format!("`{name}` is for ways up; a way down is one transaction with its history row");
        return Err(down.mistaken(Mistake { at: 0, problem }));
    }
    for statement in down.statements() {
        if let Some(problem) = forbidden(down.dialect, &statement, &said) {
            let at = statement.at;
            return Err(down.mistaken(Mistake { at, problem }));
        }
    }
    Ok(())
}

fn check_verify(verify: &Script) -> Result<(), SchemaError> {
    let said = directives(verify.dialect, &verify.sql).map_err(|mistake| verify.mistaken(mistake))?;
    let statements = verify.statements();
    let wrong = statements.iter().find(|statement| !asks(statement));
    let (at, problem) = match wrong {
        _ if said != Directives::default() => (0, "directives belong into the way up"),
        Some(statement) => (statement.at, "only queries (SELECT, WITH, VALUES) can be verified"),
        None if statements.is_empty() => (0, "it verifies nothing"),
        None => return Ok(()),
    };
    let problem = problem.to_owned();
    Err(verify.mistaken(Mistake { at, problem }))
}

pub(super) fn asks(statement: &Statement<'_>) -> bool {
    matches!(
        statement.words.first().map(String::as_str),
        Some("SELECT" | "WITH" | "VALUES")
    )
}

/// Why a statement cannot be in a migration.
fn forbidden(dialect: Dialect, statement: &Statement<'_>, said: &Directives) -> Option<String> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    if let Some(problem) = of_any(&words, said) {
        return Some(problem);
    }
    let one = said.transaction == Transaction::One && said.phase != Phase::Background;
    match dialect {
        Dialect::Sqlite => of_sqlite(&words, one),
        Dialect::Postgresql => of_postgresql(&words, statement.text, one),
        Dialect::Mysql => of_mysql(&words),
    }
}

fn of_any(words: &[&str], said: &Directives) -> Option<String> {
    match words[..] {
        [
            word @ ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "START" | "ABORT" | "XA"),
            ..,
        ] => Some(format!(
            "{word} is not for migrations: a file and its history row are one transaction; \
             what cannot be in one says `-- netlink: transaction=false`"
        )),
        [first, ..]
            if said.phase == Phase::Background
                && !matches!(first, "UPDATE" | "DELETE" | "INSERT" | "REPLACE" | "WITH") =>
        {
            Some(format!(
                "{first} is not for the background, where each statement is repeated until it changes no more rows: \
                 only UPDATE, DELETE, INSERT"
            ))
        }
        _ => None,
    }
}

fn of_sqlite(words: &[&str], one: bool) -> Option<String> {
    match words[..] {
        [word @ ("ATTACH" | "DETACH"), ..] => Some(format!(
            "{word} is not for migrations: what is done to another file is neither backed up nor undone"
        )),
        ["PRAGMA", "FOREIGN_KEYS", ..] => {
            Some("this setting does nothing within a transaction; say `-- netlink: foreign_keys=…`".into())
        }
        ["VACUUM", ..] | ["PRAGMA", "JOURNAL_MODE" | "PAGE_SIZE" | "AUTO_VACUUM", ..] if one => Some(format!(
            "{} does nothing within a transaction; say `-- netlink: transaction=false rerunnable`",
            words[..words.len().min(2)].join(" ")
        )),
        _ => None,
    }
}

const ELSEWHERE: &str = "is not for migrations: what is done to another database is neither backed up nor undone";

fn of_postgresql(words: &[&str], text: &str, one: bool) -> Option<String> {
    match words[..] {
        _ if text.starts_with('\\') => Some("commands of psql are no SQL".into()),
        ["PREPARE", "TRANSACTION", ..] => Some("PREPARE TRANSACTION would end the transaction of its file".into()),
        ["COPY", ref rest @ ..] if rest.contains(&"STDIN") || rest.contains(&"STDOUT") => {
            Some("COPY from or to the client is not for migrations; write INSERT".into())
        }
        [verb @ ("CREATE" | "DROP"), what @ ("DATABASE" | "TABLESPACE"), ..] => {
            Some(format!("{verb} {what} {ELSEWHERE}"))
        }
        ["ALTER", "SYSTEM", ..] => Some(format!("ALTER SYSTEM {ELSEWHERE}")),
        [first, ..] if one && (first == "VACUUM" || words.contains(&"CONCURRENTLY")) => Some(format!(
            "{first} {}cannot be in a transaction; say `-- netlink: transaction=false rerunnable`",
            if first == "VACUUM" { "" } else { "… CONCURRENTLY " }
        )),
        _ => None,
    }
}

fn of_mysql(words: &[&str]) -> Option<String> {
    match words[..] {
        [verb @ ("CREATE" | "DROP" | "ALTER"), what @ ("DATABASE" | "SCHEMA"), ..] => {
            Some(format!("{verb} {what} {ELSEWHERE}"))
        }
        [verb @ ("USE" | "SOURCE"), ..] => Some(format!("{verb} {ELSEWHERE}")),
        [verb @ ("LOCK" | "UNLOCK"), ..] => Some(format!(
            "{verb} TABLES is not for migrations: the history row could not be written"
        )),
        ["SET", ref rest @ ..] if rest.contains(&"AUTOCOMMIT") => {
            Some("NetLink says itself what is one transaction".into())
        }
        ["SET", ref rest @ ..] if rest.contains(&"FOREIGN_KEY_CHECKS") => {
            Some("say `-- netlink: foreign_keys=…`: so what points to nothing afterwards is looked for".into())
        }
        _ => None,
    }
}

fn warnings(files: &LevelFiles) -> Vec<String> {
    let has_way_back = files.usable_down().is_some() || files.directives.irreversible.is_some();
    let mut told = Vec::new();
    if !has_way_back {
        let dropping = files.up.statements().into_iter().find_map(|statement| {
            let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
            let drops = matches!(words[..], ["DROP", "TABLE", ..] | ["DELETE", ..]) || drops_a_column(&words);
            drops.then(|| sql::place(&files.up.sql, statement.at).0)
        });
        let title = files.title();
        told.push(match dropping {
            Some(line) => format!(
                "{title}:{line} takes something away and there is no way down: add one, or say `-- netlink: irreversible=\"why\"`"
            ),
            None => format!("{title} has no way down and does not say `-- netlink: irreversible=\"why\"`"),
        });
    }
    told
}

/// `ALTER TABLE t DROP [COLUMN] c`; a schema's name and a dot do not count as words before it.
fn drops_a_column(words: &[&str]) -> bool {
    words.starts_with(&["ALTER", "TABLE"]) && words[2..].contains(&"DROP")
}
