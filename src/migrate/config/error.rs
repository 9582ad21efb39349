//! Why a configuration could not be read or migrated, and where.

use std::path::PathBuf;

use super::key::KeyPath;
use crate::disk::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the migration file {} {reason}", path.display())]
    MigrationFile { path: PathBuf, reason: String },
    #[error("{file} is not valid {format}: line {line}, column {column}: {reason}")]
    Syntax {
        file: String,
        format: &'static str,
        line: usize,
        column: usize,
        reason: String,
    },
    #[error("`{text}` is not a key: {reason}")]
    Key { text: String, reason: String },
    #[error("cannot rename `{from}` to `{to}`: `{to}` already exists")]
    Occupied { from: KeyPath, to: KeyPath },
    #[error("cannot rename `{from}` to `{to}`: one is inside the other")]
    IntoItself { from: KeyPath, to: KeyPath },
    #[error("`{key}` cannot be reached: `{through}` is not a table")]
    NotATable { key: KeyPath, through: KeyPath },
    #[error("`{key}` is not a single value")]
    NotAScalar { key: KeyPath },
    #[error("cannot {action} `{key}`: {reason}")]
    Unsupported {
        action: &'static str,
        key: KeyPath,
        reason: &'static str,
    },
    #[error("{value} cannot be written into a {format} file: {reason}")]
    Unwritable {
        value: String,
        format: &'static str,
        reason: &'static str,
    },
    #[error("cannot transform `{key}`: {reason}")]
    Transform { key: KeyPath, reason: String },
    #[error("`{key}` is {found}: {message}")]
    Required {
        key: KeyPath,
        found: String,
        message: String,
    },
    #[error("the migration would lose the comment `{comment}`, so nothing was changed")]
    CommentLost { comment: String, text: String },
    #[error("the migrated text would not hold what its migration says, so nothing was changed: {reason}")]
    NotEquivalent { reason: String, text: String },
    #[error("the file was changed in the same lines as the migration that is taken back, so nothing was changed")]
    Overlap { text: String },
    #[error("the schema of the release cannot be used: {reason}")]
    Schema { reason: String },
    #[error("a library failed on this file, so nothing was changed: {reason}")]
    Panicked { reason: String },
    #[error("only the whole of a file of this kind can be merged; `{action}` cannot be done in it")]
    NoOperations { action: &'static str },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl ConfigError {
    /// What the edit came to before it was refused, for the operator to look at.
    pub fn refused_text(&self) -> Option<&str> {
        match self {
            Self::CommentLost { text, .. } | Self::NotEquivalent { text, .. } | Self::Overlap { text } => Some(text),
            _ => None,
        }
    }
}

/// Line and column, from 1, of a byte.
pub(super) fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        1 + before.matches('\n').count(),
        1 + before[line_start..].chars().count(),
    )
}
