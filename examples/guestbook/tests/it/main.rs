//! Drives the three programs from outside, on databases made from the very migration files that are released.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod migrations;
mod refusals;
mod releases;
mod serving;
