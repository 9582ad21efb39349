//! Bytes from a folder, a bundle, a web server or an object store: mirrors, resumption, limits, verification.

mod bucket;
mod bundle;
mod download;
mod error;
mod foreign;
mod forget;
mod http;
mod limits;
mod location;
mod meter;
mod pace;
mod part;
mod post;
mod proxy;
pub mod remote;
mod resume;
mod several;
mod small;
mod sources;
pub mod store;
#[cfg(test)]
mod tests;
mod trust;

pub use bundle::names_in_bundle;
pub use download::{Expected, download};
pub use error::FetchError;
pub use foreign::{ANY, Page, download_unverified, length_of, read_page, sources};
pub use forget::forget;
pub use limits::Limits;
pub use location::{Location, LocationError};
pub use part::Progress;
pub use post::{PostError, Posting, post};
pub use proxy::Proxies;
pub use several::several;
pub use small::{read_named, read_small};
pub use sources::{Network, Sources};
