//! The few edits that all operations come to, and what each means for the plain model.

use super::ConfigError;
use super::data::Data;
use super::key::KeyPath;
use super::outline::Piece;

#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Also renames: a move within its table.
    Move {
        from: KeyPath,
        to: KeyPath,
    },
    /// Of a key that is absent. `raw` is how it was written once, to come back as it was.
    Insert {
        key: KeyPath,
        value: Data,
        comment: Option<String>,
        raw: Option<Piece>,
    },
    Set {
        key: KeyPath,
        value: Data,
        raw: Option<String>,
    },
    Remove {
        key: KeyPath,
        /// Its lines stay as a comment.
        keep: bool,
    },
    /// A key that was made a comment is one again.
    Uncomment {
        key: KeyPath,
        value: Data,
        comment: String,
        lines: String,
    },
    AddItem {
        key: KeyPath,
        item: Data,
        at: usize,
    },
    TakeItem {
        key: KeyPath,
        item: Data,
    },
}

impl Edit {
    /// Does it to the model. Nothing happens where there is nothing to do.
    pub(super) fn on(&self, model: &mut Data) -> Result<(), ConfigError> {
        match self {
            Self::Move { from, to } => self.move_on(model, from, to),
            Self::Insert { key, value, .. } | Self::Uncomment { key, value, .. } => match model.get(key)? {
                None => model.put(key, value.clone()),
                Some(_) => Ok(()),
            },
            Self::Set { key, value, .. } => {
                if let Some(old) = model.get_mut(key) {
                    *old = value.clone();
                }
                Ok(())
            }
            Self::Remove { key, .. } => {
                model.take(key);
                Ok(())
            }
            Self::AddItem { key, item, at } => {
                if let Some(Data::Array(items)) = model.get_mut(key) {
                    items.insert((*at).min(items.len()), item.clone());
                }
                Ok(())
            }
            Self::TakeItem { key, item } => {
                if let Some(Data::Array(items)) = model.get_mut(key)
                    && let Some(at) = items.iter().position(|other| other == item)
                {
                    items.remove(at);
                }
                Ok(())
            }
        }
    }

    fn move_on(&self, model: &mut Data, from: &KeyPath, to: &KeyPath) -> Result<(), ConfigError> {
        let both = || (from.clone(), to.clone());
        if from.is_within(to) || to.is_within(from) {
            let (from, to) = both();
            return Err(ConfigError::IntoItself { from, to });
        }
        if model.get(from)?.is_none() {
            return Ok(());
        }
        if model.get(to)?.is_some_and(|found| !found.is_empty_table()) {
            let (from, to) = both();
            return Err(ConfigError::Occupied { from, to });
        }
        match model.take(from) {
            Some(value) => model.put(to, value),
            None => Ok(()),
        }
    }
}
