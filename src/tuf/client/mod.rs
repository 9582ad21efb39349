//! The client workflow, section 5 of the specification: one file a role, the checks in the order and by the numbers given there.

mod clock;
mod delegated;
mod note;
mod root;
mod search;
mod snapshot;
mod targets;
mod timestamp;
mod trust;

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod delegations;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod life;
#[cfg(test)]
pub mod repository;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp as Time;

use super::document::{Document, Verified};
use super::model::{Content, Role, Root, Signed, Snapshot, Targets};
use super::{SourceError, TufError};
use trust::Trust;

pub use note::Note;
pub use search::{Listed, Listing, all, find};

pub use delegated::accept as accept_delegated;
pub use root::next as next_root;
pub use snapshot::accept as accept_snapshot;
pub use targets::accept as accept_targets;
pub use timestamp::accept as accept_timestamp;

/// Where metadata comes from; nothing it gives is believed.
pub trait MetadataSource {
    /// The file `name` below `metadata/`, e.g. `3.root.json`; none when it is not there, an error when longer than `limit`.
    /// Names of delegated roles are anything, also what looks like a path: a part of a URL has them quoted.
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

/// What a refresh needs all the way.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    pub source: &'a dyn MetadataSource,
    /// 5.1: the fixed update start time.
    pub now: Time,
    /// For how long after its expiry metadata is taken all the same, and it is said; never that of the root.
    pub max_staleness: Duration,
    pub tell: &'a dyn Fn(&Note),
}

impl Asking<'_> {
    /// The check for a freeze attack, with the patience that the operator has.
    fn check_fresh<C: Content>(&self, signed: &Signed<C>) -> Result<(), TufError> {
        let expired = match signed.check_fresh(self.now) {
            Err(expired) if !self.max_staleness.is_zero() => expired,
            fresh => return fresh,
        };
        let earlier = self.now.checked_sub(self.max_staleness).unwrap_or(Time::MIN);
        signed.check_fresh(earlier).map_err(|_| expired)?;
        (self.tell)(&Note::Stale {
            name: C::ROLE.name().into(),
            expired: signed.expires,
        });
        Ok(())
    }
}

/// The four top-level roles as just verified. It holds the lock of the trusted metadata, so that delegated roles that are
/// asked for later belong to the same snapshot.
pub struct Refreshed<'a> {
    asking: Asking<'a>,
    trust: Trust,
    root: Verified<Signed<Root>>,
    timestamp_expires: Time,
    snapshot: Verified<Signed<Snapshot>>,
    targets: Verified<Signed<Targets>>,
}

impl Refreshed<'_> {
    pub fn targets(&self) -> &Verified<Signed<Targets>> {
        &self.targets
    }

    /// When the first of the roles expires.
    pub fn good_until(&self) -> Time {
        let all = [
            self.root.expires,
            self.timestamp_expires,
            self.snapshot.expires,
            self.targets.expires,
        ];
        all.into_iter().fold(Time::MAX, Time::min)
    }

    /// Whether targets lie under names with their digest.
    pub fn consistent_snapshot(&self) -> bool {
        self.root.content.consistent_snapshot
    }

    fn tell(&self, note: &Note) {
        (self.asking.tell)(note);
    }
}

/// 5.1: asks the repository. Each file is kept as soon as it is verified.
pub fn refresh<'a>(trust_dir: &Path, asking: Asking<'a>) -> Result<Refreshed<'a>, TufError> {
    if !trust_dir.join(Role::Root.file()).exists() {
        return Err(TufError::NoRoot);
    }
    let trust = Trust::open(trust_dir)?;
    if let Some(note) = clock::went_back(trust_dir, asking.now) {
        (asking.tell)(&note);
    }
    let root = root::update(&trust, asking)?;
    let timestamp = timestamp::update(&trust, &root, asking)?;
    let snapshot = snapshot::update(&trust, &root, &timestamp, asking)?;
    let targets = targets::update(&trust, &root, &snapshot, asking)?;
    clock::remember(trust_dir, asking.now)?;
    Ok(Refreshed {
        asking,
        trust,
        root,
        timestamp_expires: timestamp.expires,
        snapshot,
        targets,
    })
}

/// What the last refresh verified, if it still holds at `now`; asks nobody and changes nothing.
pub fn trusted(trust_dir: &Path, now: Time) -> Result<Verified<Signed<Targets>>, TufError> {
    let trust = Trust::read_only(trust_dir);
    let root = trust.root()?;
    root.check_fresh(now)?;
    let none = |role| TufError::NotRefreshed { role };
    let timestamp = trust.load(&root)?.ok_or_else(|| none(Role::Timestamp))?;
    timestamp.check_fresh(now)?;
    let snapshot = snapshot::current(&trust, &root, &timestamp, &|one| one.check_fresh(now))?
        .ok_or_else(|| none(Role::Snapshot))?;
    targets::current(&trust, &root, &snapshot, &|one| one.check_fresh(now))?.ok_or_else(|| none(Role::Targets))
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
