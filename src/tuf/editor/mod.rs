//! The publisher's side: makes metadata, and signs it with the keys at hand. What needs more keys is a draft that others sign
//! elsewhere. Nothing is on disk before [`Editor::write`] or [`Editor::keep`]; the file that clients ask for first is written
//! last, so that at every moment they find metadata that belongs together.

mod bins;
mod draft;
mod handed_on;
mod lifetimes;
mod open;
mod proof;
mod sign;
mod signatories;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp as Time, Unit};
use serde_json::Value;

use super::catalog::{described, releases, target_ref};
use super::document::{Document, Verified};
use super::model::{Content, Root, SPEC_VERSION, Signed, Snapshot, Targets, Timestamp};
use super::target::TargetFile;
use super::{Key, Role, TufError};
use crate::disk;
use crate::release::{Catalog, ProductName, TargetCustom, TargetRef};
use draft::Draft;

pub use handed_on::HandedOn;
pub use lifetimes::{Lifetime, LifetimeChanges, LifetimeError, Lifetimes};
pub use sign::{Lacking, Standing};
pub use signatories::{RoleKeys, Signatories};

/// The metadata of a repository: what clients see, what is to come, and what of that waits to be written.
#[derive(Debug)]
pub struct Editor {
    /// None as long as a new repository is nowhere yet.
    published: Option<Published>,
    draft: Draft,
    lifetimes: Lifetimes,
    added: BTreeMap<String, TargetFile>,
    renewed: BTreeSet<Role>,
    /// Names and contents in the order of writing.
    pending: Vec<(String, Vec<u8>)>,
}

/// What clients see.
#[derive(Debug, Clone)]
struct Published {
    root: Verified<Signed<Root>>,
    /// The top-level role and its bins, by their names.
    targets: BTreeMap<String, Verified<Signed<Targets>>>,
    snapshot: Verified<Signed<Snapshot>>,
    timestamp: Verified<Signed<Timestamp>>,
}

/// How a role stands, for reports and warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleState {
    pub role: Role,
    pub version: u64,
    /// The first of its files to expire.
    pub expires: Time,
    pub keys: BTreeMap<String, Key>,
    pub threshold: u64,
    /// From a signing on.
    pub lifetime: Lifetime,
}

impl RoleState {
    /// How long before the end a person should hear of it: two weeks, or half the life of what lives shorter.
    pub fn is_due(&self, now: Time) -> bool {
        let warning = SignedDuration::from_hours(24 * 14).min(self.lifetime.duration() / 2);
        self.expires.duration_since(now) < warning
    }
}

impl Editor {
    /// A new, empty repository, to be signed.
    pub fn create(signatories: &Signatories, lifetimes: Lifetimes, now: Time) -> Result<Self, TufError> {
        let until = |role| expiry(role, lifetimes.of(role), now);
        let root = header(1, until(Role::Root)?, signatories.to_root(None)?);
        let targets = header(1, until(Role::Targets)?, Targets::default());
        Ok(Self {
            published: None,
            draft: Draft {
                root: Some(Document::unsigned(root)?),
                targets: BTreeMap::from([(Role::Targets.name().to_owned(), Document::unsigned(targets)?)]),
                ..Draft::default()
            },
            lifetimes,
            added: BTreeMap::new(),
            renewed: BTreeSet::new(),
            pending: Vec::new(),
        })
    }

    /// The repository in a folder `metadata/`, verified as a client does it from its first root on, but for expiry; with the
    /// draft that waits for signatures, if the file `draft` has one.
    pub fn open(metadata: &Path, draft: Option<&Path>) -> Result<Self, TufError> {
        let published = open::open(metadata)?;
        let draft = match draft.map(draft::read).transpose()?.flatten() {
            Some(draft) => draft.still_next(&published)?,
            None => Draft::default(),
        };
        Ok(Self {
            published: Some(published),
            draft,
            lifetimes: Lifetimes::default(),
            added: BTreeMap::new(),
            renewed: BTreeSet::new(),
            pending: Vec::new(),
        })
    }

    /// Other lifetimes of what is signed from now on.
    pub fn set_lifetimes(&mut self, lifetimes: Lifetimes) {
        self.lifetimes = lifetimes;
    }

    /// Whether something waits for the signatures of others.
    pub fn has_draft(&self) -> bool {
        self.published.is_some() && !self.draft.is_empty()
    }

    /// The roles of the draft that people sign, with their versions; bins are of the top-level role.
    pub fn draft_versions(&self) -> Vec<(Role, u64)> {
        let root = self.draft.root.as_ref().map(|root| (Role::Root, root.signed().version));
        let newest = self
            .draft
            .targets
            .values()
            .map(|targets| targets.signed().version)
            .max();
        let top = self
            .draft
            .targets
            .get(Role::Targets.name())
            .map(|top| top.signed().version);
        root.into_iter()
            .chain(top.or(newest).map(|version| (Role::Targets, version)))
            .collect()
    }

