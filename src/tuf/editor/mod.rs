//! The publisher's side: makes and signs metadata. Nothing is on disk before [`Editor::write`], and then the file that
//! clients ask for first is written last, so that at every moment they find metadata that belongs together.

mod open;
mod signatories;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::{SignedDuration, Timestamp as Time, Unit};
use serde_json::Map;

use super::catalog::{CUSTOM, releases, target_file, target_ref};
use super::document::{Document, Verified};
use super::model::{Content, MetaFile, Root, SPEC_VERSION, Signed, Snapshot, TargetFile, Targets, Timestamp};
use super::{Role, TufError};
use crate::crypt::SigningKey;
use crate::disk;
use crate::release::{Catalog, ProductName, TargetCustom, TargetRef};

pub use signatories::{RoleKeys, Signatories};

/// The metadata of a repository, and what of it waits to be written.
#[derive(Debug)]
pub struct Editor {
    root: Verified<Signed<Root>>,
    targets: Signed<Targets>,
    snapshot: Signed<Snapshot>,
    timestamp: Signed<Timestamp>,
    /// Names and contents in the order of writing.
    pending: Vec<(String, Vec<u8>)>,
}

/// How a role stands, for reports and warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleState {
    pub role: Role,
    pub version: u64,
    pub expires: Time,
    /// Ids of the keys that sign it.
    pub keys: Vec<String>,
    pub threshold: u64,
}

impl Editor {
    /// A new, empty, signed repository; every role at version 1.
    pub fn create(signatories: &Signatories, signers: &[SigningKey], now: Time) -> Result<Self, TufError> {
        let root = header(1, Role::Root, now, signatories.to_root(Map::new())?)?;
        let (document, bytes) = Document::sign(&root, &[&root.content], signers)?;
        enough(&document, &root.content)?;
        let root = document.verified_by_itself()?;
        let mut editor = Self {
            targets: header(0, Role::Targets, now, Targets::default())?,
            snapshot: header(0, Role::Snapshot, now, Snapshot::default())?,
            timestamp: header(0, Role::Timestamp, now, Timestamp::default())?,
            root,
            pending: Vec::new(),
        };
        editor.sign_release(signers, now)?;
        // Last, so that a repository with a root is a whole one.
        editor.pending.push((Role::Root.versioned_file(1), bytes));
        Ok(editor)
    }

    /// The repository in a folder `metadata/`, verified as a client does it from its first root on, but for expiry.
    pub fn open(metadata: &Path) -> Result<Self, TufError> {
        open::open(metadata)
    }

    pub fn targets(&self) -> impl Iterator<Item = (&str, &TargetFile)> {
        self.targets
            .content
            .targets
            .iter()
            .map(|(name, file)| (name.as_str(), file))
    }

    /// A target as signed, none when there is none of that name.
    pub fn target(&self, name: &str) -> Result<Option<TargetRef>, TufError> {
        let file = self.targets.content.targets.get(name);
        file.map(|file| target_ref(name, file)).transpose()
    }

    /// The releases of a product as a client will see them after the next signing.
    pub fn catalog(&self, product: &ProductName) -> Result<Catalog, TufError> {
        releases(&self.targets.content, product)
    }

    pub fn states(&self) -> Vec<RoleState> {
        let state = |role, version, expires| {
            let rule = self.root.content.rule(role);
            RoleState {
                role,
                version,
                expires,
                keys: rule.map(|rule| rule.keyids.clone()).unwrap_or_default(),
                threshold: rule.map_or(0, |rule| rule.threshold),
            }
        };
        vec![
            state(Role::Root, self.root.version, self.root.expires),
            state(Role::Targets, self.targets.version, self.targets.expires),
            state(Role::Snapshot, self.snapshot.version, self.snapshot.expires),
            state(Role::Timestamp, self.timestamp.version, self.timestamp.expires),
        ]
    }

    /// What a client refuses at `now`.
    pub fn check_fresh(&self, now: Time) -> Result<(), TufError> {
        self.root.check_fresh(now)?;
        self.targets.check_fresh(now)?;
        self.snapshot.check_fresh(now)?;
        self.timestamp.check_fresh(now)
    }

    /// Adds a target to the next [`Editor::sign_release`]; false when exactly this is there already. A name never gets
    /// other content: somebody may have installed it.
    pub fn add_target(&mut self, target: &TargetRef, custom: &TargetCustom) -> Result<bool, TufError> {
        target_file(&target.name, target.sha256)?;
        let custom = serde_json::to_value(custom).map_err(|e| TufError::malformed(Role::Targets, e))?;
        let file = TargetFile::new(target, Map::from_iter([(CUSTOM.to_owned(), custom)]));
        match self.targets.content.targets.get(&target.name) {
            Some(there) if *there == file => Ok(false),
            Some(_) => Err(TufError::Published {
                name: target.name.clone(),
            }),
            None => {
                self.targets.content.targets.insert(target.name.clone(), file);
                Ok(true)
            }
        }
    }

    /// Puts a target in the place of the one of that name; only for what nobody installs. False when exactly this is there.
    pub fn replace_target(&mut self, target: &TargetRef, custom: &TargetCustom) -> Result<bool, TufError> {
        let there = self.targets.content.targets.remove(&target.name);
        let added = self.add_target(target, custom)?;
        Ok(added && there.as_ref() != self.targets.content.targets.get(&target.name))
    }

    /// Signs targets, snapshot and timestamp, each one version up.
    pub fn sign_release(&mut self, signers: &[SigningKey], now: Time) -> Result<(), TufError> {
        self.sign_targets(None, signers, now)?;
        self.sign_snapshot(None, signers, now)?;
        self.sign_timestamp(None, signers, now)
    }

