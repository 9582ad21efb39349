//! How single edits are taken back in a text that was changed since: what the user did meanwhile wins.

use serde::{Deserialize, Serialize};

use super::Piece;
use crate::migrate::config::ConfigError;
use crate::migrate::config::data::{Data, exact};
use crate::migrate::config::edit::Edit;
use crate::migrate::config::key::KeyPath;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    MoveBack {
        from: KeyPath,
        to: KeyPath,
    },
    /// Only while it has this value.
    Remove {
        key: KeyPath,
        #[serde(with = "exact")]
        value: Data,
    },
    /// Only while it has the value `now`; of a list, what the user did to it is done to the old one.
    SetBack {
        key: KeyPath,
        #[serde(with = "exact")]
        now: Data,
        #[serde(with = "exact")]
        old: Data,
        raw: String,
    },
    /// Only when it is absent.
    PutBack {
        key: KeyPath,
        #[serde(with = "exact")]
        old: Data,
        piece: Piece,
    },
    Uncomment {
        key: KeyPath,
        #[serde(with = "exact")]
        old: Data,
        comment: String,
        lines: String,
    },
    TakeItem {
        key: KeyPath,
        #[serde(with = "exact")]
        item: Data,
    },
    PutItem {
        key: KeyPath,
        #[serde(with = "exact")]
        item: Data,
        at: usize,
    },
}

impl Undo {
    /// What there is to do in a configuration that says this.
    pub fn edits(&self, model: &Data) -> Result<Option<Edit>, ConfigError> {
        let edit = match self {
            Self::MoveBack { from, to } => {
                match (model.get(from)?, model.get(to)?.filter(|found| !found.is_empty_table())) {
                    (Some(_), None) => Some(Edit::Move {
                        from: from.clone(),
                        to: to.clone(),
                    }),
                    _ => None,
                }
            }
            Self::Remove { key, value } => {
                let same = model.get(key)? == Some(value);
                same.then(|| Edit::Remove {
                    key: key.clone(),
                    keep: false,
                })
            }
            Self::SetBack { key, now, old, raw } => {
                set_back(model.get(key)?, now, old).map(|(value, exactly)| Edit::Set {
                    key: key.clone(),
                    value,
                    raw: exactly.then(|| raw.clone()),
                })
            }
            Self::PutBack { key, old, piece } => absent(model, key)?.then(|| Edit::Insert {
                key: key.clone(),
                value: old.clone(),
                comment: None,
                raw: Some(piece.clone()),
            }),
            Self::Uncomment {
                key,
                old,
                comment,
                lines,
            } => absent(model, key)?.then(|| Edit::Uncomment {
                key: key.clone(),
                value: old.clone(),
                comment: comment.clone(),
                lines: lines.clone(),
            }),
            Self::TakeItem { key, item } => has(model, key, item)?.filter(|has| *has).map(|_| Edit::TakeItem {
                key: key.clone(),
                item: item.clone(),
            }),
            Self::PutItem { key, item, at } => has(model, key, item)?.filter(|has| !has).map(|_| Edit::AddItem {
                key: key.clone(),
                item: item.clone(),
                at: *at,
            }),
        };
        Ok(edit)
    }
}

/// The value to go back to, and whether it is exactly the old one.
fn set_back(found: Option<&Data>, now: &Data, old: &Data) -> Option<(Data, bool)> {
    match (found?, now, old) {
        (found, now, old) if found == now => Some((old.clone(), true)),
        (Data::Array(found), Data::Array(now), Data::Array(old)) => {
            let stays = |item: &&Data| found.contains(item) || !now.contains(item);
            let added = found.iter().filter(|item| !now.contains(item) && !old.contains(item));
            Some((
                Data::Array(old.iter().filter(stays).chain(added).cloned().collect()),
                false,
            ))
        }
        _ => None,
    }
}

fn absent(model: &Data, key: &KeyPath) -> Result<bool, ConfigError> {
    Ok(model.get(key)?.is_none_or(Data::is_empty_table))
}

fn has(model: &Data, key: &KeyPath, item: &Data) -> Result<Option<bool>, ConfigError> {
    Ok(match model.get(key)? {
        Some(Data::Array(items)) => Some(items.contains(item)),
        _ => None,
    })
}