    /// All targets as they will be listed.
    pub fn targets(&self) -> BTreeMap<&str, &TargetFile> {
        let files = self.listings().into_iter().flat_map(|role| &role.content.targets);
        files
            .chain(&self.added)
            .map(|(name, file)| (name.as_str(), file))
            .collect()
    }

    /// Targets that clients do not see yet, or see otherwise.
    pub fn unpublished(&self) -> Result<Vec<TargetRef>, TufError> {
        let published = self.published.iter().flat_map(|published| published.targets.values());
        let seen: BTreeMap<&String, &TargetFile> = published.flat_map(|role| &role.content.targets).collect();
        let changed = self.draft.targets.values().map(Document::signed);
        let files = changed.flat_map(|role| &role.content.targets).chain(&self.added);
        files
            .filter(|(name, file)| seen.get(name) != Some(file))
            .map(|(name, file)| target_ref(name, file))
            .collect()
    }

    fn find(&self, name: &str) -> Option<&TargetFile> {
        let listed = || {
            self.listings()
                .into_iter()
                .find_map(|role| role.content.targets.get(name))
        };
        self.added.get(name).or_else(listed)
    }

    /// The top-level role and its bins, as they are or are to be.
    fn listings(&self) -> Vec<&Signed<Targets>> {
        let top = self.listing(Role::Targets.name());
        let bins = top.into_iter().flat_map(|top| bins::names(&top.content));
        bins.filter_map(|bin| self.listing(&bin)).chain(top).collect()
    }

    /// A target as it is to be signed, none when there is none of that name.
    pub fn target(&self, name: &str) -> Result<Option<TargetRef>, TufError> {
        self.find(name).map(|file| target_ref(name, file)).transpose()
    }

    /// The releases of a product as a client will see them.
    pub fn catalog(&self, product: &ProductName) -> Result<Catalog, TufError> {
        releases(self.targets(), product)
    }

    /// As clients see them.
    pub fn states(&self) -> Vec<RoleState> {
        let Some(published) = &self.published else {
            return Vec::new();
        };
        let root = &published.root;
        let state = |role, version, expires| {
            let (keys, threshold) = root.content.rule(role).map_or((BTreeMap::new(), 0), |rule| {
                let key = |id: &String| Some((id.clone(), root.content.keys.get(id)?.clone()));
                (rule.keyids.iter().filter_map(key).collect(), rule.threshold)
            });
            RoleState {
                role,
                version,
                expires,
                keys,
                threshold,
                lifetime: self.lifetimes.of(role),
            }
        };
        let of_targets = published.targets.values().map(|role| role.expires).min();
        let version = published.targets.get(Role::Targets.name()).map_or(0, |top| top.version);
        vec![
            state(Role::Root, root.version, root.expires),
            state(Role::Targets, version, of_targets.unwrap_or(root.expires)),
            state(Role::Snapshot, published.snapshot.version, published.snapshot.expires),
            state(
                Role::Timestamp,
                published.timestamp.version,
                published.timestamp.expires,
            ),
        ]
    }

    /// Names of the files that clients may ask for, in the order in which they may appear: those that come before the timestamp,
    /// and roots, which come behind it.
    pub fn published_files(&self) -> (Vec<String>, Vec<String>) {
        let Some(published) = &self.published else {
            return Default::default();
        };
        let root = &published.root;
        let named = |name: &str, version| root.content.file_named(name, version);
        let listings = published.targets.iter().map(|(name, role)| named(name, role.version));
        let snapshot = named(Role::Snapshot.name(), published.snapshot.version);
        let roots = (1..=root.version).map(|version| Role::Root.versioned_file(version));
        (listings.chain([snapshot]).collect(), roots.collect())
    }

    /// What a client refuses at `now`.
    pub fn check_fresh(&self, now: Time) -> Result<(), TufError> {
        self.published
            .as_ref()
            .map_or(Ok(()), |published| published.check_fresh(now))
    }

    /// Who signs what, as it is or is to be.
    pub fn signatories(&self) -> Option<Signatories> {
        self.root().map(|root| Signatories::of(&root.content))
    }

    /// The keys that may have something to sign.
    pub fn keys_of(&self, roles: &[Role]) -> Vec<Key> {
        let published = self.published.as_ref().map(|published| &published.root.content);
        let draft = self.draft.root.as_ref().map(|root| &root.signed().content);
        let mut keys: Vec<Key> = Vec::new();
        for root in published.into_iter().chain(draft) {
            for role in roles {
                let (listed, _) = root.signatories(*role);
                keys.extend(listed.into_iter().cloned());
            }
        }
        keys
    }

    /// Adds a target; false when exactly this is there already. A name never gets other content: somebody may have
    /// installed it.
    pub fn add_target(&mut self, target: &TargetRef, custom: &TargetCustom) -> Result<bool, TufError> {
        let file = described(target, custom)?;
        match self.find(&target.name) {
            Some(there) if *there == file => return Ok(false),
            Some(_) => {
                return Err(TufError::Published {
                    name: target.name.clone(),
                });
            }
            None => self.nothing_waits()?,
        }
        self.added.insert(target.name.clone(), file);
        Ok(true)
    }

