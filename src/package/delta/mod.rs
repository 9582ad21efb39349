//! Patches: from the tree of one exact release to that of another.
//!
//! A patch is [`MAGIC`] and one zstd frame. In it: a [`PatchHeader`] with its length before it, then groups, then an empty group.
//! A group is the lengths of four streams and the streams:
//!
//! - *steps*: for each file which old file it is made of (0 for none, else its place in the old list and 1), then until the file
//!   has its size how many bytes are copied, how many are added, and, when any are copied, how far to jump in the old file first;
//! - *gaps*: how many copied bytes are equal, then how many differ;
//! - *values*: by how much the differing ones differ;
//! - *extra*: the bytes that are added.
//!
//! Numbers are written seven bits a byte, the lowest first; a jump has its sign in the lowest bit. The manifest of the new release
//! comes first, made of the one in the old tree (which counts as old file 0). Of the files in its list only those come whose digest
//! no old file has: what is unchanged or only renamed is taken from the old tree and needs no word in the patch.
//!
//! Nothing of the result is believed before its digest is that of the list. A patch that was damaged, or meets a tree that is
//! not the one it was made from, therefore ends in an error, and with the new tree removed.

mod apply;
#[cfg(test)]
mod attacks;
mod index;
mod make;
mod moves;
mod read;
mod similar;
mod write;

use serde::{Deserialize, Serialize};

pub use apply::{apply_patch, apply_patch_as, read_patch_header};
pub use make::{Counts, MadePatch, Making, make_patch};

use crate::crypt::Digest;
use crate::release::{Platform, ProductName};
use crate::version::Version;

/// How every patch begins.
const MAGIC: &[u8; 8] = b"NLPATCH\x01";

/// The most bytes of a header.
const HEADER_LIMIT: u64 = 64 << 10;

/// Between which releases a patch leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchHeader {
    pub product: ProductName,
    pub from: Version,
    pub to: Version,
    pub platform: Platform,
    /// Of the manifest of the release it starts from; with it of every file there.
    pub base: Digest,
    /// Bytes of the manifest of the release it leads to.
    pub manifest_size: u64,
    pub manifest: Digest,
}
