//! JSON as signed metadata needs it: no duplicate keys, bounded depth, and one canonical form to sign (OLPC's).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Metadata is five or six levels deep; custom target fields may add a few.
pub(super) const MAX_DEPTH: usize = 32;

/// Parses a whole document. An object with the same key twice is an error, where serde_json would keep the last.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: MAX_DEPTH }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// The bytes that are signed and hashed: keys sorted, no white space, only `"` and `\` escaped. Fractions have no
/// canonical form.
pub fn canonical(value: &Value) -> Result<Vec<u8>, NotCanonical> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(out)
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the number {0} is not an integer and has no canonical form")]
pub struct NotCanonical(String);

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(n) if n.is_i64() || n.is_u64() => out.extend_from_slice(n.to_string().as_bytes()),
        Value::Number(n) => return Err(NotCanonical(n.to_string())),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            out.push(b'{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write(item, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` is there twice")));
            }
            map.insert(key, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_and_depth_are_refused() {
        assert!(parse_strict(br#"{"a":1,"b":{"a":2}}"#).is_ok());
        for bad in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"\u0061":2}}]"#, "{} {}", ""] {
            assert!(parse_strict(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse_strict("[".repeat(200).as_bytes()).is_err());
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        let refused = parse_strict(deep.as_bytes()).unwrap_err();
        assert!(refused.to_string().contains("deeper"), "{refused}");
    }

    #[test]
    fn the_canonical_form_is_sorted_tight_and_raw() {
        let value = parse_strict("{\"b\": [1, true, null], \"a\": \"x\\n\\\"\\\\é\"}".as_bytes()).unwrap();
        let expected = "{\"a\":\"x\n\\\"\\\\é\",\"b\":[1,true,null]}";
        assert_eq!(canonical(&value).unwrap(), expected.as_bytes());
        assert!(canonical(&serde_json::json!(1.5)).is_err());
    }

    #[test]
    fn canonical_vectors() {
        for (text, expected) in [
            ("{}", "{}"),
            ("[ ]", "[]"),
            (r#"{"A":[99],"a":[88]}"#, r#"{"A":[99],"a":[88]}"#),
            (r#"{"a":1,"A":2,"1":3,"":4}"#, r#"{"":4,"1":3,"A":2,"a":1}"#),
            // Sorted by code point, where UTF-16 would put the last first.
            ("{\"\u{1f600}\":1,\"\u{ffff}\":2}", "{\"\u{ffff}\":2,\"\u{1f600}\":1}"),
            (r#""\u0041\t\/""#, "\"A\t/\""),
            (r#""\ud83d\ude00""#, "\"\u{1f600}\""),
            (
                "[-1, 0, 18446744073709551615, -9223372036854775808]",
                "[-1,0,18446744073709551615,-9223372036854775808]",
            ),
        ] {
            let value = parse_strict(text.as_bytes()).unwrap();
            assert_eq!(canonical(&value).unwrap(), expected.as_bytes(), "{text}");
        }
        for no_integer in ["1e2", "-0", "0.0", "18446744073709551616"] {
            let value = parse_strict(no_integer.as_bytes()).unwrap();
            assert!(canonical(&value).is_err(), "{no_integer}");
        }
    }
}
