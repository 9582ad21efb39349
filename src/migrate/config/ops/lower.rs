//! From what a migration asks for to the edits of one file as it is now.

use super::{Function, Move, Note, Op, Require};
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::Data;
use crate::migrate::config::edit::Edit;
use crate::migrate::config::format::Format;
use crate::migrate::config::key::KeyPath;

/// What one operation comes to.
#[derive(Default)]
pub struct Lowered {
    pub edits: Vec<Edit>,
    pub note: Option<String>,
}

impl From<Vec<Edit>> for Lowered {
    fn from(edits: Vec<Edit>) -> Self {
        Self { edits, note: None }
    }
}

pub fn lower(op: &Op, format: Format, model: &Data) -> Result<Lowered, ConfigError> {
    let key_of = |key: &KeyPath| format.key(key);
    let value_of = |value: &Data| format.value(value);
    Ok(match op {
        Op::Rename(rename) => vec![Edit::Move {
            from: key_of(&rename.from),
            to: key_of(&rename.to),
        }]
        .into(),
        Op::Move(wanted) => moves(wanted, model)?.into(),
        Op::SetDefault(default) => vec![Edit::Insert {
            key: key_of(&default.key),
            value: value_of(&default.value),
            comment: default.comment.clone(),
            raw: None,
        }]
        .into(),
        Op::Change(change) => {
            let now = model.get(&key_of(&change.key))?;
            let listed = now.is_some_and(|now| change.from.iter().any(|old| value_of(old) == *now));
            set_if(listed, key_of(&change.key), value_of(&change.to)).into()
        }
        Op::Delete(delete) => vec![Edit::Remove {
            key: key_of(&delete.key),
            keep: delete.keep_comment,
        }]
        .into(),
        Op::Transform(transform) => transformed(&key_of(&transform.key), &transform.with, format, model)?.into(),
        Op::Append(append) => match list(model, &key_of(&append.key))? {
            Some(items) if !items.contains(&value_of(&append.item)) => vec![Edit::AddItem {
                key: key_of(&append.key),
                item: value_of(&append.item),
                at: items.len(),
            }],
            _ => Vec::new(),
        }
        .into(),
        Op::RemoveItem(remove) => match list(model, &key_of(&remove.key))? {
            Some(items) if items.contains(&value_of(&remove.item)) => vec![Edit::TakeItem {
                key: key_of(&remove.key),
                item: value_of(&remove.item),
            }],
            _ => Vec::new(),
        }
        .into(),
        Op::Note(note) => noted(note, format, model)?,
        Op::Require(require) => {
            check(require, format, model)?;
            Lowered::default()
        }
    })
}

fn set_if(wanted: bool, key: KeyPath, value: Data) -> Vec<Edit> {
    let set = Edit::Set { key, value, raw: None };
    if wanted { vec![set] } else { Vec::new() }
}

fn moves(wanted: &Move, model: &Data) -> Result<Vec<Edit>, ConfigError> {
    let mut edits = Vec::new();
    for (from, gaps) in wanted.from.matches(model) {
        if let Some(to) = wanted.to.filled(&gaps)
            && to != from
        {
            edits.push(Edit::Move { from, to });
        }
    }
    Ok(edits)
}

fn transformed(key: &KeyPath, functions: &[Function], format: Format, model: &Data) -> Result<Vec<Edit>, ConfigError> {
    let Some(old) = model.get(key)? else {
        return Ok(Vec::new());
    };
    let mut now = old.clone();
    for function in functions {
        now = function.apply(&now).map_err(|reason| ConfigError::Transform {
            key: key.clone(),
            reason,
        })?;
    }
    let now = format.value(&now);
    Ok(set_if(now != *old, key.clone(), now))
}

fn list<'m>(model: &'m Data, key: &KeyPath) -> Result<Option<&'m Vec<Data>>, ConfigError> {
    match model.get(key)? {
        None => Ok(None),
        Some(Data::Array(items)) => Ok(Some(items)),
        Some(_) => Err(ConfigError::Unsupported {
            action: "change the list",
            key: key.clone(),
            reason: "it is not a list",
        }),
    }
}

fn noted(note: &Note, format: Format, model: &Data) -> Result<Lowered, ConfigError> {
    let is_meant = match &note.condition {
        None => true,
        Some(key) => model.get(&format.key(key))?.is_some(),
    };
    Ok(Lowered {
        edits: Vec::new(),
        note: is_meant.then(|| note.text.clone()),
    })
}

fn check(require: &Require, format: Format, model: &Data) -> Result<(), ConfigError> {
    let found = model.get(&format.key(&require.key))?;
    let is_fine = match found {
        None => require.absent,
        Some(_) if require.absent => false,
        Some(now) => require.one_of.is_empty() || require.one_of.iter().any(|value| format.value(value) == *now),
    };
    if is_fine {
        return Ok(());
    }
    Err(ConfigError::Required {
        key: require.key.clone(),
        found: match found {
            None => "absent".to_owned(),
            Some(_) if require.absent => "there".to_owned(),
            Some(_) => "not one of the values it may have".to_owned(),
        },
        message: require.message.clone(),
    })
}
