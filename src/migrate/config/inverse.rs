//! Applying a migration and taking it back: to the byte when nothing was changed since, else step by step around the changes.

use serde::{Deserialize, Serialize};

use super::data::Data;
use super::edit::{self, same};
use super::key::KeyPath;
use super::layout::{Layout, line_ending};
use super::place::{self, Traces};
use super::spot::inserted;
use super::undo::Undo;
use super::{ConfigError, Op, inline};
use crate::crypt::{Digest, digest_of};

/// What takes a migration of one file back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inverse {
    before: String,
    after: Digest,
    /// In the order in which the operations were done.
    undo: Vec<Undo>,
}

/// Does the operations in order; gives the new text and its inverse. Nothing is changed when any of them cannot be done.
pub fn apply(text: &str, ops: &[Op]) -> Result<(String, Inverse), ConfigError> {
    let mut undo = Vec::new();
    let mut now = lent(text, text);
    for op in ops {
        if let Some((next, back)) = edit::run(&now, op)? {
            now = next;
            undo.extend(back);
        }
    }
    let now = returned(now, text);
    let inverse = Inverse {
        before: text.to_owned(),
        after: digest_of(now.as_bytes()),
        undo,
    };
    Ok((now, inverse))
}

/// Takes a migration back.
pub fn invert(text: &str, inverse: &Inverse) -> Result<String, ConfigError> {
    if digest_of(text.as_bytes()) == inverse.after {
        return Ok(inverse.before.clone());
    }
    around_changes(text, inverse)
}

pub(super) fn around_changes(text: &str, inverse: &Inverse) -> Result<String, ConfigError> {
    super::check("the configuration", text)?;
    let mut now = lent(text, &inverse.before);
    for undo in inverse.undo.iter().rev() {
        now = take_back(&now, undo)?;
    }
    super::check("the configuration", &now).map_err(|e| ConfigError::NotEquivalent { reason: e.to_string() })?;
    Ok(returned(now, &inverse.before))
}

/// When the text before the migration has a last line without an end, one is lent for the work, so that lines can be put
/// behind each other.
fn lent(text: &str, before: &str) -> String {
    let end = if text.is_empty() || is_ended(before) {
        ""
    } else {
        line_ending(before)
    };
    format!("{text}{end}")
}

fn returned(text: String, before: &str) -> String {
    if is_ended(before) {
        return text;
    }
    let bare = text.strip_suffix('\n').unwrap_or(&text);
    bare.strip_suffix('\r').unwrap_or(bare).to_owned()
}

fn is_ended(text: &str) -> bool {
    text.is_empty() || text.ends_with('\n')
}

fn take_back(text: &str, undo: &Undo) -> Result<String, ConfigError> {
    let absent = |key: &KeyPath| Ok::<_, ConfigError>(Data::of_text(text)?.get(key)?.is_none());
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
        Undo::PutBack { .. } | Undo::PutTablesBack { .. } => Ok(text.to_owned()),
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
        return rest.ok_or_else(|| edit::unsupported("remove", key, edit::COMMENTED_INLINE));
    }
    Ok(place::take(text, place::lines_with(text, entry, comment), traces))
}
