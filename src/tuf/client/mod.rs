//! The client workflow, section 5 of the specification: one file a role, the checks in the order and by the numbers given there.

mod root;
mod snapshot;
mod targets;
mod timestamp;
mod trust;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod repository;

use std::path::Path;

use jiff::Timestamp as Time;

use super::document::{Document, Verified};
use super::model::{Role, Signed, Targets};
use super::{SourceError, TufError};
use trust::Trust;

pub use root::next as next_root;
pub use snapshot::accept as accept_snapshot;
pub use targets::accept as accept_targets;
pub use timestamp::accept as accept_timestamp;

/// Where metadata comes from; nothing it gives is believed.
pub trait MetadataSource {
    /// The file `name` below `metadata/`, e.g. `3.root.json`; none when it is not there, an error when longer than `limit`.
    fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError>;
}

/// Trusts a publisher by the root metadata that the operator got from it.
///
/// The same file again changes nothing, so that a repeated call keeps what later refreshes learnt. Another one replaces all
/// trust: the operator asked for it, and what the former publisher signed means nothing to the new one.
pub fn init(trust_dir: &Path, root_bytes: &[u8]) -> Result<(), TufError> {
    limited(&Role::Root.file(), root_bytes, Role::Root.limit())?;
    Document::parse(root_bytes)?.verified_by_itself()?;
    Trust::open(trust_dir)?.begin_with(root_bytes)
}

/// 5.1: asks the repository; `now` is the fixed update start time. Each file is kept as soon as it is verified.
pub fn refresh(
    trust_dir: &Path,
    source: &dyn MetadataSource,
    now: Time,
) -> Result<Verified<Signed<Targets>>, TufError> {
    if !trust_dir.join(Role::Root.file()).exists() {
        return Err(TufError::NoRoot);
    }
    let trust = Trust::open(trust_dir)?;
    let root = root::update(&trust, source, now)?;
    let timestamp = timestamp::update(&trust, &root, source, now)?;
    let snapshot = snapshot::update(&trust, &root, &timestamp, source, now)?;
    targets::update(&trust, &root, &snapshot, source, now)
}

/// What the last refresh verified, if it still holds at `now`; asks nobody and changes nothing.
pub fn trusted(trust_dir: &Path, now: Time) -> Result<Verified<Signed<Targets>>, TufError> {
    let trust = Trust::read_only(trust_dir);
    let root = trust.root()?;
    root.check_fresh(now)?;
    let none = |role| TufError::NotRefreshed { role };
    let timestamp = trust.load(&root)?.ok_or_else(|| none(Role::Timestamp))?;
    timestamp.check_fresh(now)?;
    let snapshot = snapshot::current(&trust, &root, &timestamp, now)?.ok_or_else(|| none(Role::Snapshot))?;
    targets::current(&trust, &root, &snapshot, now)?.ok_or_else(|| none(Role::Targets))
}

/// A file that must be there. The limit is checked again here: an endless file must not pass a careless source.
fn needed(source: &dyn MetadataSource, name: String, limit: u64) -> Result<Vec<u8>, TufError> {
    match source.get(&name, limit)? {
        Some(bytes) => limited(&name, &bytes, limit).map(|()| bytes),
        None => Err(TufError::Missing { name }),
    }
}

fn limited(name: &str, bytes: &[u8], limit: u64) -> Result<(), TufError> {
    if bytes.len() as u64 <= limit {
        return Ok(());
    }
    Err(TufError::TooLong {
        name: name.to_owned(),
        limit,
    })
}
