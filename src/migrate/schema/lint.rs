//! What can be told of a migration by reading it, before anything of it runs.

use super::SchemaError;
use super::directives::{Directives, Mistake, Phase, Transaction, directives};
use super::files::{LevelFiles, Script};
use super::sql::{self, Statement};

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
    for statement in sql::statements(&up.sql) {
        if let Some(problem) = forbidden(&statement, said) {
            return mistaken(statement.at, problem);
        }
    }
    Ok(())
}

fn check_down(down: &Script) -> Result<(), SchemaError> {
    let said = directives(&down.sql).map_err(|mistake| down.mistaken(mistake))?;
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
    for statement in sql::statements(&down.sql) {
        if let Some(problem) = forbidden(&statement, &said) {
            let at = statement.at;
            return Err(down.mistaken(Mistake { at, problem }));
        }
    }
    Ok(())
}

fn check_verify(verify: &Script) -> Result<(), SchemaError> {
    let said = directives(&verify.sql).map_err(|mistake| verify.mistaken(mistake))?;
    let statements = sql::statements(&verify.sql);
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
fn forbidden(statement: &Statement<'_>, said: &Directives) -> Option<String> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let one = said.transaction == Transaction::One && said.phase != Phase::Background;
    match words[..] {
        [
            word @ ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE"),
            ..,
        ] => Some(format!(
            "{word} is not for migrations: a file and its history row are one transaction; \
             what cannot be in one says `-- netlink: transaction=false`"
        )),
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

fn warnings(files: &LevelFiles) -> Vec<String> {
    let has_way_back = files.usable_down().is_some() || files.directives.irreversible.is_some();
    let mut told = Vec::new();
    if !has_way_back {
        let dropping = sql::statements(&files.up.sql).into_iter().find_map(|statement| {
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
