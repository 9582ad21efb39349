//! What a TOML file says, without how it says it: the plain model that every edit of the text is measured by.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item, Value};

use super::ConfigError;
use super::error::position;
use super::key::KeyPath;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Table(BTreeMap<String, Data>),
    Array(Vec<Data>),
    /// Its type and text.
    Scalar(&'static str, String),
}

pub(super) fn parse(file: &str, text: &str) -> Result<DocumentMut, ConfigError> {
    text.parse().map_err(|e: toml_edit::TomlError| {
        let (line, column) = position(text, e.span().map_or(0, |span| span.start));
        ConfigError::Syntax {
            file: file.to_owned(),
            line,
            column,
            reason: e.message().lines().collect::<Vec<_>>().join(", "),
        }
    })
}

impl Data {
    pub(super) fn of_text(text: &str) -> Result<Self, ConfigError> {
        Ok(Self::of_item(parse("the configuration", text)?.as_item()))
    }

    fn of_item(item: &Item) -> Self {
        match item {
            Item::None => Self::Table(BTreeMap::new()),
            Item::Value(value) => Self::of_value(value),
            Item::Table(table) => Self::Table(table.iter().map(|(k, v)| (k.to_owned(), Self::of_item(v))).collect()),
            Item::ArrayOfTables(tables) => {
                Self::Array(tables.iter().map(|t| Self::of_item(&Item::Table(t.clone()))).collect())
            }
        }
    }

    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Scalar("string", text.value().clone()),
            Value::Integer(number) => Self::Scalar("integer", number.value().to_string()),
            Value::Float(number) => Self::Scalar("float", number.value().to_string()),
            Value::Boolean(flag) => Self::Scalar("boolean", flag.value().to_string()),
            Value::Datetime(time) => Self::Scalar("datetime", time.value().to_string()),
            Value::Array(array) => Self::Array(array.iter().map(Self::of_value).collect()),
            Value::InlineTable(table) => {
                Self::Table(table.iter().map(|(k, v)| (k.to_owned(), Self::of_value(v))).collect())
            }
        }
    }

    /// `None` when absent; an error when the way there leads through something that is not a table.
    pub(super) fn get(&self, key: &KeyPath) -> Result<Option<&Self>, ConfigError> {
        let mut here = self;
        for (depth, part) in key.parts().iter().enumerate() {
            let Self::Table(table) = here else {
                return Err(ConfigError::NotATable {
                    key: key.clone(),
                    through: KeyPath::of(&key.parts()[..depth]),
                });
            };
            match table.get(part) {
                Some(next) => here = next,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    pub(super) fn take(&mut self, key: &KeyPath) -> Option<Self> {
        let mut here = self;
        for part in key.parent() {
            let Self::Table(table) = here else { return None };
            here = table.get_mut(part)?;
        }
        match here {
            Self::Table(table) => table.remove(key.last()),
            _ => None,
        }
    }

    pub(super) fn put(&mut self, key: &KeyPath, value: Self) -> Result<(), ConfigError> {
        let mut here = self;
        for (depth, part) in key.parent().iter().enumerate() {
            let Self::Table(table) = here else {
                return Err(not_a_table(key, depth));
            };
            here = table
                .entry(part.clone())
                .or_insert_with(|| Self::Table(BTreeMap::new()));
        }
        let Self::Table(table) = here else {
            return Err(not_a_table(key, key.len() - 1));
        };
        table.insert(key.last().to_owned(), value);
        Ok(())
    }

    /// Without empty tables: dotted keys leave none behind, headers do, and neither way says anything else.
    pub(super) fn pruned(self) -> Self {
        let Self::Table(table) = self else { return self };
        let kept = table.into_iter().map(|(key, value)| (key, value.pruned()));
        Self::Table(
            kept.filter(|(_, value)| !matches!(value, Self::Table(t) if t.is_empty()))
                .collect(),
        )
    }
}

fn not_a_table(key: &KeyPath, depth: usize) -> ConfigError {
    ConfigError::NotATable {
        key: key.clone(),
        through: KeyPath::of(&key.parts()[..depth]),
    }
}
