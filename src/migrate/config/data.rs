//! What a configuration says, without how it says it: the plain model that every edit of a text is measured by.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use super::ConfigError;
use super::key::KeyPath;

/// A value of any format. Tables are the same whatever the order of their keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Table(IndexMap<String, Data>),
    Array(Vec<Data>),
    Scalar(Kind, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    String,
    Integer,
    Float,
    Boolean,
    Datetime,
    Null,
}

impl Data {
    pub(super) fn empty() -> Self {
        Self::Table(IndexMap::new())
    }

    pub(super) fn null() -> Self {
        Self::Scalar(Kind::Null, String::new())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Scalar(Kind::String, text.into())
    }

    pub(super) fn integer(number: i64) -> Self {
        Self::Scalar(Kind::Integer, number.to_string())
    }

    /// A whole number stays one: `2.0` is not `2`.
    pub(super) fn float(number: f64) -> Self {
        Self::Scalar(Kind::Float, format!("{number:?}"))
    }

    pub(super) fn boolean(flag: bool) -> Self {
        Self::Scalar(Kind::Boolean, flag.to_string())
    }

    pub(super) fn is_empty_table(&self) -> bool {
        matches!(self, Self::Table(table) if table.is_empty())
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(Kind::Null, _))
    }

    /// `None` when absent; an error when the way there leads through something that is not a table. Nothing is in a table of
    /// which only the name is written.
    pub(super) fn get(&self, key: &KeyPath) -> Result<Option<&Self>, ConfigError> {
        let mut here = self;
        for (depth, part) in key.parts().iter().enumerate() {
            let table = match here {
                Self::Table(table) => table,
                empty if empty.is_null() => return Ok(None),
                _ => return Err(not_a_table(key, depth)),
            };
            match table.get(part) {
                Some(next) => here = next,
                None => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    pub(super) fn get_mut(&mut self, key: &KeyPath) -> Option<&mut Self> {
        let mut here = self;
        for part in key.parts() {
            let Self::Table(table) = here else { return None };
            here = table.get_mut(part)?;
        }
        Some(here)
    }

    pub(super) fn take(&mut self, key: &KeyPath) -> Option<Self> {
        let mut here = self;
        for part in key.parent() {
            let Self::Table(table) = here else { return None };
            here = table.get_mut(part)?;
        }
        match here {
            Self::Table(table) => table.shift_remove(key.last()),
            _ => None,
        }
    }

    pub(super) fn put(&mut self, key: &KeyPath, value: Self) -> Result<(), ConfigError> {
        let mut here = self;
        for (depth, part) in key.parts().iter().enumerate() {
            if here.is_null() {
                *here = Self::empty();
            }
            let Self::Table(table) = here else {
                return Err(not_a_table(key, depth));
            };
            here = table.entry(part.clone()).or_insert_with(Self::empty);
        }
        *here = value;
        Ok(())
    }

    /// Without empty tables: dotted keys leave none behind, headers do, and neither way says anything else.
    pub(super) fn pruned(self) -> Self {
        let Self::Table(table) = self else { return self };
        let kept = table.into_iter().map(|(key, value)| (key, value.pruned()));
        Self::Table(kept.filter(|(_, value)| !value.is_empty_table()).collect())
    }

    /// Also without names below which nothing is written: an empty table was such a name before there was something in it.
    pub(super) fn without_nothings(self) -> Self {
        let Self::Table(table) = self else { return self };
        let kept = table.into_iter().map(|(key, value)| (key, value.without_nothings()));
        Self::Table(
            kept.filter(|(_, value)| !value.is_empty_table() && !value.is_null())
                .collect(),
        )
    }

    /// Every value that is not a table, with the way to it.
    pub(super) fn leaves(&self) -> Vec<(KeyPath, &Self)> {
        let mut found = Vec::new();
        self.collect_leaves(&mut Vec::new(), &mut found);
        found
    }

    fn collect_leaves<'d>(&'d self, way: &mut Vec<String>, found: &mut Vec<(KeyPath, &'d Self)>) {
        match self {
            Self::Table(table) => {
                for (name, value) in table {
                    way.push(name.clone());
                    value.collect_leaves(way, found);
                    way.pop();
                }
            }
            leaf if !way.is_empty() => found.push((KeyPath::of(way), leaf)),
            _ => {}
        }
    }
}

fn not_a_table(key: &KeyPath, depth: usize) -> ConfigError {
    ConfigError::NotATable {
        key: key.clone(),
        through: KeyPath::of(&key.parts()[..depth]),
    }
}

/// One line, for messages.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(Kind::String | Kind::Datetime, text) => write!(f, "{text:?}"),
            Self::Scalar(Kind::Null, _) => f.write_str("null"),
            Self::Scalar(_, text) => f.write_str(text),
            Self::Array(_) | Self::Table(_) => f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?),
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Table(table) => {
                let mut map = serializer.serialize_map(Some(table.len()))?;
                for (key, value) in table {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Self::Scalar(kind, text) => scalar(*kind, text, serializer),
        }
    }
}

fn scalar<S: Serializer>(kind: Kind, text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match kind {
        Kind::Null => serializer.serialize_unit(),
        Kind::Boolean => serializer.serialize_bool(text == "true"),
        Kind::Integer => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => serializer.serialize_i64(number),
            (_, Ok(number)) => serializer.serialize_u64(number),
            _ => serializer.serialize_str(text),
        },
        Kind::Float => match text.parse::<f64>() {
            Ok(number) => serializer.serialize_f64(number),
            Err(_) => serializer.serialize_str(text),
        },
        Kind::String | Kind::Datetime => serializer.serialize_str(text),
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, true, false, null, a list or a map")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Data, E> {
        Ok(Data::boolean(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Data, E> {
        Ok(Data::integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Scalar(Kind::Integer, value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Data, E> {
        Ok(Data::float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Data, E> {
        Ok(Data::text(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Data, E> {
        Ok(Data::null())
    }

    fn visit_none<E: de::Error>(self) -> Result<Data, E> {
        Ok(Data::null())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        Data::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Data, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Data::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut table = IndexMap::new();
        while let Some((key, value)) = map.next_entry::<Name, Data>()? {
            if table.insert(key.0.clone(), value).is_some() {
                return Err(de::Error::custom(format!("the key `{}` is there twice", key.0)));
            }
        }
        Ok(Data::Table(table))
    }
}

/// A key: YAML has numbers and truths there too, and they are known by their text.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Name, E> {
        Ok(Name(value.to_owned()))
    }
}

/// For what is kept: JSON itself has neither dates nor endless numbers.
pub mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Data, Kind};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Exact {
        Table(Vec<(String, Exact)>),
        Array(Vec<Exact>),
        Scalar(Kind, String),
    }

    pub fn serialize<S: Serializer>(data: &Data, serializer: S) -> Result<S::Ok, S::Error> {
        exact(data).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        Exact::deserialize(deserializer).map(plain)
    }

    fn exact(data: &Data) -> Exact {
        match data {
            Data::Table(table) => Exact::Table(table.iter().map(|(key, value)| (key.clone(), exact(value))).collect()),
            Data::Array(items) => Exact::Array(items.iter().map(exact).collect()),
            Data::Scalar(kind, text) => Exact::Scalar(*kind, text.clone()),
        }
    }

    fn plain(exact: Exact) -> Data {
        match exact {
            Exact::Table(table) => Data::Table(table.into_iter().map(|(key, value)| (key, plain(value))).collect()),
            Exact::Array(items) => Data::Array(items.into_iter().map(plain).collect()),
            Exact::Scalar(kind, text) => Data::Scalar(kind, text),
        }
    }
}
