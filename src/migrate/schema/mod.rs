//! Migrations of schema.
