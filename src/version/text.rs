//! Versions and constraints as text: read and written without copies.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::Visitor;

use super::VersionError;

/// Writes at once what has no width to fill, and through a copy what has one.
pub(super) fn padded(
    f: &mut fmt::Formatter<'_>,
    write: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    match f.width() {
        None => write(f),
        Some(_) => f.pad(&fmt::from_fn(write).to_string()),
    }
}

/// Reads what is written as text, without a copy of it.
pub(super) fn read_text<'de, D: Deserializer<'de>, T: FromStr<Err = VersionError>>(
    deserializer: D,
    what: &'static str,
) -> Result<T, D::Error> {
    struct Text<T>(&'static str, PhantomData<T>);
    impl<T: FromStr<Err = VersionError>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(what, PhantomData))
}
