//! Small files and downloads, against a server that misbehaves.
#![allow(clippy::disallowed_methods)]

mod downloads;
mod local;
mod server;
mod small;

use std::time::Duration;

use super::http::Limits;

/// Long enough for a busy machine, with hardly a pause between tries.
const QUICK: Limits = Limits {
    connect: Duration::from_secs(5),
    silence: Duration::from_secs(5),
    whole: Duration::from_secs(30),
    pause: Duration::from_millis(10),
};
