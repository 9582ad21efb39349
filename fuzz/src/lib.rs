//! What several targets ask of what they read.

pub mod versions;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The first line, and all that stands below it.
pub fn split(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// A message that points into a text must point at a character of it, or at its end.
pub fn points_into(text: &str, at: usize) {
    assert!(text.is_char_boundary(at), "byte {at} of {text:?}");
}

/// What is written as JSON is read as the same, and written the same again.
pub fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    let again: T = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
    assert_eq!(again, *value, "{json}");
    assert_eq!(serde_json::to_string(&again).unwrap(), json);
}
