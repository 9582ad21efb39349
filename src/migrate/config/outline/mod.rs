//! YAML, JSON and files of lines: where each entry of a text stands, and the edits as cuts and pastes at these places. A format
//! says how it is read and written; everything else is the same for all.

mod elements;
mod json;
mod lines;
mod lines_read;
mod undo;
mod work;
mod yaml;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::data::Data;
use super::key::KeyPath;
use super::text::{line_end, line_start};

pub(super) use json::Json;
pub(super) use lines::{Dialect, Lines};
pub use undo::Undo;
pub use work::run;
pub(super) use yaml::Yaml;

/// What a text is made of.
#[derive(Debug, Default)]
pub struct Outline {
    /// In the order of the text.
    pub entries: Vec<Entry>,
    pub comments: Vec<Range<usize>>,
    /// Headers of sections, in files of lines that have them.
    pub sections: Vec<(String, Range<usize>)>,
    /// The braces of the whole, in JSON.
    pub root: Option<Range<usize>>,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub path: Vec<String>,
    pub key: Range<usize>,
    /// Empty where no value is written.
    pub value: Range<usize>,
    /// Its whole lines with the comments right above, unless it shares them with others.
    pub lines: Option<Range<usize>>,
    pub shape: Shape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    Single,
    /// Where the items stand; `flow` is inside brackets.
    List {
        items: Vec<Range<usize>>,
        flow: bool,
    },
    Table {
        flow: bool,
    },
}

/// An entry without its key and its indentation, between two places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The comment lines above.
    pub before: Vec<String>,
    /// From the end of the key to that of the value.
    pub after: String,
    /// The comment behind it.
    pub tail: String,
}

impl Outline {
    pub fn entry(&self, path: &[String]) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }

    /// The entries right inside a table.
    pub fn children(&self, path: &[String]) -> Vec<&Entry> {
        let is_inside = |entry: &&Entry| entry.path.len() == path.len() + 1 && entry.path.starts_with(path);
        self.entries.iter().filter(is_inside).collect()
    }

    pub fn comment_above(&self, text: &str, path: &[String]) -> Option<String> {
        let entry = self.entry(path)?;
        let lines = entry.lines.as_ref()?;
        Some(bare_comment(&text[lines.start..line_start(text, entry.key.start)]))
    }

    /// Where values stand that are not tables.
    pub fn values(&self) -> Vec<(Vec<String>, Range<usize>)> {
        let valued = self
            .entries
            .iter()
            .filter(|entry| !matches!(entry.shape, Shape::Table { .. }));
        valued.map(|entry| (entry.path.clone(), entry.value.clone())).collect()
    }

    fn comments_in<'t>(&self, text: &'t str, range: &Range<usize>) -> Vec<&'t str> {
        let is_in = |comment: &&Range<usize>| range.start <= comment.start && comment.end <= range.end;
        self.comments
            .iter()
            .filter(is_in)
            .map(|at| text[at.clone()].trim())
            .collect()
    }
}

/// How a format is read and written.
pub trait Syntax: Sync {
    fn name(&self) -> &'static str;
    /// What the text says, read by another parser than `outline`.
    fn data(&self, file: &str, text: &str) -> Result<Data, ConfigError>;
    /// Of a text that `data` can read.
    fn outline(&self, text: &str) -> Result<Outline, ConfigError>;
    fn key(&self, name: &str) -> Result<String, ConfigError>;
    fn value(&self, data: &Data) -> Result<String, ConfigError>;
    /// What stands between a new key and its value.
    fn separator(&self, text: &str) -> &'static str;
    /// Before a comment; none where there can be none.
    fn comment_mark(&self, text: &str) -> Option<&'static str>;
    fn cut(&self, text: &str, outline: &Outline, entry: &Entry) -> Option<(String, Piece)>;
    fn put(&self, text: &str, outline: &Outline, key: &KeyPath, piece: &Piece) -> Result<String, ConfigError>;
    /// The list with one item more; none where there are no lists.
    fn with_item(&self, text: &str, entry: &Entry, at: usize, item: &str) -> Option<String>;
    fn without_item(&self, text: &str, entry: &Entry, at: usize) -> Option<String>;
}

pub fn unsupported(action: &'static str, key: &KeyPath, reason: &'static str) -> ConfigError {
    ConfigError::Unsupported {
        action,
        key: key.clone(),
        reason,
    }
}

pub fn replaced(text: &str, range: &Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

/// From the start of the comment lines right above that `is_comment` knows, to the end of the line at `end`.
fn lines_around(text: &str, start: usize, end: usize, is_comment: impl Fn(&str) -> bool) -> Range<usize> {
    let mut lead = line_start(text, start);
    while lead > 0 {
        let above = line_start(text, lead - 1);
        if !is_comment(&text[above..lead]) {
            break;
        }
        lead = above;
    }
    lead..line_end(text, end)
}

/// All lines but the first without this indentation.
fn dedented(text: &str, indent: &str) -> String {
    shifted(text, |line| line.strip_prefix(indent).unwrap_or(line).to_owned())
}

fn indented(text: &str, indent: &str) -> String {
    shifted(text, |line| {
        if line.trim().is_empty() {
            line.to_owned()
        } else {
            format!("{indent}{line}")
        }
    })
}

fn shifted(text: &str, shift: impl Fn(&str) -> String) -> String {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |all, line| all + &shift(line))
}

/// Comment lines without their marks.
pub fn bare_comment(lines: &str) -> String {
    let bare = lines.lines().map(|line| {
        let line = line.trim().trim_start_matches(['#', ';', '!', '/']);
        line.strip_prefix(' ').unwrap_or(line)
    });
    bare.collect::<Vec<_>>().join("\n")
}
