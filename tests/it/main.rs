//! Drives the real binary against real files, servers and products.
#![allow(clippy::disallowed_methods)]

mod package;
