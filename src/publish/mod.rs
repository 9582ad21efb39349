//! The publisher's side: a repository of static files, its keys, and what is signed into it.

mod add;
mod advise;
mod bundle;
mod change;
mod client;
mod difference;
mod import;
mod init;
mod keys;
mod list;
mod patch;
mod products;
mod repository;
mod send;
mod settings;
mod skeleton;
mod verify;
mod whole;

use std::io;
use std::path::PathBuf;

pub use add::{Inspected, Published, Publishing, publish};
pub use advise::{Advice, AdviceError, Advised, advise};
pub use bundle::{BundleError, Bundled, Wanted, bundle};
pub use change::{Changed, KeyChange, KeysReport, change_keys, renew, show, sign, timestamp};
pub use difference::{Difference, difference};
pub use import::{ImportError, Imported, Wanted as ImportWanted, import, offers};
pub use init::{Arrangement, InitOptions, MadeRepository, init};
pub use keys::{Keys, create as create_key};
pub use list::{Listed, ListedRelease, list};
pub use patch::{Making, PatchOptions, PatchOutcome, Patched, Patches, patch};
pub use repository::{Outcome, Waiting, discard};
pub use send::{Looking, SendError, Sent, send};
pub use skeleton::{Begun, SkeletonError, begin};
pub use verify::{RepositoryReport, verify};

use jiff::Timestamp;

use crate::crypt::KeyError;
use crate::disk::DiskError;
use crate::package::PackageError;
use crate::release::{Catalog, Platform, ProductName};
use crate::tuf::{Role, TufError};
use crate::version::Version;

/// What planning says of the releases of a product: warnings about one of them or, without a version, about all; an error where no
/// operator could plan over them.
pub type Judge<'a> = &'a dyn Fn(&ProductName, &Catalog, Option<&Version>) -> Result<Vec<String>, String>;

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
    #[error(transparent)]
    Skeleton(#[from] SkeletonError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Source(#[from] PackageError),
    #[error("the key {}", path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: KeyError,
    },
    #[error("{} is there already; a repository and its keys are made once", .0.display())]
    AlreadyThere(PathBuf),
    #[error(
        "the keys would lie in {}, which is in the repository {}: whoever reads it would have them; name a folder elsewhere with `--keys`",
        keys.display(), repository.display()
    )]
    KeysInside { keys: PathBuf, repository: PathBuf },
    #[error(
        "none of the keys in {folders} signs what is to be signed; `netlink release keys show` lists those that do"
    )]
    NoneOfOurs { folders: String },
    #[error(
        "{} is not metadata/1.root.json of this repository, and whoever trusts it would trust another; copy that over it", .0.display()
    )]
    OtherRoot(PathBuf),
    #[error("{} is not a repository; make one with `netlink release init`", .0.display())]
    NotARepository(PathBuf),
    #[error("{} has mode {mode:o}: others could read the key; run `chmod 600 {}`", path.display(), path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} has mode {mode:o}: others could change what signs; run `chmod go-w {}`", path.display(), path.display())]
    Changeable { path: PathBuf, mode: u32 },
    #[error("{} is not a public key: expected PEM (`BEGIN PUBLIC KEY`) of an Ed25519, P-256 or RSA key", .0.display())]
    PublicKey(PathBuf),
    #[error("{} has no public half beside it; put the key's public half there, as {}", .0.display(), .0.with_extension("pub").display())]
    NoPublicHalf(PathBuf),
    #[error("{} is not the private half of {}; put the right one there, or remove it", .0.display(), .0.with_extension("pub").display())]
    OtherHalf(PathBuf),
    #[error("{} holds too many files to be a folder of keys", .0.display())]
    NotAKeyFolder(PathBuf),
    #[error("{count} keys have an id that begins with `{id}`; `netlink release keys show` lists them")]
    NotOneKey { id: String, count: usize },
    #[error(
        "no private key of `{0}` is in the folders given with `--keys`; for a key of a signer command, add the new one and revoke the old one"
    )]
    NotAtHand(String),
    #[error("{} is not the settings of a repository: {reason}; mend or remove it", path.display())]
    Settings { path: PathBuf, reason: String },
    #[error("{} is not there; name the draft.json of a copy of the repository", .0.display())]
    NoCopy(PathBuf),
    #[error("no draft waits for signatures")]
    NoDraft,
    #[error("the draft is another than the one that was shown; look at it again with `netlink release sign`")]
    DraftChanged,
    #[error(
        "the package is of the product {product}, and the repository has releases of {known}{}; a repository of several products takes it with `--new-product`",
        nearest.as_ref().map_or_else(String::new, |name| format!(": is {name} meant?"))
    )]
    AnotherProduct {
        product: ProductName,
        known: String,
        nearest: Option<String>,
    },
    #[error("no operator could plan over these releases: {0}")]
    Unplannable(String),
    #[error(
        "{role} expired {expires:.0}, and clients would refuse what hangs on it; run `netlink release renew {role}` with its keys first"
    )]
    Expired { role: Role, expires: Timestamp },
    #[error("another process has been changing {} for a minute; try again", .0.display())]
    Busy(PathBuf),
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
