//! An entry with its comments, between two places.

use serde::{Deserialize, Serialize};

use super::layout::Statement;
use crate::migrate::config::text::line_ending;

/// An entry with the comments above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub(super) before_key: String,
    /// From behind the key to the end of the line.
    pub(super) after_key: String,
}

impl Block {
    pub(super) fn new(comment: Option<&str>, value: &str) -> Self {
        let comment = comment.into_iter().flat_map(str::lines).map(commented);
        Self {
            before_key: comment.map(|line| line + "\n").collect(),
            after_key: format!(" = {value}\n"),
        }
    }

    pub(super) fn of(text: &str, entry: &Statement) -> Self {
        let keys = entry.keys_at();
        Self {
            before_key: text[entry.block.start..keys.start].to_owned(),
            after_key: text[keys.end..entry.block.end].to_owned(),
        }
    }

    /// The block with its key as TOML writes it; lines end as the text's do.
    pub(super) fn written(&self, key: &str, text: &str) -> String {
        let block = format!("{}{key}{}", self.before_key, self.after_key);
        match line_ending(text) {
            "\r\n" if !block.contains("\r\n") => block.replace('\n', "\r\n"),
            _ => block,
        }
    }
}

pub(super) fn commented(line: &str) -> String {
    format!("# {line}").trim_end().to_owned()
}
