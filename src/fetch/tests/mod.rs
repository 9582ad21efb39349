//! Small files and downloads, against a server that misbehaves.
#![allow(clippy::disallowed_methods)]

mod downloads;
mod local;
mod mirrors;
mod server;
mod several;
mod small;

use std::time::Duration;

use super::{Limits, Network, Sources};

/// Long enough for a busy machine, with hardly a pause between tries.
const QUICK: Limits = Limits {
    connect: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    whole: Duration::from_secs(30),
    whole_from_store: Duration::from_secs(30),
    lowest_speed: 1,
    tries: 3,
    pause: Duration::from_millis(10),
    resume_from: 1 << 20,
};

/// A repository with mirrors, asked with these limits.
fn sources(limits: Limits, addresses: &[&str]) -> Sources {
    let mut places = addresses.iter().map(|address| address.parse().unwrap());
    let network = Network {
        limits,
        ..Network::default()
    };
    Sources::new(places.next().unwrap(), places.collect(), network)
}
