//! Bytes over file and http: resume, limits, verification.

mod download;
mod error;
mod http;
mod location;
mod part;
mod small;
#[cfg(test)]
mod tests;

pub use download::{Expected, download};
pub use error::FetchError;
pub use location::{Location, LocationError};
pub use small::{read_named, read_small};
