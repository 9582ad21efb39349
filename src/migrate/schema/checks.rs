//! Queries that must hold: at least one row, and the first column of every row is a number other than 0.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::directives::{Directives, ServerVersion};
use super::error::StepError;
use super::files::Script;
use super::{lint, sql};

/// What the author asks for before a file runs.
pub(super) fn required(connection: &Connection, said: &Directives) -> Result<(), StepError> {
    let here = ServerVersion::of_sqlite();
    if let Some(needed) = said.server.as_ref().filter(|needed| here < **needed) {
        return Err(StepError::Server {
            needed: needed.to_string(),
            found: here.to_string(),
        });
    }
    for requirement in &said.require {
        if let Some(found) = failing(connection, &requirement.query)? {
            return Err(StepError::Required {
                message: requirement.message.clone(),
                query: requirement.query.clone(),
                found,
            });
        }
    }
    Ok(())
}

/// What must hold after it.
pub(super) fn verified(connection: &Connection, verify: &Script) -> Result<(), StepError> {
    for statement in sql::statements(&verify.sql) {
        if let Some(found) = failing(connection, statement.text)? {
            let (line, _) = sql::place(&verify.sql, statement.at);
            return Err(StepError::NotVerified {
                place: format!("{}:{line}", verify.title()),
                query: statement.text.to_owned(),
                found,
            });
        }
    }
    Ok(())
}

/// What was found instead, if it does not hold.
fn failing(connection: &Connection, query: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare(query)?;
    let asks = sql::statements(query).first().is_some_and(lint::asks);
    if !asks || !statement.readonly() || statement.column_count() == 0 {
        return Ok(Some("it is no query".into()));
    }
    let mut rows = statement.query([])?;
    let mut count = 0_u64;
    while let Some(row) = rows.next()? {
        count += 1;
        let value = row.get_ref(0)?;
        if !is_true(value) {
            return Ok(Some(format!("row {count} is {}", shown(value))));
        }
    }
    Ok((count == 0).then(|| "there is no row".into()))
}

fn is_true(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Integer(number) => number != 0,
        ValueRef::Real(number) => number != 0.0,
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => false,
    }
}

fn shown(value: ValueRef<'_>) -> String {
    const LONGEST: usize = 80;
    match value {
        ValueRef::Null => "NULL".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => format!(
            "'{}'",
            String::from_utf8_lossy(text).chars().take(LONGEST).collect::<String>()
        ),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
