//! The publisher's side: a repository of static files, its keys, and what is signed into it.

mod add;
mod advise;
mod bundle;
mod keys;
mod list;
mod patch;
mod products;
mod repository;
mod verify;

use std::io;
use std::path::PathBuf;

pub use add::{Inspected, Published, publish};
pub use advise::{Advice, AdviceError, advise};
pub use bundle::{BundleError, Bundled, Wanted, bundle};
pub use keys::need_passphrase;
pub use list::{Listed, ListedRelease, list};
pub use patch::{Making, Outcome, PatchOptions, Patched, patch};
pub use repository::{InitOptions, init, timestamp};
pub use verify::{RepositoryReport, verify};

use crate::crypt::KeyError;
use crate::disk::DiskError;
use crate::package::PackageError;
use crate::release::Platform;
use crate::tuf::TufError;
use crate::version::Version;

/// Folder of signed metadata below a repository.
const METADATA: &str = "metadata";
/// The publisher's first root of trust, for operators, beside the metadata.
const ROOT_COPY: &str = "root.json";

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Tuf(#[from] TufError),
    #[error(transparent)]
    Advice(#[from] AdviceError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("the key {}", path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: KeyError,
    },
    #[error("{} is there already; a repository and its keys are made once", .0.display())]
    AlreadyThere(PathBuf),
    #[error("{} is not a repository; make one with `netlink release init`", .0.display())]
    NotARepository(PathBuf),
    #[error("{} has mode {mode:o}: others could read the key; run `chmod 600 {}`", path.display(), path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{target} of the repository is not as it was signed: {problem}")]
    Target { target: String, problem: String },
    #[error("there is no {missing} to make a patch of; {there}")]
    NothingToPatch { missing: String, there: String },
    #[error("cannot make the patch from {from} to {to} for {platform}")]
    Patch {
        from: Version,
        to: Version,
        platform: Platform,
        #[source]
        source: PackageError,
    },
    #[error("{target} of the repository cannot be used")]
    Package {
        target: String,
        #[source]
        source: PackageError,
    },
}
