//! Where a statement is put into a text, and what is left tidy where one was taken out.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::key::{KeyPath, written};
use super::layout::{Kind, Layout, Statement, line_end, line_start_of_line_above};

/// Where in its table a statement stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    First,
    /// Behind this entry; at the end when it is gone.
    After(KeyPath),
    End,
}

/// A text with a statement in it that was not there.
pub(super) struct Placed {
    pub(super) text: String,
    /// The table whose header was written for it.
    pub(super) made: Option<KeyPath>,
}

/// An entry with the comments above it, cut out of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    before_key: String,
    after_key: String,
}

impl Block {
    pub(super) fn new(comment: Option<&str>, value: &str) -> Self {
        let comment = comment
            .into_iter()
            .flat_map(str::lines)
            .map(|line| format!("# {line}\n"));
        Self {
            before_key: comment.collect(),
            after_key: format!(" = {value}\n"),
        }
    }

    /// The block with its key as TOML writes it; lines end as the text's do.
    fn written(&self, key: &str, text: &str) -> String {
        let end = line_ending(text);
        let mut block = format!("{}{key}{}", self.before_key, self.after_key);
        if !block.ends_with('\n') {
            block.push_str(end);
        }
        if end == "\r\n" && !block.contains(end) {
            block = block.replace('\n', end);
        }
        block
    }
}

fn line_ending(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

impl Layout {
    /// The entry of exactly this path.
    pub(super) fn entry(&self, path: &[String]) -> Option<&Statement> {
        self.statements
            .iter()
            .find(|statement| !statement.is_header() && statement.path() == path)
    }

    pub(super) fn header(&self, path: &[String]) -> Option<&Statement> {
        let found = |statement: &&Statement| matches!(statement.kind, Kind::Header { array: false, .. });
        self.statements
            .iter()
            .filter(found)
            .find(|statement| statement.section == path)
    }

    /// Where among its neighbours an entry stands.
    pub(super) fn place_of(&self, entry: &Statement) -> Place {
        let start = entry.keys_at().start;
        let before = self
            .lines_of(&entry.section)
            .take_while(|other| other.keys_at().start < start)
            .last();
        before.map_or(Place::First, |other| Place::After(KeyPath::of(&other.path())))
    }

    /// Entries that stand on lines of their own below the header of this table.
    fn lines_of<'a>(&'a self, section: &'a [String]) -> impl Iterator<Item = &'a Statement> {
        let own = |statement: &&Statement| !statement.is_header() && !statement.is_inline();
        self.statements
            .iter()
            .filter(own)
            .filter(move |statement| statement.section == section)
    }
}

/// Takes an entry out with its comments, and one of two blank lines that would meet.
pub(super) fn cut(text: &str, entry: &Statement) -> (String, Block) {
    let Range { start, end } = entry.block.clone();
    let keys = entry.keys_at();
    let block = Block {
        before_key: text[start..keys.start].to_owned(),
        after_key: text[keys.end..end].to_owned(),
    };
    (without(text, start..end), block)
}

/// Takes out an entry with those comment lines above it that are `comment`; others were there before it.
pub(super) fn remove_entry(text: &str, key: &KeyPath, comment: Option<&str>) -> String {
    let layout = Layout::of(text);
    let Some(entry) = layout.entry(key.parts()).filter(|entry| !entry.is_inline()) else {
        return text.to_owned();
    };
    let mut start = entry.line_start;
    for line in comment.into_iter().flat_map(str::lines).rev() {
        let above = line_start_of_line_above(text, start);
        if text[above..start].trim_end() != format!("# {line}").trim_end() {
            break;
        }
        start = above;
    }
    without(text, start..entry.block.end)
}

fn without(text: &str, range: Range<usize>) -> String {
    let mut end = range.end;
    let blank_before = range.start == 0 || is_blank(&text[line_start_of_line_above(text, range.start)..range.start]);
    let next = &text[end..line_end(text, end)];
    if blank_before && !next.is_empty() && is_blank(next) {
        end += next.len();
    }
    format!("{}{}", &text[..range.start], &text[end..])
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// Puts an entry into the table that `key` names, making the table when there is none.
pub(super) fn put(text: &str, key: &KeyPath, block: &Block, place: &Place) -> Result<Placed, ConfigError> {
    let layout = Layout::of(text);
    let section = key.parent();
    let at = match place {
        Place::After(other) => layout
            .entry(other.parts())
            .filter(|other| other.section == section)
            .map(|e| e.block.end),
        Place::First => layout.lines_of(section).next().map(|first| first.block.start),
        Place::End => None,
    };
    let last = |key: &KeyPath| written(&[key.last().to_owned()]);
    let at = at.or_else(|| layout.lines_of(section).last().map(|last| last.block.end));
    if let Some(at) = at {
        return Ok(insert(text, at, &block.written(&last(key), text)));
    }
    if section.is_empty() {
        return Ok(insert_at_root(text, &layout, &block.written(&last(key), text)));
    }
    if let Some(header) = layout.header(section) {
        return Ok(insert(text, header.block.end, &block.written(&last(key), text)));
    }
    if let Some(dotted) = sibling_by_dots(&layout, section) {
        let written = block.written(&written(&key.parts()[dotted.section.len()..]), text);
        return Ok(insert(text, dotted.block.end, &written));
    }
    if layout
        .statements
        .iter()
        .any(|statement| statement.is_inline() && statement.path().starts_with(section))
    {
        return Err(ConfigError::Unsupported {
            action: "put a key into",
            key: KeyPath::of(section),
            reason: "it is an inline table",
        });
    }
    let end = line_ending(text);
    let gap = if text.is_empty() { "" } else { end };
    let table = format!("{gap}[{}]{end}{}", written(section), block.written(&last(key), text));
    let mut placed = insert(text, text.len(), &table);
    placed.made = Some(KeyPath::of(section));
    Ok(placed)
}

/// `a.b = 1` makes the table `a` without a header, and forbids one.
fn sibling_by_dots<'a>(layout: &'a Layout, table: &[String]) -> Option<&'a Statement> {
    let own = |statement: &&Statement| !statement.is_header() && !statement.is_inline();
    let inside = |statement: &&Statement| {
        statement.section.len() < table.len()
            && statement.path().starts_with(table)
            && statement.path().len() > table.len()
    };
    layout.statements.iter().filter(own).rfind(inside)
}

