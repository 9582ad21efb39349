//! What a tree of a component says of itself: which version, from where, by what it was known to be right, and every file.

use serde::{Deserialize, Serialize};

use crate::crypt::Digest;
use crate::release::{FileEntry, Platform, ProductName};
use crate::version::Dotted;

/// The name of the manifest in the tree.
pub const COMPONENT_NAME: &str = "netlink-component.json";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentManifest {
    pub name: ProductName,
    pub version: Dotted,
    pub platform: Platform,
    pub url: String,
    pub length: u64,
    pub sha256: Digest,
    /// The address of the checksums; none when nothing vouched for the file.
    pub checked_against: Option<String>,
    /// Every file and link but the manifest itself, sorted by path.
    pub files: Vec<FileEntry>,
}
