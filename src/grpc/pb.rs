//! The messages and the service of `proto/netlink/update/v1/upgrade.proto`, as a test makes them out of it (`tests/it/rpc/made.rs`).

#![allow(clippy::all, clippy::pedantic, missing_docs)]

include!("../../proto/made/netlink.update.v1.rs");

/// The same as a description, for reflection.
pub const DESCRIPTION: &[u8] = include_bytes!("../../proto/made/netlink.update.v1.bin");
