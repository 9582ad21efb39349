//! Entries inside `{ }`, for users who write their tables on one line.

use super::block::Block;
use super::layout::{Layout, Statement};
use super::spot::{inserted, removed};
use crate::migrate::config::ConfigError;
use crate::migrate::config::key::{KeyPath, written};
use crate::migrate::config::text::line_ending;

/// Takes an entry out of its inline table; `None` when comments stand around it.
pub(super) fn cut(text: &str, layout: &Layout, entry: &Statement) -> Option<(String, Block)> {
    let (keys, value) = (entry.keys_at(), entry.value()?);
    let table = around(layout, entry)?.value()?;
    let siblings: Vec<&Statement> = inside(layout, &table).collect();
    let index = siblings.iter().position(|other| other.keys_at() == keys)?;
    let before = index.checked_sub(1).and_then(|at| siblings.get(at)?.value());
    let after = siblings.get(index + 1).map(|next| next.keys_at().start);
    let (range, between) = match (before, after) {
        (_, Some(next)) => (keys.start..next, text[value.end..next].trim()),
        (Some(before), None) => (before.end..value.end, text[before.end..keys.start].trim()),
        (None, None) => {
            let all = table.start + 1..table.end - 1;
            let rest = format!("{},{}", &text[all.start..keys.start], &text[value.end..all.end]);
            if rest.trim() != "," {
                return None;
            }
            (all, ",")
        }
    };
    let block = Block {
        before_key: String::new(),
        after_key: format!("{}{}", &text[keys.end..value.end], line_ending(text)),
    };
    (between == ",").then(|| (removed(text, range), block))
}

/// Puts an entry into the inline table that `key` leads through; `None` when there is none.
pub(super) fn put(text: &str, layout: &Layout, key: &KeyPath, block: &Block) -> Result<Option<String>, ConfigError> {
    let section = key.parent();
    let table = (1..=section.len())
        .rev()
        .find_map(|depth| Some((depth, layout.entry(&section[..depth])?.value()?)));
    let Some((depth, table)) = table.filter(|(_, value)| text[value.clone()].starts_with('{')) else {
        return Ok(None);
    };
    let value = block.after_key.trim_end();
    if text[table.clone()].contains('\n') || !block.before_key.trim().is_empty() || value.contains(['#', '\n']) {
        return Err(ConfigError::Unsupported {
            action: "put a key into",
            key: KeyPath::of(&section[..depth]),
            reason: "it is an inline table, and there is no room for comments or lines",
        });
    }
    let entry = format!("{}{value}", written(&key.parts()[depth..]));
    let last = inside(layout, &table).filter_map(Statement::value).last();
    Ok(Some(match last {
        Some(last) => inserted(text, last.end, &format!(", {entry}")),
        None => format!("{}{{ {entry} }}{}", &text[..table.start], &text[table.end..]),
    }))
}

/// The entry whose value the inline table is.
fn around<'l>(layout: &'l Layout, entry: &Statement) -> Option<&'l Statement> {
    let start = entry.keys_at().start;
    let holds = |other: &&Statement| {
        other
            .value()
            .is_some_and(|value| value.start < start && start < value.end)
    };
    layout.statements.iter().rfind(holds)
}

/// The entries of an inline table, not those of tables inside it.
fn inside<'l>(layout: &'l Layout, table: &std::ops::Range<usize>) -> impl Iterator<Item = &'l Statement> {
    let of = |entry: &Statement| around(layout, entry).and_then(Statement::value);
    layout
        .statements
        .iter()
        .filter(move |entry| entry.is_inline() && of(entry).as_ref() == Some(table))
}
