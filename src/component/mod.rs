//! Components that others publish: where a version of one lies, what its checksum is, which versions there are. Reads nothing
//! itself; whoever fetches gives the text.

mod choice;
mod manifest;
mod releases;
mod source;
mod sums;
mod template;

pub use choice::{Choice, Proof, choose};
pub use manifest::{COMPONENT_NAME, ComponentManifest};
pub use releases::{Asset, Offer, Offers};
pub use source::{ArchiveKind, Source, SourceError, SourceLimits};
pub use sums::{SumsError, sum_of};
pub use template::{Template, TemplateError, Values};

use crate::release::Platform;
use crate::version::Dotted;

#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    #[error("the list of releases is not one: {0}; check `releases` in the source")]
    Releases(String),
    #[error("{version} is not among the {count} releases that are offered; `--list` shows them")]
    NoVersion { version: Dotted, count: usize },
    #[error("{version} has no file `{name}`; it has {there}; check `asset`, `os` and `arch` in the source")]
    NoAsset {
        version: Dotted,
        name: String,
        there: String,
    },
    #[error("the list of releases gives no SHA-256 of `{0}`; name a file of checksums with `checksums` in the source")]
    NoDigest(String),
    #[error("the source is for one system at a time: name a platform such as linux-x86_64 instead of `{0}`")]
    Platform(Platform),
    #[error("`{0}` has no file name at its end; check `url` in the source")]
    NoName(String),
    #[error("the checksums: {0}")]
    Sums(#[from] SumsError),
}
