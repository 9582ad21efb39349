//! What a migration file may ask for.

mod lower;
mod pattern;
mod transform;

use serde::Deserialize;

use super::data::Data;
use super::key::KeyPath;

pub(super) use lower::{Lowered, lower};
pub use pattern::Pattern;
pub use transform::Function;

/// One change of a configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Renames or moves a key or table, also into a table that does not exist yet. Nothing to do when it is absent.
    Rename(Rename),
    /// As `rename`, of all keys that a pattern matches.
    Move(Move),
    /// Only when absent.
    SetDefault(SetDefault),
    /// Only when the value is one of the old ones.
    Change(Change),
    Delete(Delete),
    /// Makes another value of the one that is there.
    Transform(Transform),
    /// Puts an item at the end of a list that does not have it.
    Append(Item),
    /// Takes an item out of a list.
    RemoveItem(Item),
    /// Tells the operator something.
    Note(Note),
    /// Stops the update before it changes anything, unless the configuration is as it must be.
    Require(Require),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    pub from: KeyPath,
    pub to: KeyPath,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    pub from: Pattern,
    pub to: Pattern,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetDefault {
    pub key: KeyPath,
    pub value: Data,
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub key: KeyPath,
    pub from: Vec<Data>,
    pub to: Data,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    pub key: KeyPath,
    /// Its lines stay as a comment.
    #[serde(default)]
    pub keep_comment: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    pub key: KeyPath,
    /// Done one after the other.
    pub with: Vec<Function>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    pub key: KeyPath,
    pub item: Data,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    pub text: String,
    /// Only where this key is there.
    #[serde(rename = "if")]
    pub condition: Option<KeyPath>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Require {
    pub key: KeyPath,
    /// The values it may have; any when empty.
    #[serde(default)]
    pub one_of: Vec<Data>,
    /// It must not be there.
    #[serde(default)]
    pub absent: bool,
    /// What the operator should do about it.
    pub message: String,
}

impl Op {
    /// What is wrong with it whatever the configuration is.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Move(wanted) if !wanted.to.needs_at_most(wanted.from.gaps()) => {
                Err("`to` of a `move` names a part that no `*` of `from` stands for, or has a `*`".to_owned())
            }
            Self::Move(wanted) if !wanted.from.refers_to_nothing() => Err("`from` of a `move` has a `$`".to_owned()),
            Self::Require(require) if require.absent && !require.one_of.is_empty() => {
                Err("a `require` wants a key to be absent and to have a value".to_owned())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Rename(_) => "rename",
            Self::Move(_) => "move",
            Self::SetDefault(_) => "set_default",
            Self::Change(_) => "change",
            Self::Delete(_) => "delete",
            Self::Transform(_) => "transform",
            Self::Append(_) => "append",
            Self::RemoveItem(_) => "remove_item",
            Self::Note(_) => "note",
            Self::Require(_) => "require",
        }
    }
}
