//! How single operations are taken back.

use serde::{Deserialize, Serialize};

use super::block::Block;
use super::key::KeyPath;
use super::place::Traces;
use super::spot::{Hole, Piece};

/// How one operation is taken back in a text that was changed since. The user's changes win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Undo {
    MoveBack {
        from: KeyPath,
        to: KeyPath,
        back: Back,
    },
    /// Only while it has this value.
    Remove {
        key: KeyPath,
        value: String,
        /// The lines above it that came with it.
        comment: Option<String>,
        traces: Traces,
    },
    /// Only while it has the value `now`.
    SetBack {
        key: KeyPath,
        now: String,
        old: String,
    },
    /// Only when it is absent.
    PutBack {
        key: KeyPath,
        block: Block,
        /// Where it was and how its key was written, unless inside an inline table.
        at: Option<(Hole, String)>,
    },
    /// Only when it is absent.
    PutTablesBack {
        key: KeyPath,
        pieces: Vec<Piece>,
    },
}

/// What a move did to the text beside moving.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Back {
    /// Where the entry was, unless it stays there.
    pub(super) hole: Option<Hole>,
    /// How its key was written.
    pub(super) keys: Option<String>,
    pub(super) traces: Traces,
    /// Tables that were left empty by it.
    pub(super) emptied: Vec<Piece>,
}
