//! How single operations are taken back.

use serde::{Deserialize, Serialize};

use super::block::Block;
use super::edit::{self, said, same, unsupported};
use super::layout::{Layout, Statement};
use super::place::{self, Traces};
use super::spot::{Hole, Piece, inserted};
use super::{inline, items};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::{Data, exact};
use crate::migrate::config::key::KeyPath;

/// How one operation is taken back in a text that was changed since. The user's changes win.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
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
    /// An item that was put into a list goes, or one that was taken out comes back to place `at`; all of the old text when
    /// nobody has changed the list since.
    ItemBack {
        key: KeyPath,
        now: String,
        old: String,
        #[serde(with = "exact")]
        item: Data,
        at: Option<usize>,
    },
    /// Lines that were made a comment; only while the comment is there and the key is not.
    Uncomment {
        key: KeyPath,
        comment: String,
        lines: String,
    },
    /// Only when it is absent.
    PutTablesBack {
        key: KeyPath,
        pieces: Vec<Piece>,
    },
}

/// What a move did to the text beside moving.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// Where the entry was, unless it stays there.
    pub(super) hole: Option<Hole>,
    /// How its key was written.
    pub(super) keys: Option<String>,
    pub(super) traces: Traces,
    /// Tables that were left empty by it.
    pub(super) emptied: Vec<Piece>,
}

/// Takes one operation back.
pub fn take_back(text: &str, undo: &Undo) -> Result<String, ConfigError> {
    let absent = |key: &KeyPath| Ok::<_, ConfigError>(said(text)?.get(key)?.is_none());
    match undo {
        Undo::MoveBack { from, to, back } => edit::move_back(text, from, to, back),
        Undo::Remove {
            key,
            value,
            comment,
            traces,
        } => remove(text, key, value, comment.as_deref(), traces),
        Undo::SetBack { key, now, old } => edit::set_back(text, key, now, old),
        Undo::PutBack { key, block, at } if absent(key)? => match at {
            Some((hole, keys)) => place::put_back(text, key, block, hole, keys),
            None => place::put(text, key, block).map(|placed| placed.text),
        },
        Undo::PutTablesBack { key, pieces } if absent(key)? => {
            Ok(pieces.iter().rev().fold(text.to_owned(), |now, piece| {
                piece
                    .put_back(&now)
                    .unwrap_or_else(|| inserted(&now, now.len(), &piece.text))
            }))
        }
        Undo::ItemBack {
            key,
            now,
            old,
            item,
            at,
        } => item_back(text, key, (now, old), item, *at),
        Undo::Uncomment { key, comment, lines } if absent(key)? => {
            Ok(match text.match_indices(comment.as_str()).next() {
                Some((found, _)) if found == 0 || text[..found].ends_with('\n') => text.replacen(comment, lines, 1),
                _ => text.to_owned(),
            })
        }
        Undo::PutBack { .. } | Undo::PutTablesBack { .. } | Undo::Uncomment { .. } => Ok(text.to_owned()),
    }
}

fn remove(
    text: &str,
    key: &KeyPath,
    value: &str,
    comment: Option<&str>,
    traces: &Traces,
) -> Result<String, ConfigError> {
    let layout = Layout::of(text);
    let Some(entry) = layout.entry(key.parts()) else {
        return Ok(place::tidy(text, traces));
    };
    let now = entry.value().map(|at| &text[at]).unwrap_or_default();
    if !same(now, value)? {
        return Ok(text.to_owned());
    }
    if entry.is_inline() {
        let rest = inline::cut(text, &layout, entry).map(|(rest, _)| rest);
        return rest.ok_or_else(|| unsupported("remove", key, edit::COMMENTED_INLINE));
    }
    Ok(place::take(text, place::lines_with(text, entry, comment), traces))
}

fn item_back(
    text: &str,
    key: &KeyPath,
    (now, old): (&str, &str),
    item: &Data,
    at: Option<usize>,
) -> Result<String, ConfigError> {
    let layout = Layout::of(text);
    let Some(value) = layout.entry(key.parts()).and_then(Statement::value) else {
        return Ok(text.to_owned());
    };
    let found = &text[value.clone()];
    let there = items::position(found, item);
    let back = match (at, there) {
        _ if same(found, now)? => Some(old.to_owned()),
        (None, Some(there)) => items::without(found, there),
        (Some(at), None) => items::with(found, at, item)?,
        _ => None,
    };
    let back = back.unwrap_or_else(|| found.to_owned());
    Ok(format!("{}{back}{}", &text[..value.start], &text[value.end..]))
}
