//! How single operations are taken back.

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::place::{Block, Place};

/// How one operation is taken back in a text that was changed since. The user's changes win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    MoveBack {
        from: KeyPath,
        to: KeyPath,
        place: Place,
        /// The table that was made for it, to be removed when it is empty.
        made: Option<KeyPath>,
    },
    /// Only while it has this value.
    Remove {
        key: KeyPath,
        value: String,
        /// The lines above it that came with it.
        comment: Option<String>,
        made: Option<KeyPath>,
    },
    /// Only while it has the value `now`.
    SetBack { key: KeyPath, now: String, old: String },
    /// Only when it is absent.
    PutBack { key: KeyPath, block: Block, place: Place },
    /// Only when it is absent.
    PutTableBack { key: KeyPath, text: String },
}
