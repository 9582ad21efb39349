//! Migrations of configuration files. Edits are cuts and pastes in the text, so that comments, order and the user's own values
//! stay; each is checked against a plain model of what the file says, and refused when the text would not hold it.

mod data;
mod diff;
mod edit;
mod error;
mod files;
mod format;
mod inverse;
mod key;
mod merge;
mod ops;
mod outline;
mod schema;
mod secrets;
#[cfg(test)]
mod tests;
mod text;
mod toml;

pub use data::Data;
pub use diff::diff;
pub use error::ConfigError;
pub use files::{Migration, Migrations};
pub use format::Format;
pub use inverse::{Applied, Inverse, apply, invert};
pub use key::KeyPath;
pub use merge::{Conflict, Merged, Merging, Side, brought_forward, merge};
pub use ops::Op;
pub use schema::violations;
pub use secrets::Secrets;

/// Whether the text is of its format; the error names `file`, line and column.
pub fn check(format: Format, file: &str, text: &str) -> Result<(), ConfigError> {
    format.data(file, text).map(drop)
}

/// The single value at a dotted key, as plain text; none when it is absent.
pub fn value_at(format: Format, text: &str, key: &str) -> Result<Option<String>, ConfigError> {
    let key: KeyPath = key.parse()?;
    let Some(data) = format.data("the configuration", text)? else {
        return Err(ConfigError::NoOperations { action: "read a key" });
    };
    match data.get(&format.key(&key))? {
        None => Ok(None),
        Some(Data::Scalar(_, value)) => Ok(Some(value.clone())),
        Some(Data::Table(_) | Data::Array(_)) => Err(ConfigError::NotAScalar { key }),
    }
}
