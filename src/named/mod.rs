//! Reads records out of JSON and TOML by the names of their fields alone. What serde derives takes a list in place of a record as
//! well, value by value in the order in which the fields happen to stand in the code; nobody who writes such a file means that. What is told apart by a tag within
//! it (`kind = "…"`) serde reads by itself first; such records are not looked at here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

mod reader;

use reader::{Named, Place};

/// A whole document.
pub fn from_json<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> serde_json::Result<T> {
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let read = T::deserialize(Named::new(&mut document, Place::Anything))?;
    document.end()?;
    Ok(read)
}

/// A value that was read before.
pub fn from_json_value<T: DeserializeOwned>(value: serde_json::Value) -> serde_json::Result<T> {
    by_name(value)
}

pub fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, toml_edit::de::Error> {
    by_name(toml_edit::de::Deserializer::parse(text)?)
}

fn by_name<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(Named::new(from, Place::Anything))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        more: BTreeMap<String, Inner>,
        #[serde(default)]
        perhaps: Option<Box<Inner>>,
        #[serde(default)]
        pair: Option<(u8, String)>,
        #[serde(default)]
        way: Option<Way>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        size: u32,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Way {
        Up,
        To(Inner),
        Between { from: u8, to: u8 },
    }

    #[test]
    fn what_stands_by_its_name_is_read_as_ever() {
        for text in [
            r#"{"name":"a"}"#,
            r#"{"name":"a","inner":[{"size":1},{"size":2}],"more":{"b":{"size":3}},"perhaps":{"size":4},"pair":[5,"c"]}"#,
            r#"{"name":"a","way":"up"}"#,
            r#"{"name":"a","way":{"to":{"size":1}},"perhaps":null}"#,
            r#"{"name":"a","way":{"between":{"from":1,"to":2}}}"#,
        ] {
            let expected: Outer = serde_json::from_str(text).unwrap();
            assert_eq!(from_json::<Outer>(text.as_bytes()).unwrap(), expected, "{text}");
            let value = serde_json::from_str(text).unwrap();
            assert_eq!(from_json_value::<Outer>(value).unwrap(), expected, "{text}");
        }
        let toml = "name = \"a\"\npair = [1, \"b\"]\n[[inner]]\nsize = 1\n[more.c]\nsize = 2\n[way.to]\nsize = 3\n";
        let expected: Outer = toml_edit::de::from_str(toml).unwrap();
        assert_eq!(from_toml::<Outer>(toml).unwrap(), expected);
    }

    #[test]
    fn a_list_in_place_of_a_record_is_refused_wherever_it_stands() {
        for text in [
            r#"["a"]"#,
            r#"{"name":"a","inner":[[1]]}"#,
            r#"{"name":"a","more":{"b":[1]}}"#,
            r#"{"name":"a","perhaps":[1]}"#,
            r#"{"name":"a","way":{"to":[1]}}"#,
            r#"{"name":"a","way":{"between":[1,2]}}"#,
        ] {
            assert!(serde_json::from_str::<Outer>(text).is_ok(), "{text}");
            let refused = from_json::<Outer>(text.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains("fields by their names"), "{text}: {refused}");
        }
        for text in ["name = \"a\"\ninner = [[1]]\n", "name = \"a\"\nperhaps = [1]\n"] {
            assert!(toml_edit::de::from_str::<Outer>(text).is_ok(), "{text}");
            let refused = from_toml::<Outer>(text).unwrap_err().to_string();
            assert!(
                refused.contains("fields by their names") && refused.contains("line 2"),
                "{text}: {refused}"
            );
        }
    }

    #[test]
    fn a_document_ends_where_it_ends() {
        assert!(from_json::<Inner>(b"{\"size\":1} x").is_err());
    }
}
