//! TOML: edits are cuts and pastes in the text, so that comments, order and the user's own values stay; each is checked against
//! a plain model of what the file says, and refused when the text would not hold it.

mod block;
mod edit;
mod inline;
mod items;
mod layout;
mod place;
mod spot;
mod undo;
mod value;

use std::ops::Range;

use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;
use layout::{Layout, Statement};

pub(super) use edit::run;
pub use undo::Undo;
pub(super) use undo::take_back;

/// What the text says; the error names line and column.
pub(super) fn data(file: &str, text: &str) -> Result<Data, ConfigError> {
    Ok(value::of_item(value::parse(file, text)?.as_item()))
}

/// Where the key of an entry or of a table stands.
pub(super) fn place_of(text: &str, path: &[String]) -> Option<usize> {
    let layout = Layout::of(text);
    let found = layout.statements.iter().find(|statement| statement.path() == path);
    found.map(|statement| statement.keys_at().start)
}

/// The comment lines right above an entry, without their marks.
pub(super) fn comment_above(text: &str, path: &[String]) -> Option<String> {
    let layout = Layout::of(text);
    let is_it = |statement: &&Statement| !statement.is_inline() && statement.path() == path;
    let entry = layout.statements.iter().find(is_it)?;
    Some(super::outline::bare_comment(&text[entry.block.start..entry.line_start]))
}

/// Where the values of entries stand, to be masked.
pub(super) fn values(text: &str) -> Vec<(Vec<String>, Range<usize>)> {
    let layout = Layout::of(text);
    let valued = layout
        .statements
        .iter()
        .filter_map(|entry| Some((entry.path(), entry.value()?)));
    valued.collect()
}