    /// Signs the short-lived roles anew: the timestamp, and the snapshot when enough of its keys are among the signers.
    pub fn renew(&mut self, signers: &[SigningKey], now: Time) -> Result<(), TufError> {
        match self.sign_snapshot(None, signers, now) {
            Ok(()) | Err(TufError::KeysMissing { .. }) => {}
            Err(e) => return Err(e),
        }
        self.sign_timestamp(None, signers, now)
    }

    /// The next root, with other keys, signed by the present keys and the new ones. When other roles get other keys, they
    /// are signed anew, by the keys that leave too if at hand: clients that see the old root a moment longer believe them.
    pub fn rotate(&mut self, to: &Signatories, signers: &[SigningKey], now: Time) -> Result<(), TufError> {
        let old = self.root.clone();
        let content = to.to_root(old.content.unknown.clone())?;
        let next = header(up(Role::Root, old.version)?, Role::Root, now, content)?;
        let name = Role::Root.versioned_file(next.version);
        let (document, bytes) = Document::sign(&next, &[&old.content, &next.content], signers)?;
        enough(&document, &old.content)?;
        enough(&document, &next.content)?;
        self.root = document.verified_by(&old)?;
        let others = [Role::Targets, Role::Snapshot, Role::Timestamp];
        if others
            .into_iter()
            .any(|role| old.content.signatories(role) != next.content.signatories(role))
        {
            self.sign_targets(Some(&old.content), signers, now)?;
            self.sign_snapshot(Some(&old.content), signers, now)?;
            self.sign_timestamp(Some(&old.content), signers, now)?;
        }
        self.pending.push((name, bytes));
        Ok(())
    }

    /// Writes what was signed into the folder `metadata/`. Cut short, it leaves what clients saw before; what it wrote then
    /// is replaced by the next try.
    pub fn write(&mut self, metadata: &Path) -> Result<(), TufError> {
        disk::create_dir_all(metadata)?;
        for (name, bytes) in &self.pending {
            disk::write_atomic(&metadata.join(name), bytes, 0o644)?;
        }
        self.pending.clear();
        Ok(())
    }

    fn sign_targets(&mut self, leaving: Option<&Root>, signers: &[SigningKey], now: Time) -> Result<(), TufError> {
        let (targets, bytes) = self.sign(&self.targets, leaving, signers, now)?;
        let meta = MetaFile::of(targets.version, &bytes);
        self.snapshot.content.meta.insert(Role::Targets.file(), meta);
        self.queue(Role::Targets.versioned_file(targets.version), bytes);
        self.targets = targets;
        Ok(())
    }

    fn sign_snapshot(&mut self, leaving: Option<&Root>, signers: &[SigningKey], now: Time) -> Result<(), TufError> {
        let (snapshot, bytes) = self.sign(&self.snapshot, leaving, signers, now)?;
        let meta = MetaFile::of(snapshot.version, &bytes);
        self.timestamp.content.meta.insert(Role::Snapshot.file(), meta);
        self.queue(Role::Snapshot.versioned_file(snapshot.version), bytes);
        self.snapshot = snapshot;
        Ok(())
    }

    fn sign_timestamp(&mut self, leaving: Option<&Root>, signers: &[SigningKey], now: Time) -> Result<(), TufError> {
        let (timestamp, bytes) = self.sign(&self.timestamp, leaving, signers, now)?;
        self.queue(Role::Timestamp.file(), bytes);
        self.timestamp = timestamp;
        Ok(())
    }

    fn sign<C: Content + Clone>(
        &self,
        last: &Signed<C>,
        leaving: Option<&Root>,
        signers: &[SigningKey],
        now: Time,
    ) -> Result<(Signed<C>, Vec<u8>), TufError> {
        let next = header(up(C::ROLE, last.version)?, C::ROLE, now, last.content.clone())?;
        let root = &self.root.content;
        let roots: Vec<&Root> = std::iter::once(root).chain(leaving).collect();
        let (document, bytes) = Document::sign(&next, &roots, signers)?;
        enough(&document, root)?;
        Ok((next, bytes))
    }

    /// A file that is signed twice before it is written counts once, at its later place.
    fn queue(&mut self, name: String, bytes: Vec<u8>) {
        self.pending.retain(|(other, _)| *other != name);
        self.pending.push((name, bytes));
    }
}

fn lifetime(role: Role) -> SignedDuration {
    let days = match role {
        Role::Root => 365,
        Role::Targets => 180,
        Role::Snapshot => 30,
        Role::Timestamp => 7,
    };
    SignedDuration::from_hours(24 * days)
}

fn header<C>(version: u64, role: Role, now: Time, content: C) -> Result<Signed<C>, TufError> {
    // The specification's dates have no fractions of a second.
    let expires = now.round(Unit::Second).and_then(|now| now.checked_add(lifetime(role)));
    Ok(Signed {
        kind: role.name().into(),
        spec_version: SPEC_VERSION.into(),
        version,
        expires: expires.map_err(|e| TufError::malformed(role, e))?,
        content,
    })
}

fn up(role: Role, version: u64) -> Result<u64, TufError> {
    version
        .checked_add(1)
        .ok_or_else(|| TufError::malformed(role, "its versions are used up"))
}

fn enough<C: Content>(document: &Document<C>, root: &Root) -> Result<(), TufError> {
    let (given, threshold) = document.count(root);
    if given as u64 >= threshold {
        return Ok(());
    }
    Err(TufError::KeysMissing {
        role: C::ROLE,
        threshold,
        given,
    })
}
