//! A day in front matter, quoted or as TOML has it.

use std::fmt;

use jiff::civil::Date;
use serde::de::{MapAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer, de};

#[allow(clippy::ref_option)] // as serde calls it
pub(super) fn serialize<S: Serializer>(date: &Option<Date>, to: S) -> Result<S::Ok, S::Error> {
    date.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    from.deserialize_any(Day).map(Some)
}

struct Day;

impl<'de> Visitor<'de> for Day {
    type Value = Date;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date such as 2024-01-02")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Date, E> {
        let wrong = |_| {
            E::custom(format_args!(
                "`{}` is not a date such as 2024-01-02",
                text.escape_debug()
            ))
        };
        // Only the day: jiff would also read longer texts.
        text.parse().map_err(wrong).and_then(|date: Date| {
            if text.len() == 10 {
                Ok(date)
            } else {
                Err(E::custom("a day without time of day, such as 2024-01-02, was expected"))
            }
        })
    }

    /// TOML's own dates come as a map of one hidden key.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Date, A::Error> {
        match map.next_entry::<String, String>()? {
            Some((_, text)) => self.visit_str(&text),
            None => Err(de::Error::custom("a date such as 2024-01-02 was expected")),
        }
    }
}
