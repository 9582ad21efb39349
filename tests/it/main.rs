//! Drives the real binary against real files, servers and products.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod advisory;
mod backup;
mod backup_keys;
mod backup_rotation;
mod bounds;
mod bundle;
mod caddy;
mod calendar;
mod changelog;
mod component;
mod config;
mod confinement;
mod consent;
mod deps;
mod doctor;
mod extensions;
mod faults;
mod fetching;
mod handed_on;
mod journey;
mod keeping;
mod keys;
mod notices;
mod outlook;
mod own_migrations;
mod package;
mod patching;
mod planning;
mod publisher_sweep;
mod publishing;
mod relay;
mod release_toml;
mod repair;
mod rest;
mod rpc;
mod scene;
mod schema;
mod schema_phases;
mod sending;
mod servers;
mod settings_shown;
mod shown;
mod stack;
mod stores;
mod strategy;
mod sweep;
mod target;
mod tidy;
mod tuf;
mod webrepo;
mod world;
