//! What an address is asked with behind its `?`: what is wrong there is said by the name of the parameter, with what it takes.

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev, web};
use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::problem::Problem;

/// The parameters of a request.
pub struct Asked<T>(T);

impl<T> Asked<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Asked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Asked<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(read(request.query_string()).map(Self).map_err(Problem::malformed))
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(query);
    let pairs = pairs.map_err(|_| "what is behind the `?` is not `name=value&…`".to_owned())?;
    let named = pairs.into_inner().into_iter().map(|(name, text)| {
        let value = Parameter {
            name: name.clone(),
            text,
        };
        (name, value)
    });
    T::deserialize(MapDeserializer::new(named)).map_err(|Wrong(why)| why)
}

#[derive(Debug)]
struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("there is no parameter `{name}` here, but {}", listed(expected)))
    }

    fn unknown_variant(text: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("`{text}` is none of {}", listed(expected)))
    }

    fn missing_field(name: &'static str) -> Self {
        Self(format!("the parameter `{name}` is missing"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self(format!("the parameter `{name}` is there twice"))
    }
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// One of them, which knows its name when it is not as it should be.
struct Parameter {
    name: String,
    text: String,
}

impl Parameter {
    fn wrong(&self, takes: &str) -> Wrong {
        Wrong(format!("`{}` takes {takes}, not `{}`", self.name, self.text))
    }
}

impl IntoDeserializer<'_, Wrong> for Parameter {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let number = self.text.parse::<$number>();
            let takes = || self.wrong(&format!("a whole number up to {}", <$number>::MAX));
            visitor.$visit(number.map_err(|_| takes())?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Parameter {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let name = self.name;
        visitor
            .visit_string(self.text)
            .map_err(|Wrong(why)| Wrong(format!("`{name}`: {why}")))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.text.parse() {
            Ok(value) => visitor.visit_bool(value),
            Err(_) => Err(self.wrong("`true` or `false`")),
        }
    }

    whole_numbers! {
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_i64 visit_i64 i64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let Self { name, text } = self;
        let variant: de::value::StringDeserializer<Wrong> = text.into_deserializer();
        visitor
            .visit_enum(variant)
            .map_err(|Wrong(why)| Wrong(format!("`{name}`: {why}")))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        to: String,
        verb: Option<Verb>,
        #[serde(default)]
        full: bool,
        limit: Option<u16>,
        after: Option<i64>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Verb {
        Upgrade,
        Downgrade,
    }

    #[test]
    fn what_is_as_described_is_read() {
        let read: Wish = read("to=a%20b+c&verb=upgrade&full=true&limit=7&after=-1").unwrap();
        let expected = Wish {
            to: "a b c".into(),
            verb: Some(Verb::Upgrade),
            full: true,
            limit: Some(7),
            after: Some(-1),
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_not_is_said_by_its_name() {
        for (query, said) in [
            ("", "the parameter `to` is missing"),
            ("to=1&to=2", "the parameter `to` is there twice"),
            ("to=1&limit=abc", "`limit` takes a whole number up to 65535, not `abc`"),
            ("to=1&limit=-1", "`limit` takes a whole number up to 65535, not `-1`"),
            (
                "to=1&after=",
                "`after` takes a whole number up to 9223372036854775807, not ``",
            ),
            ("to=1&full=yes", "`full` takes `true` or `false`, not `yes`"),
            ("to=1&verb=up", "`verb`: `up` is none of `upgrade`, `downgrade`"),
            (
                "to=1&limitt=3",
                "there is no parameter `limitt` here, but `to`, `verb`, `full`, `limit`, `after`",
            ),
        ] {
            assert_eq!(read::<Wish>(query).unwrap_err(), said, "{query}");
        }
    }
}
