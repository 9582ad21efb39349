//! Rows that point to nothing, before and after a migration: only those that it made are its fault.

use std::collections::BTreeMap;

use super::error::StepError;

/// How many times each (table, parent, row) is broken; without a row where a database only counts them. Not by the key's number, which
/// a rebuilt table changes.
pub(super) type Broken = BTreeMap<(String, String, Option<i64>), usize>;

/// An error when `after` has what `before` had not.
pub(super) fn none_new(before: &Broken, after: &Broken) -> Result<(), StepError> {
    let more = |key, count: usize| count.saturating_sub(before.get(key).copied().unwrap_or(0));
    let mut fresh = after.iter().filter(|(key, count)| more(*key, **count) > 0).peekable();
    let Some(((table, parent, _), _)) = fresh.peek().copied() else {
        return Ok(());
    };
    Err(StepError::BrokenReferences {
        count: fresh.map(|(key, count)| more(key, *count)).sum(),
        table: table.clone(),
        parent: parent.clone(),
    })
}
