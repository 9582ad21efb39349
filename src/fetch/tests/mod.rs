//! Small files and downloads, against a server that misbehaves.
#![allow(clippy::disallowed_methods)]

mod downloads;
mod local;
mod server;
mod small;

use std::time::Duration;

use super::http::Limits;

/// Short, so that waiting for them is cheap.
const QUICK: Limits = Limits {
    connect: Duration::from_secs(2),
    silence: Duration::from_millis(300),
    whole: Duration::from_secs(10),
    pause: Duration::from_millis(10),
};
