//! Migrations of configuration and schema.

pub mod config;
pub mod schema;
