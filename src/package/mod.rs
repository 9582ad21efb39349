//! Release packages: pack, unpack, verify a tree against its manifest.
//!
//! A package is one zstd frame around a tar stream: `netlink-release.json` first, then every file and link of its list in the
//! list's order. The list determines each tar header to the byte, so reading compares instead of interpreting: whatever packing
//! would not have written is refused.

mod base;
mod check;
mod delta;
mod entry;
mod foreign;
mod list;
mod names;
mod needs;
mod pack;
mod place;
mod source;
mod staged;
mod taking;
mod unpack;

use std::io;
use std::path::{Path, PathBuf};

pub use check::check_package;
pub use delta::{Counts, MadePatch, Making, PatchHeader, apply_patch, apply_patch_as, make_patch, read_patch_header};
pub use foreign::{ForeignOptions, UnpackedForeign, unpack_foreign};
pub use pack::{Packed, Packing, pack};
pub use source::{read_source, source_fault};
pub use staged::{Staged, TreeReport, looks_whole, manifest_of, verify_tree};
pub use taking::Manner;
pub use unpack::{Expect, manifest_digest, manifest_in, read_manifest, unpack, unpack_as};

use crate::disk;

/// Folder of default configuration files in a release tree.
pub const CONFIG_DEFAULTS: &str = "config";

/// The publisher's description of a release, at the top of the tree to be packed.
pub const SOURCE_NAME: &str = "release.toml";

/// The most bytes a manifest may have.
const MANIFEST_LIMIT: u64 = 16 << 20;

/// The largest zstd window, as a power of two: bounds the memory that unpacking takes.
const WINDOW_LOG: u32 = 25;

#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    #[error(transparent)]
    Disk(#[from] disk::DiskError),
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// `place` is the file, with the line and the key where they are known.
    #[error("{place}: {problem}")]
    Source { place: String, problem: String },
    #[error("`{path}` cannot be part of a release: {problem}")]
    Unpackable { path: String, problem: String },
    #[error("`{path}` changed while it was being packed; pack again when nothing writes to the tree")]
    ChangedWhilePacked { path: String },
    #[error("the package is refused: {problem}")]
    Refused { problem: String },
    #[error("the package cannot be read to its end")]
    Unreadable(#[source] io::Error),
    #[error("the component's archive is refused: {problem}")]
    ForeignRefused { problem: String },
    #[error("the component's archive cannot be read to its end")]
    ForeignUnreadable(#[source] io::Error),
    #[error("the patch is refused: {problem}")]
    PatchRefused { problem: String },
    #[error("the patch cannot be read to its end")]
    PatchUnreadable(#[source] io::Error),
    #[error("the patch does not fit the installed release: {problem}")]
    PatchBase { problem: String },
    #[error("the package is not the announced one: its {what} is {found}, announced was {expected}")]
    NotAnnounced {
        what: &'static str,
        expected: String,
        found: String,
    },
    #[error("the release manifest in {} is not valid: {problem}", path.display())]
    Manifest { path: PathBuf, problem: String },
    #[error("the release in {} is not as it was published: {report}", dir.display())]
    Damaged { dir: PathBuf, report: TreeReport },
}

fn io_at<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T, PackageError> {
    result.map_err(|source| PackageError::Io {
        action,
        path: path.to_path_buf(),
        source,
    })
}

fn refused(problem: impl Into<String>) -> PackageError {
    PackageError::Refused {
        problem: problem.into(),
    }
}
