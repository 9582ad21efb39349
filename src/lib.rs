//! NetLink, a release manager for self-hosted products. ARCHITECTURE.md draws the rooms and which may use which.

pub mod app;
pub mod backup;
pub mod cli;
pub mod clock;
pub mod component;
pub mod crypt;
pub mod disk;
pub mod engine;
pub mod fetch;
pub mod git;
pub mod grpc;
pub mod host;
pub mod http;
pub mod journal;
pub mod migrate;
pub mod named;
pub mod notify;
pub mod package;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod relay;
pub mod release;
pub mod serving;
pub mod settings;
pub mod store;
pub mod target;
pub mod tls;
pub mod tuf;
pub mod version;

/// NetLink's own version, in its own scheme; its changelog is `changelogs/<version>.md`.
pub const VERSION: &str = "0a1";
