//! Statements that are repeated beside the product, a transaction each time, until they change no more rows.

use super::database::{Database, Manner};
use super::driver::in_one_transaction;
use super::error::StepError;
use super::files::Script;
use super::sql::{self, Dialect, Kind};
use super::statements::Statement;
use super::witness::Witness;

/// Gives the rows that changed.
pub(super) fn in_batches(
    connection: &mut dyn Database,
    script: &Script,
    manner: Manner,
    witness: &mut dyn Witness,
) -> Result<u64, StepError> {
    let mut total = 0;
    for statement in script.statements() {
        total += until_nothing_changes(connection, script, &statement, manner, witness)?;
    }
    Ok(total)
}

fn until_nothing_changes(
    connection: &mut dyn Database,
    script: &Script,
    statement: &Statement<'_>,
    manner: Manner,
    witness: &mut dyn Witness,
) -> Result<u64, StepError> {
    let mut passes = Passes::default();
    loop {
        let changed = in_one_transaction(connection, manner, |connection| connection.run(statement.text))?;
        if changed == 0 {
            return Ok(passes.total);
        }
        passes.add(changed);
        if passes.are_to_be_weighed() {
            passes.weigh(connection, script, statement)?;
        }
        // Batches are too small for SQLite itself to ask.
        if !witness.goes_on(changed) {
            return Err(StepError::LeftOff);
        }
    }
}

/// One that has changed so many times the rows that its table has changes them again and again. Some change a row more than once
/// on purpose, and others insert meanwhile.
const TIMES: u64 = 4;
/// Fewer say nothing.
const FEW: u64 = 1000;

#[derive(Default)]
struct Passes {
    total: u64,
    last: u64,
    before_last: u64,
    weighed_at: u64,
}

impl Passes {
    fn add(&mut self, changed: u64) {
        self.total += changed;
        self.before_last = std::mem::replace(&mut self.last, changed);
    }

    /// Counting a table costs: after the second pass that changed as many, and then whenever as many have changed again.
    fn are_to_be_weighed(&self) -> bool {
        self.last == self.before_last && (self.weighed_at == 0 || self.total >= 2 * self.weighed_at)
    }

    fn weigh(
        &mut self,
        connection: &mut dyn Database,
        script: &Script,
        statement: &Statement<'_>,
    ) -> Result<(), StepError> {
        self.weighed_at = self.total;
        let Some(table) = updated(script.dialect, statement) else {
            return Ok(());
        };
        let has = connection.number(&format!("SELECT count(*) FROM {table}"))?;
        let every_row_twice = self.last >= has && self.before_last >= has;
        let far_too_many = self.total > TIMES * has.max(FEW);
        if !every_row_twice && !far_too_many {
            return Ok(());
        }
        Err(StepError::Endless {
            line: sql::place(&script.sql, statement.at).0,
            table: table.to_owned(),
            rows: self.total,
            has,
        })
    }
}

/// The table of an UPDATE, as it is written there. Rows that are deleted come to an end by themselves.
fn updated<'s>(dialect: Dialect, statement: &Statement<'s>) -> Option<&'s str> {
    const BETWEEN: [&str; 9] = [
        "ONLY",
        "LOW_PRIORITY",
        "IGNORE",
        "OR",
        "ROLLBACK",
        "ABORT",
        "REPLACE",
        "FAIL",
        "UPDATE",
    ];
    let text = statement.text;
    if statement.words.first()? != "UPDATE" {
        return None;
    }
    let code = sql::tokens(dialect, text).filter(|token| !token.is_blank());
    let mut rest = code.skip_while(|token| token.kind == Kind::Word && BETWEEN.iter().any(|word| token.is(word)));
    let first = rest
        .next()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::Name))?;
    let mut end = first.at + first.text.len();
    while let (Some(dot), Some(name)) = (rest.next(), rest.next()) {
        if dot.text != "." {
            break;
        }
        end = name.at + name.text.len();
    }
    Some(&text[first.at..end])
}

#[cfg(test)]
mod tests {
    use super::super::statements::statements;
    use super::*;

    #[test]
    fn the_table_of_an_update_is_found() {
        for (sql, expected) in [
            ("UPDATE a SET b = 1", Some("a")),
            ("update or ignore \"a b\" set b = 1", Some("\"a b\"")),
            ("UPDATE ONLY public . \"a\" SET b = 1", Some("public . \"a\"")),
            ("UPDATE /* c */ a SET b = 1", Some("a")),
            ("DELETE FROM a", None),
        ] {
            let found = statements(Dialect::Postgresql, sql);
            assert_eq!(updated(Dialect::Postgresql, &found[0]), expected, "{sql}");
        }
    }
}
