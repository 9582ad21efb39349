//! What can go wrong with trust, said so that an operator knows who must act.

use std::error::Error;
use std::path::PathBuf;

use jiff::Timestamp;

use super::{Role, SignerError};
use crate::disk::DiskError;
use crate::release::{CatalogError, NameError};

/// A repository did not answer, or not within the limits.
#[derive(Debug, thiserror::Error)]
#[error("cannot get {name} from the repository")]
pub struct SourceError {
    name: String,
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl SourceError {
    pub fn new(name: &str, error: impl Error + Send + Sync + 'static) -> Self {
        Self {
            name: name.to_owned(),
            source: Box::new(error),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TufError {
    #[error(
        "no publisher is trusted here yet; run `netlink init --root-metadata FILE` (`netlink tuf … init FILE`) with the publisher's root metadata"
    )]
    NoRoot,
    #[error("{} holds no usable root metadata ({reason}); run `netlink init --root-metadata FILE` (`netlink tuf … init FILE`) again", path.display())]
    DamagedRoot { path: PathBuf, reason: String },
    #[error("no trusted {role} metadata is on this disk; the repository must be asked")]
    NotRefreshed { role: Role },
    #[error("another process has been updating {} for a minute; try again", path.display())]
    Busy { path: PathBuf },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(
        "the repository has no {name}; check that its address names the folder in which `metadata` and `targets` lie"
    )]
    Missing { name: String },
    #[error("{name} is longer than the {limit} bytes allowed for it")]
    TooLong { name: String, limit: u64 },
    #[error("the {role} metadata is malformed: {reason}")]
    Malformed { role: Role, reason: String },
    #[error(
        "{role} {version} carries {valid} of the {threshold} valid signatures that {by} asks for; it is not from the trusted publisher"
    )]
    Signatures {
        role: Role,
        version: u64,
        valid: usize,
        threshold: u64,
        by: String,
    },
    #[error(
        "{role} {offered} is older than {role} {trusted} seen before; the repository was set back, by an attacker or from an old copy"
    )]
    Rollback { role: Role, trusted: u64, offered: u64 },
    #[error(
        "snapshot {version} announces {name} {offered}, older than the {trusted} seen before; the repository was set back, by an attacker or from an old copy"
    )]
    AnnouncedRollback {
        name: String,
        version: u64,
        trusted: u64,
        offered: u64,
    },
    #[error("snapshot {version} no longer lists {name}, which was there before")]
    Dropped { name: String, version: u64 },
    #[error("the repository gives {role} {found} where {by} announces {expected}; its files do not belong together")]
    WrongVersion {
        role: Role,
        found: u64,
        by: &'static str,
        expected: u64,
    },
    #[error("{role} {version} has another {what} than {by} announces; its files do not belong together")]
    WrongBytes {
        role: Role,
        version: u64,
        what: &'static str,
        by: Role,
    },
    #[error(
        "{role} {version} expired {expires} (now {now}); the publisher must sign it anew, unless the clock here is wrong or someone holds back newer metadata"
    )]
    Expired {
        role: Role,
        version: u64,
        expires: Timestamp,
        now: Timestamp,
    },
    #[error("the repository has more than {limit} root versions that are newer than the trusted one")]
    TooManyRoots { limit: u64 },
    #[error("the delegated role `{name}` cannot be used")]
    Delegated {
        name: String,
        #[source]
        source: Box<TufError>,
    },
    #[error("snapshot {version} does not announce `{name}`, to which a targets role delegates; ask the publisher")]
    NotAnnounced { name: String, version: u64 },
    #[error("more than {limit} {what} are delegated here; nobody needs that many, ask the publisher")]
    TooMany { what: &'static str, limit: usize },
    #[error("the target `{name}` has no place in a repository")]
    TargetName {
        name: String,
        #[source]
        source: NameError,
    },
    #[error(
        "what the publisher says of the target `{target}` is not understood ({reason}); a newer NetLink may be needed"
    )]
    Custom { target: String, reason: String },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(
        "{role} needs {threshold} of its keys to sign and {given} are at hand; give the folder of the others with `--keys`, too"
    )]
    KeysMissing { role: Role, threshold: u64, given: usize },
    #[error("no signature for {role} was made; nothing was published")]
    Signer {
        role: Role,
        #[source]
        source: SignerError,
    },
    #[error(
        "what was given as a signature of {role} is not one of the key it should be of; check what the signer command signs with"
    )]
    SignerLied { role: Role },
    #[error(
        "{role} names {keys} keys and asks for {threshold} of them; that can never be met, or asks for none; add a key, or change the number with `netlink release keys threshold`"
    )]
    Threshold { role: Role, keys: usize, threshold: u64 },
    #[error(
        "a draft waits for signatures; `netlink release sign` adds some, `netlink release discard` drops the draft"
    )]
    DraftWaits,
    #[error("the draft {} is damaged ({reason}); `netlink release discard` drops it", path.display())]
    DamagedDraft { path: PathBuf, reason: String },
    #[error(
        "{} is not a copy of the draft that waits here: {reason}; name the draft.json of a copy of this repository", path.display()
    )]
    NoDraftOfOurs { path: PathBuf, reason: String },
    #[error(
        "the draft has {role} {draft} and {role} {published} is published already; `netlink release discard` drops the draft"
    )]
    StaleDraft { role: Role, draft: u64, published: u64 },
    #[error("the copy has another {role} than the draft here; its signatures are of no use, sign this draft instead")]
    OtherDraft { role: Role },
    #[error("the target `{name}` is published already with other content")]
    Published { name: String },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl TufError {
    /// Nothing is known to be wrong; the repository could not be asked, or does not have the file (yet).
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Source(_) | Self::Missing { .. } => true,
            Self::Delegated { source, .. } => source.is_unreachable(),
            _ => false,
        }
    }

    /// The repository did not answer, wherever it was asked.
    pub fn is_of_source(&self) -> bool {
        match self {
            Self::Source(_) | Self::Disk(_) | Self::NoRoot | Self::DamagedRoot { .. } | Self::Busy { .. } => true,
            Self::Delegated { source, .. } => source.is_of_source(),
            _ => false,
        }
    }

    pub(super) fn malformed(role: Role, reason: impl std::fmt::Display) -> Self {
        Self::Malformed {
            role,
            reason: reason.to_string(),
        }
    }
}