    /// Puts a target in the place of the one of that name; only for what nobody installs. False when exactly this is there.
    pub fn replace_target(&mut self, target: &TargetRef, custom: &TargetCustom) -> Result<bool, TufError> {
        let file = described(target, custom)?;
        if self.find(&target.name) == Some(&file) {
            return Ok(false);
        }
        self.nothing_waits()?;
        self.added.insert(target.name.clone(), file);
        Ok(true)
    }

    /// Other keys or numbers of them, from the next signing on. Where a role gets other keys, it is signed anew, by the keys
    /// that leave too if at hand: clients that see the old root a moment longer believe them.
    pub fn change_keys(&mut self, to: &Signatories, now: Time) -> Result<(), TufError> {
        self.nothing_waits()?;
        let Some(published) = &self.published else {
            return Ok(());
        };
        let content = to.to_root(Some(&published.root.content))?;
        self.draft.root = Some(next(&published.root, content, self.until(Role::Root, now)?)?);
        Ok(())
    }

    /// Asks for a new version of these roles, with a new expiry, at the next signing.
    pub fn renew(&mut self, roles: &[Role], now: Time) -> Result<(), TufError> {
        self.nothing_waits()?;
        for role in roles {
            match (&self.published, role) {
                (Some(published), Role::Root) => {
                    let until = self.until(Role::Root, now)?;
                    self.draft.root = Some(next(&published.root, published.root.content.clone(), until)?);
                }
                _ => drop(self.renewed.insert(*role)),
            }
        }
        Ok(())
    }

    /// A draft is never changed under those who have signed it.
    pub fn nothing_waits(&self) -> Result<(), TufError> {
        if self.has_draft() {
            return Err(TufError::DraftWaits);
        }
        Ok(())
    }

    /// Writes what was signed into the folder `metadata/`, and removes a draft that it was. Cut short, it leaves what clients saw
    /// before; what it wrote then is replaced by the next try.
    pub fn write(&mut self, metadata: &Path, draft: &Path) -> Result<(), TufError> {
        disk::create_dir_all(metadata)?;
        for (name, bytes) in &self.pending {
            disk::write_atomic(&metadata.join(name), bytes, 0o644)?;
        }
        self.pending.clear();
        if self.draft.is_empty() {
            disk::remove_file(draft)?;
        }
        Ok(())
    }

    /// Keeps in the file `draft` what lacks signatures.
    pub fn keep(&self, draft: &Path) -> Result<(), TufError> {
        self.draft.write(draft)
    }

    /// When a role that is signed now expires.
    fn until(&self, role: Role, now: Time) -> Result<Time, TufError> {
        expiry(role, self.lifetimes.of(role), now)
    }

    /// All that people sign, by the names of the roles, as it is or is to be.
    pub fn contents(&self) -> Result<BTreeMap<String, Value>, TufError> {
        let mut contents = BTreeMap::new();
        if let Some(root) = self.root() {
            contents.insert(Role::Root.name().to_owned(), to_value(root)?);
        }
        let top = self.listing(Role::Targets.name());
        let bins = top.into_iter().flat_map(|top| bins::names(&top.content));
        for name in bins.chain([Role::Targets.name().to_owned()]) {
            if let Some(role) = self.listing(&name) {
                contents.insert(name, to_value(role)?);
            }
        }
        Ok(contents)
    }

    /// The root that is or is to be.
    fn root(&self) -> Option<&Signed<Root>> {
        let draft = self.draft.root.as_ref().map(Document::signed);
        draft.or_else(|| self.published.as_ref().map(|published| &*published.root))
    }

    /// A targets role that is or is to be.
    fn listing(&self, name: &str) -> Option<&Signed<Targets>> {
        let draft = self.draft.targets.get(name).map(Document::signed);
        draft.or_else(|| self.published.as_ref()?.targets.get(name).map(|role| &**role))
    }
}

fn to_value<C: Content>(signed: &Signed<C>) -> Result<Value, TufError> {
    serde_json::to_value(signed).map_err(|e| TufError::malformed(C::ROLE, e))
}

fn expiry(role: Role, lifetime: Lifetime, now: Time) -> Result<Time, TufError> {
    // The specification's dates have no fractions of a second.
    let expires = now
        .round(Unit::Second)
        .and_then(|now| now.checked_add(lifetime.duration()));
    expires.map_err(|e| TufError::malformed(role, e))
}

fn header<C: Content>(version: u64, expires: Time, content: C) -> Signed<C> {
    Signed {
        kind: C::ROLE.name().into(),
        spec_version: SPEC_VERSION.into(),
        version,
        expires,
        content,
    }
}

/// The version after `last`, to be signed.
fn next<C: Content>(last: &Signed<C>, content: C, expires: Time) -> Result<Document<C>, TufError> {
    let up = last.version.checked_add(1);
    let version = up.ok_or_else(|| TufError::malformed(C::ROLE, "its versions are used up"))?;
    Document::unsigned(header(version, expires, content))
}
