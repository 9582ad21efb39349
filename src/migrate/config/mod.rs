//! Migrations of TOML configuration. Edits are cuts and pastes in the text, so that comments, order and the user's own values
//! stay; each is checked against a plain model of what the file says, and refused when the text would not hold it.

mod block;
mod data;
mod edit;
mod error;
mod files;
mod inline;
mod inverse;
mod key;
mod layout;
mod literal;
mod place;
#[cfg(test)]
mod properties;
mod spot;
#[cfg(test)]
mod tests;
mod undo;

pub use error::ConfigError;
pub use files::{Change, Delete, Migration, Migrations, Op, Rename, SetDefault};
pub use inverse::{Inverse, apply, invert};
pub use key::KeyPath;
pub use literal::Literal;

use data::Data;

/// Whether the text is TOML; the error names `file`, line and column.
pub fn check(file: &str, text: &str) -> Result<(), ConfigError> {
    data::parse(file, text).map(drop)
}

/// The single value at a dotted key, as plain text; none when it is absent.
pub fn value_at(text: &str, key: &str) -> Result<Option<String>, ConfigError> {
    let key: KeyPath = key.parse()?;
    match Data::of_text(text)?.get(&key)? {
        None => Ok(None),
        Some(Data::Scalar(_, value)) => Ok(Some(value.clone())),
        Some(Data::Table(_) | Data::Array(_)) => Err(ConfigError::NotAScalar { key }),
    }
}
