//! Putting an entry into a table and taking it out again, to the byte.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::block::{Block, commented};
use super::inline;
use super::layout::{Kind, Layout, Statement};
use super::spot::{Hole, Piece, cut_piece, inserted, removed};
use crate::migrate::config::ConfigError;
use crate::migrate::config::key::{KeyPath, written};
use crate::migrate::config::text::{is_blank, line_end, line_ending, line_start, line_start_of_line_above};

/// A text with an entry in it that was not there.
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) traces: Traces,
}

/// What was written around an entry to place it, and goes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traces {
    /// The table whose header was written for it; it stays while something else is in it.
    made: Option<KeyPath>,
    /// A blank line above, and one below.
    lead: String,
    trail: String,
}

impl Layout {
    /// The entry of exactly this path.
    pub(super) fn entry(&self, path: &[String]) -> Option<&Statement> {
        self.statements
            .iter()
            .find(|statement| !statement.is_header() && statement.path() == path)
    }

    fn header(&self, path: &[String]) -> Option<&Statement> {
        self.statements
            .iter()
            .find(|statement| matches!(statement.kind, Kind::Header { array: false, .. }) && statement.section == path)
    }

    fn last_entry_of(&self, section: &[String]) -> Option<&Statement> {
        self.lines()
            .filter(|statement| !statement.is_header() && statement.section == section)
            .last()
    }

    /// What says that there is this table, when nothing is in it and nothing below it.
    fn emptied(&self, text: &str, table: &[String]) -> Option<(Range<usize>, bool)> {
        let (range, header) = self.bare(text, table)?;
        let mut others = self.statements.iter().filter(|other| other.line_start != range.start);
        (!others.any(|other| other.path().starts_with(table))).then_some((range, header))
    }

    /// The header of a table without entries of its own, or `table = {}`. Comments are not part of it.
    fn bare(&self, text: &str, table: &[String]) -> Option<(Range<usize>, bool)> {
        let without_blanks = |value: Range<usize>| text[value].split_whitespace().collect::<String>();
        let is_empty = |entry: &&Statement| entry.value().is_some_and(|value| without_blanks(value) == "{}");
        let header = self.header(table).filter(|_| self.last_entry_of(table).is_none());
        let entry = || self.entry(table).filter(|entry| !entry.is_inline()).filter(is_empty);
        let own = header.or_else(entry)?;
        let end = match &own.kind {
            Kind::Header { close, .. } => *close,
            Kind::Entry { value } | Kind::InlineEntry { value } => value.end,
        };
        let comment = text[end..line_end(text, end)].find('#').map(|at| end + at);
        Some((own.line_start..comment.unwrap_or(own.block.end), own.is_header()))
    }
}

/// Puts an entry at the end of the table that `key` names, making the table when there is none.
pub(super) fn put(text: &str, key: &KeyPath, block: &Block) -> Result<Placed, ConfigError> {
    let layout = Layout::of(text);
    let section = key.parent();
    let plain = |at: usize, key: &str| Placed {
        text: inserted(text, at, &block.written(key, text)),
        traces: Traces::default(),
    };
    let last = written(&[key.last().to_owned()]);
    if let Some(neighbour) = layout.last_entry_of(section).or_else(|| layout.header(section)) {
        return Ok(plain(neighbour.block.end, &last));
    }
    if section.is_empty() {
        return Ok(put_at_root(text, &layout, &block.written(&last, text)));
    }
    if let Some(dotted) = sibling_by_dots(&layout, section) {
        return Ok(plain(dotted.block.end, &written(&key.parts()[dotted.section.len()..])));
    }
    if let Some(text) = inline::put(text, &layout, key, block)? {
        let traces = Traces::default();
        return Ok(Placed { text, traces });
    }
    // A text that has no lines left takes the ends of lines that the entry brings.
    let end = line_ending(if text.contains('\n') { text } else { &block.after_key });
    let lead = if text.len() == layout.first || is_blank(last_line(text)) {
        ""
    } else {
        end
    };
    let header = format!("{lead}[{}]{end}", written(section));
    Ok(Placed {
        text: format!("{text}{header}{}", block.written(&last, text)),
        traces: Traces {
            made: Some(KeyPath::of(section)),
            lead: lead.to_owned(),
            trail: String::new(),
        },
    })
}

