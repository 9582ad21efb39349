//! Between TOML's values and the plain model.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Value};

use crate::migrate::config::ConfigError;
use crate::migrate::config::data::{Data, Kind};
use crate::migrate::config::error::position;

pub(super) fn parse(file: &str, text: &str) -> Result<DocumentMut, ConfigError> {
    text.parse().map_err(|e: toml_edit::TomlError| {
        let (line, column) = position(text, e.span().map_or(0, |span| span.start));
        ConfigError::Syntax {
            file: file.to_owned(),
            format: "TOML",
            line,
            column,
            reason: e.message().lines().collect::<Vec<_>>().join(", "),
        }
    })
}

pub(super) fn of_item(item: &Item) -> Data {
    match item {
        Item::None => Data::empty(),
        Item::Value(value) => of_value(value),
        Item::Table(table) => Data::Table(table.iter().map(|(k, v)| (k.to_owned(), of_item(v))).collect()),
        Item::ArrayOfTables(tables) => Data::Array(tables.iter().map(|t| of_item(&Item::Table(t.clone()))).collect()),
    }
}

pub(super) fn of_value(value: &Value) -> Data {
    match value {
        Value::String(text) => Data::text(text.value().clone()),
        Value::Integer(number) => Data::integer(*number.value()),
        Value::Float(number) => Data::float(*number.value()),
        Value::Boolean(flag) => Data::boolean(*flag.value()),
        Value::Datetime(time) => Data::Scalar(Kind::Datetime, time.value().to_string()),
        Value::Array(array) => Data::Array(array.iter().map(of_value).collect()),
        Value::InlineTable(table) => Data::Table(table.iter().map(|(k, v)| (k.to_owned(), of_value(v))).collect()),
    }
}

/// As TOML writes it, on one line.
pub(super) fn written(data: &Data) -> Result<String, ConfigError> {
    Ok(to_value(data)?.to_string().trim().to_owned())
}

pub(super) fn to_value(data: &Data) -> Result<Value, ConfigError> {
    let cannot = |reason| ConfigError::Unwritable {
        value: data.to_string(),
        format: "TOML",
        reason,
    };
    Ok(match data {
        Data::Table(table) => {
            let mut inline = InlineTable::new();
            for (key, value) in table {
                inline.insert(key, to_value(value)?);
            }
            inline.into()
        }
        Data::Array(items) => items.iter().map(to_value).collect::<Result<Array, _>>()?.into(),
        Data::Scalar(Kind::String, text) => text.as_str().into(),
        Data::Scalar(Kind::Null, _) => return Err(cannot("it has no null")),
        Data::Scalar(Kind::Integer, text) => {
            let number = text.parse::<i64>();
            number
                .map_err(|_| cannot("the number is larger than it can hold"))?
                .into()
        }
        Data::Scalar(_, text) => text.parse().map_err(|_| cannot("it has no such value"))?,
    })
}