fn insert(text: &str, at: usize, block: &str) -> Placed {
    let gap = if at > 0 && !text[..at].ends_with('\n') {
        line_ending(text)
    } else {
        ""
    };
    Placed {
        text: format!("{}{gap}{block}{}", &text[..at], &text[at..]),
        made: None,
    }
}

/// Keys of the root stand above the first header.
fn insert_at_root(text: &str, layout: &Layout, block: &str) -> Placed {
    match layout.statements.iter().find(|statement| statement.is_header()) {
        Some(header) => insert(text, header.block.start, &format!("{block}{}", line_ending(text))),
        None => insert(text, text.len(), block),
    }
}

/// Takes out the header of a table that we made, once nothing is in it.
pub(super) fn remove_if_empty(text: &str, table: &KeyPath) -> String {
    let layout = Layout::of(text);
    let Some(header) = layout.header(table.parts()) else {
        return text.to_owned();
    };
    let start = header.line_start;
    let used = layout
        .statements
        .iter()
        .any(|other| other.line_start != start && other.path().starts_with(table.parts()));
    if used {
        return text.to_owned();
    }
    let above = line_start_of_line_above(text, start);
    let from = if start > 0 && is_blank(&text[above..start]) {
        above
    } else {
        start
    };
    format!("{}{}", &text[..from], &text[header.block.end..])
}

/// Puts tables with their headers at the end.
pub(super) fn append(text: &str, tables: &str) -> String {
    insert(text, text.len(), tables).text
}
