//! Rows of MySQL and MariaDB that point to nothing: counted for each key, as nothing names a row there.

use std::collections::BTreeMap;

use super::{Mysql, column, ticked};
use crate::migrate::schema::database::Database;
use crate::migrate::schema::error::StepError;
use crate::migrate::schema::foreign_keys::Broken;

const KEYS: &str = "SELECT constraint_name, table_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name \
     FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL \
     ORDER BY table_name, constraint_name, ordinal_position";

#[derive(Default)]
struct Key {
    /// The columns of one side and of the other.
    pairs: Vec<(String, String)>,
}

pub(super) fn broken(mysql: &mut Mysql) -> Result<Broken, StepError> {
    let mut keys: BTreeMap<(String, String, String, String), Key> = BTreeMap::new();
    for row in mysql.strings(KEYS)? {
        let [name, table, own, schema, parent, other] = [0, 1, 2, 3, 4, 5].map(|at| column(&row, at));
        let key = keys.entry((name, table, schema, parent)).or_default();
        key.pairs.push((own, other));
    }
    let mut found = Broken::new();
    for ((_, table, schema, parent), key) in keys {
        let question = question(mysql, &table, (&schema, &parent), &key)?;
        let count = mysql.number(&question)?;
        if count > 0 {
            *found.entry((table, parent, None)).or_default() += usize::try_from(count).unwrap_or(usize::MAX);
        }
    }
    Ok(found)
}

fn question(mysql: &mut Mysql, table: &str, (schema, parent): (&str, &str), key: &Key) -> Result<String, StepError> {
    let points: Vec<String> = key
        .pairs
        .iter()
        .map(|(own, _)| format!("c.{} IS NOT NULL", ticked(own)))
        .collect();
    let points = points.join(" AND ");
    let there = format!(
        "SELECT COUNT(*) FROM information_schema.tables WHERE HEX(table_schema) = HEX({}) AND HEX(table_name) = HEX({})",
        text(schema),
        text(parent)
    );
    if mysql.number(&there)? == 0 {
        // What it pointed to is gone as a whole.
        return Ok(format!("SELECT COUNT(*) FROM {} c WHERE {points}", ticked(table)));
    }
    let same: Vec<String> = key
        .pairs
        .iter()
        .map(|(own, other)| format!("c.{} = p.{}", ticked(own), ticked(other)))
        .collect();
    Ok(format!(
        "SELECT COUNT(*) FROM {} c WHERE {points} AND NOT EXISTS (SELECT 1 FROM {}.{} p WHERE {})",
        ticked(table),
        ticked(schema),
        ticked(parent),
        same.join(" AND ")
    ))
}

fn text(value: &str) -> String {
    format!("_utf8mb4 x'{}'", hex::encode(value))
}
