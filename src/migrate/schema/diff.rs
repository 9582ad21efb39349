//! What is other in a database than in one that was just made by all the migrations.

use serde::Serialize;

use super::database::Place;
use super::files::SchemaFiles;
use super::shape::{Part, shape_of};
use super::sql::{self, Dialect};
use super::witness::Nobody;
use super::{SchemaError, up};

/// One table, index, trigger or view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub kind: String,
    pub name: String,
    /// What only a fresh installation has of it.
    pub fresh: Vec<String>,
    /// What only is here.
    pub here: Vec<String>,
}

/// `scratch` is where a fresh database is made: empty, or no file yet, and the caller's to throw away.
pub fn diff(db: &Place, files: &SchemaFiles, to: u32, scratch: &Place) -> Result<Vec<Difference>, SchemaError> {
    up(scratch, files, to, &mut Nobody)?;
    let dialect = db.dialect();
    let (here, fresh) = (shape_of(db)?, shape_of(scratch)?);
    let mut found: Vec<Difference> = fresh
        .parts()
        .filter_map(|part| difference(dialect, Some(part), here.get(&part.kind, &part.name)))
        .collect();
    let only_here = here.parts().filter(|part| fresh.get(&part.kind, &part.name).is_none());
    found.extend(only_here.filter_map(|part| difference(dialect, None, Some(part))));
    found.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Ok(found)
}

fn difference(dialect: Dialect, fresh: Option<&Part>, here: Option<&Part>) -> Option<Difference> {
    let named = fresh.or(here)?;
    if fresh == here {
        return None;
    }
    let lines = |part: Option<&Part>| {
        part.and_then(|part| part.sql.as_deref())
            .map(|sql| pieces(dialect, sql))
            .unwrap_or_default()
    };
    let (mut fresh, mut here) = (lines(fresh), lines(here));
    let both: Vec<String> = fresh.iter().filter(|line| here.contains(line)).cloned().collect();
    // Other in their order alone: then all of it is told.
    if both.len() < fresh.len().max(here.len()) {
        fresh.retain(|line| !both.contains(line));
        here.retain(|line| !both.contains(line));
    }
    Some(Difference {
        kind: named.kind.clone(),
        name: named.name.clone(),
        fresh,
        here,
    })
}

/// What stands outside of brackets, and each part of a list in them, e.g. the columns of a table.
fn pieces(dialect: Dialect, statement: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut pieces = vec![String::new()];
    for token in sql::tokens(dialect, statement) {
        let before = depth;
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let opens = before == 0 && depth == 1;
        let closes = before == 1 && depth == 0;
        if opens || closes || (token.text == "," && depth == 1) {
            pieces.push(String::new());
        } else if let Some(last) = pieces.last_mut() {
            last.push_str(token.text);
        }
    }
    let pieces = pieces.iter().map(|piece| piece.trim_matches([' ', '\n']).to_owned());
    pieces.filter(|piece| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_falls_into_its_columns() {
        let table = sql::normal("CREATE TABLE x (a INTEGER DEFAULT (1 + 2), b TEXT CHECK (b IN ('x, y', 'z'))) STRICT");
        let expected = [
            "create table x",
            "a integer default(1+2)",
            "b text check(b in('x, y','z'))",
            "strict",
        ];
        assert_eq!(pieces(Dialect::Sqlite, &table), expected);
    }
}
