//! Migrations of configuration, schema and dependencies.

pub mod config;
pub mod deps;
pub mod schema;
