//! Applying a migration and taking it back: to the byte when nothing was changed since, else step by step around the changes.

use serde::{Deserialize, Serialize};

use super::edit::{self, same, value_text};
use super::key::KeyPath;
use super::place;
use super::undo::Undo;
use super::{ConfigError, Op};
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
    let mut now = text.to_owned();
    let mut undo = Vec::new();
    for op in ops {
        if let Some((next, back)) = edit::run(&now, op)? {
            now = next;
            undo.push(back);
        }
    }
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
    super::check("the configuration", text)?;
    let mut now = text.to_owned();
    for undo in inverse.undo.iter().rev() {
        now = take_back(&now, undo)?;
    }
    super::check("the configuration", &now).map_err(|e| ConfigError::NotEquivalent { reason: e.to_string() })?;
    Ok(now)
}

fn take_back(text: &str, undo: &Undo) -> Result<String, ConfigError> {
    let tidy = |text: String, made: &Option<KeyPath>| match made {
        Some(table) => place::remove_if_empty(&text, table),
        None => text,
    };
    let absent = |key: &KeyPath| Ok::<_, ConfigError>(super::Data::of_text(text)?.get(key)?.is_none());
    match undo {
        Undo::MoveBack { from, to, place, made } => {
            let moved = edit::rename(text, from, to, place)?;
            Ok(tidy(moved.map_or_else(|| text.to_owned(), |(text, _)| text), made))
        }
        Undo::Remove {
            key,
            value,
            comment,
            made,
        } => match value_text(text, key) {
            Some(found) if same(&found, value)? => Ok(tidy(place::remove_entry(text, key, comment.as_deref()), made)),
            _ => Ok(text.to_owned()),
        },
        Undo::SetBack { key, now, old } => edit::set_back(text, key, now, old),
        Undo::PutBack { key, block, place } if absent(key)? => Ok(place::put(text, key, block, place)?.text),
        Undo::PutTableBack { key, text: table } if absent(key)? => Ok(place::append(text, table)),
        Undo::PutBack { .. } | Undo::PutTableBack { .. } => Ok(text.to_owned()),
    }
}
