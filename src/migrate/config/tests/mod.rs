//! What users may have written in each format, migrated and taken back.

mod formats;
mod formats_properties;
mod lines_properties;
mod toml;
mod toml_properties;
