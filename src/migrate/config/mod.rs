//! Migrations of config.