/// Keys of the root stand above the first header; a comment that was there first is not theirs.
fn put_at_root(text: &str, layout: &Layout, block: &str) -> Placed {
    let header = layout.lines().find(|statement| statement.is_header());
    let at = header.map_or(text.len(), |header| header.block.start);
    let above = last_line(&text[..at]);
    let lead = if at == layout.first || is_blank(above) {
        ""
    } else {
        line_ending(text)
    };
    let trail = if header.is_some() { line_ending(text) } else { "" };
    Placed {
        text: inserted(text, at, &format!("{lead}{block}{trail}")),
        traces: Traces {
            made: None,
            lead: lead.to_owned(),
            trail: trail.to_owned(),
        },
    }
}

fn last_line(text: &str) -> &str {
    &text[line_start_of_line_above(text, text.len())..]
}

/// `a.b = 1` makes the table `a` without a header, and forbids one.
fn sibling_by_dots<'a>(layout: &'a Layout, table: &[String]) -> Option<&'a Statement> {
    let inside = |statement: &&Statement| {
        let path = statement.path();
        !statement.is_header()
            && statement.section.len() < table.len()
            && path.len() > table.len()
            && path.starts_with(table)
    };
    layout.lines().filter(inside).last()
}

/// Puts an entry back where it was, as it was written; at the end of its table when that place is gone.
pub(super) fn put_back(
    text: &str,
    key: &KeyPath,
    block: &Block,
    hole: &Hole,
    keys: &str,
) -> Result<String, ConfigError> {
    let layout = Layout::of(text);
    let path: KeyPath = keys.parse()?;
    let fits = |section: &[String]| [section, path.parts()].concat() == key.parts();
    if let Some((found, _)) = hole.find(text, &layout).filter(|(_, section)| fits(section)) {
        return Ok(hole.fill(text, &found, &block.written(keys, text)));
    }
    // Dotted keys of one table must not meet a header of it.
    if path.parts() == key.parts() && layout.header(key.parent()).is_none() {
        return Ok(put_at_root(text, &layout, &block.written(keys, text)).text);
    }
    put(text, key, block).map(|placed| placed.text)
}

/// Takes out what was put in, and its traces.
pub(super) fn take(text: &str, range: Range<usize>, traces: &Traces) -> String {
    let at = range.start;
    sweep(&removed(text, range), at, traces)
}

/// Removes the traces of an entry that stood at `at`.
fn sweep(text: &str, at: usize, traces: &Traces) -> String {
    let (mut text, mut at) = (text.to_owned(), at);
    if let Some(table) = &traces.made {
        let Some((header, _)) = Layout::of(&text).bare(&text, table.parts()) else {
            return text;
        };
        at = header.start;
        text = removed(&text, header);
    }
    if !traces.trail.is_empty() && text[at..].starts_with(&traces.trail) {
        text = removed(&text, at..at + traces.trail.len());
    }
    let lead = at - traces.lead.len().min(at);
    if lead < at && text[lead..at] == traces.lead && line_start(&text, lead) == lead {
        text = removed(&text, lead..at);
    }
    text
}

/// Removes a table that was made for an entry that someone has taken out of it.
pub(super) fn tidy(text: &str, traces: &Traces) -> String {
    match traces.made {
        Some(_) => sweep(text, 0, traces),
        None => text.to_owned(),
    }
}

/// The lines of an entry that came with `comment`; other comments above it were there before.
pub(super) fn lines_with(text: &str, entry: &Statement, comment: Option<&str>) -> Range<usize> {
    let mut start = entry.line_start;
    for line in comment.into_iter().flat_map(str::lines).rev() {
        let above = line_start_of_line_above(text, start);
        if start == 0 || text[above..start].trim_end() != commented(line) {
            break;
        }
        start = above;
    }
    start..entry.block.end
}

/// Removes a table that has nothing in it any more, and those around it of which the same is true.
pub(super) fn drop_emptied(text: String, table: &[String]) -> (String, Vec<Piece>) {
    let (mut text, mut pieces) = (text, Vec::new());
    for depth in (1..=table.len()).rev() {
        let layout = Layout::of(&text);
        if let Some((range, header)) = layout.emptied(&text, &table[..depth]) {
            let (rest, piece) = cut_piece(&text, &layout, range, header);
            text = rest;
            pieces.push(piece);
        }
    }
    (text, pieces)
}
