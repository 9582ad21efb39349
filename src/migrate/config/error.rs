//! Why a configuration could not be read or migrated, and where.

use std::path::PathBuf;

use super::key::KeyPath;
use crate::disk::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the migration file {} {reason}", path.display())]
    MigrationFile { path: PathBuf, reason: String },
    #[error("{file} is not valid TOML: line {line}, column {column}: {reason}")]
    Syntax {
        file: String,
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
    #[error("the migration would lose the comment `{comment}`, so nothing was changed")]
    CommentLost { comment: String },
    #[error("the migrated text would not hold what its migration says, so nothing was changed: {reason}")]
    NotEquivalent { reason: String },
    #[error(transparent)]
    Disk(#[from] DiskError),
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
