//! Drives the real binary against real files, servers and products.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bounds;
mod caddy;
mod package;
mod target;
mod tidy;
mod world;
