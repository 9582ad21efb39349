//! Queries that must hold: at least one row, and the first column of every row is a number other than 0.

use super::database::Database;
use super::directives::Directives;
use super::error::StepError;
use super::files::Script;
use super::sql;

/// What the author asks for before a file runs.
pub(super) fn required(connection: &mut dyn Database, said: &Directives) -> Result<(), StepError> {
    if let Some(needed) = &said.server {
        let (what, here) = connection.version()?;
        if here < *needed {
            return Err(StepError::Server {
                what,
                needed: needed.to_string(),
                found: here.to_string(),
            });
        }
    }
    for requirement in &said.require {
        if let Some(found) = connection.failing(&requirement.query)? {
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
pub(super) fn verified(connection: &mut dyn Database, verify: Option<&Script>) -> Result<(), StepError> {
    let Some(verify) = verify else { return Ok(()) };
    for statement in verify.statements() {
        if let Some(found) = connection.failing(statement.text)? {
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
