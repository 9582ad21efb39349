//! Signing what is to come with the keys at hand, as far as they go: a role that announces another is made when that one is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp as Time;

use super::{Editor, bins, draft, expiry, header, next};
use crate::tuf::document::Document;
use crate::tuf::model::{Content, Mandate, MetaFile, Root, Signed, Targets, Timestamp};
use crate::tuf::{Role, Signer, TufError};

/// How far the signing has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// All that is needed; [`Editor::write`] publishes it.
    Ready,
    /// To be kept as a draft until others have signed it.
    Waits(Vec<Lacking>),
}

/// A role whose signatures do not suffice yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    pub role: Role,
    pub version: u64,
    pub given: usize,
    pub threshold: u64,
    /// Ids of the keys that may still sign.
    pub keys: Vec<String>,
}

impl Lacking {
    fn refuse(&self) -> Result<(), TufError> {
        Err(TufError::KeysMissing {
            role: self.role,
            threshold: self.threshold,
            given: self.given,
        })
    }
}

impl Editor {
    /// Signs everything that is to come. Repeatable: a key signs once, and what is complete stays as it is.
    pub fn sign<S: Signer>(&mut self, signers: &[S], now: Time) -> Result<Standing, TufError> {
        self.lay_out(now)?;
        let old = self.published.as_ref().map(|published| published.root.clone());
        let old = old.as_deref();
        let Some(root) = self.root().cloned() else {
            return Ok(Standing::Ready);
        };
        let mut lacking = self.sign_root(old, signers)?;
        lacking.extend(self.sign_targets(&root, old, signers)?);
        if lacking.is_empty() {
            lacking.extend(self.sign_snapshot(&root, old, signers, now)?);
        }
        if lacking.is_empty() {
            lacking.extend(self.sign_timestamp(&root, old, signers, now)?);
        }
        if !lacking.is_empty() {
            return Ok(Standing::Waits(lacking));
        }
        self.finish(now)?;
        Ok(Standing::Ready)
    }

    /// Takes the signatures of root and targets that others have added to a copy of the draft, in the file `copy`.
    pub fn take_signatures(&mut self, copy: &Path) -> Result<(), TufError> {
        let path = copy;
        let none = |reason: String| TufError::NoDraftOfOurs {
            path: path.to_owned(),
            reason,
        };
        let copy = match draft::read(copy) {
            Err(TufError::DamagedDraft { reason, .. }) => return Err(none(reason)),
            read => read?.unwrap_or_default(),
        };
        let of_ours = copy.root.is_some() && self.draft.root.is_some();
        if !of_ours && !copy.targets.keys().any(|name| self.draft.targets.contains_key(name)) {
            return Err(none("it has none of the roles that wait here".into()));
        }
        let old = self.published.as_ref().map(|published| published.root.clone());
        let new = self.root().cloned();
        let roots = || [new.as_ref(), old.as_deref()].into_iter().flatten();
        if let (Some(here), Some(copy)) = (&mut self.draft.root, &copy.root) {
            let mandates: Vec<_> = roots().filter_map(|root| mandate(root, Role::Root)).collect();
            here.take_signatures(copy, &mandates)?;
        }
        for (name, here) in &mut self.draft.targets {
            if let Some(copy) = copy.targets.get(name) {
                // Bins have the keys of the top-level role, under the same ids.
                let mandates: Vec<_> = roots().filter_map(|root| mandate(root, Role::Targets)).collect();
                here.take_signatures(copy, &mandates)?;
            }
        }
        Ok(())
    }

    /// Signs the short-lived roles anew: the timestamp, and the snapshot when enough of its keys are among the signers. A
    /// draft waits on.
    pub fn renew_online<S: Signer>(&mut self, signers: &[S], now: Time) -> Result<(), TufError> {
        let waiting = std::mem::take(&mut self.draft);
        let held: Vec<_> = signers.iter().map(Signer::key).collect();
        let enough = self.signatories().is_some_and(|all| {
            let snapshot = &all.snapshot;
            snapshot.keys.iter().filter(|key| held.contains(key)).count() as u64 >= snapshot.threshold
        });
        self.renewed.insert(Role::Timestamp);
        if enough {
            self.renewed.insert(Role::Snapshot);
        }
        let standing = self.sign(signers, now)?;
        self.draft = waiting;
        match standing {
            Standing::Ready => Ok(()),
            Standing::Waits(lacking) => lacking.iter().try_for_each(Lacking::refuse),
        }
    }

    /// Makes documents of what was added, and of what other keys or a new expiry need.
    fn lay_out(&mut self, now: Time) -> Result<(), TufError> {
        let name = Role::Targets.name();
        let (Some(root), Some(top)) = (self.root().cloned(), self.listing(name)) else {
            return Ok(());
        };
        let mut changed: BTreeMap<String, Targets> = BTreeMap::new();
        if !self.added.is_empty() {
            let listing = |name: &str| self.listing(name).map(|role| &role.content);
            changed = bins::with_added(&top.content, listing, self.added.clone(), &root.content);
        }
        if self.is_resigned(Role::Targets) || self.renewed.contains(&Role::Targets) {
            let top = changed.remove(name).unwrap_or_else(|| top.content.clone());
            let top = bins::handed_on(&top, &root.content);
            for bin in bins::names(&top) {
                let content = self.listing(&bin).map(|bin| bin.content.clone()).unwrap_or_default();
                changed.entry(bin).or_insert(content);
            }
            changed.insert(name.to_owned(), top);
        }
        let until = self.until(Role::Targets, now)?;
        for (role, content) in changed {
            if self.draft.targets.contains_key(&role) && self.added.is_empty() {
                continue;
            }
            let last = self
                .published
                .as_ref()
                .and_then(|published| published.targets.get(&role));
            let document = match last {
                Some(last) => next(last, content, until)?,
                None => Document::unsigned(header(1, until, content))?,
            };
            self.draft.targets.insert(role, document);
        }
        self.added.clear();
        self.renewed.remove(&Role::Targets);
        Ok(())
    }

    /// Whether a role's keys are to be others.
    fn is_resigned(&self, role: Role) -> bool {
        let Some(published) = &self.published else { return true };
        let draft = self.draft.root.as_ref();
        draft.is_some_and(|draft| draft.signed().content.signatories(role) != published.root.content.signatories(role))
    }

    fn sign_root<S: Signer>(&mut self, old: Option<&Signed<Root>>, signers: &[S]) -> Result<Vec<Lacking>, TufError> {
        let Some(document) = &mut self.draft.root else {
            return Ok(Vec::new());
        };
        let new = document.signed().clone();
        // Clients believe a root that its predecessor's keys and its own have signed.
        let mandates: Vec<_> = [Some(&new), old]
            .into_iter()
            .flatten()
            .filter_map(|root| mandate(root, Role::Root))
            .collect();
        if mandates.iter().any(|mandate| document.lacks(mandate).is_some()) {
            document.add_signatures(&mandates, signers)?;
        }
        Ok(mandates
            .iter()
            .filter_map(|mandate| lacking(document, mandate))
            .collect())
    }

    fn sign_targets<S: Signer>(
        &mut self,
        root: &Signed<Root>,
        old: Option<&Signed<Root>>,
        signers: &[S],
    ) -> Result<Vec<Lacking>, TufError> {
        let top = self.listing(Role::Targets.name()).map(|top| top.content.clone());
        let delegations = top.and_then(|top| top.delegations);
        let mut all = Vec::new();
        for (name, document) in &mut self.draft.targets {
            let step = delegations.as_ref().and_then(|delegations| delegations.step(name));
            let needed = match (&delegations, &step) {
                (Some(delegations), Some(step)) => Some(delegations.mandate(step, Role::Targets.name().to_owned())),
                _ => mandate(root, Role::Targets),
            };
            all.extend(sign(document, needed, old, signers)?);
        }
        // Bins have the keys of the top-level role, so that one entry speaks for all of them.
        let mut said = BTreeSet::new();
        all.retain(|one: &Lacking| said.insert(one.keys.clone()));
        Ok(all)
    }

    fn sign_snapshot<S: Signer>(
        &mut self,
        root: &Signed<Root>,
        old: Option<&Signed<Root>>,
        signers: &[S],
        now: Time,
    ) -> Result<Vec<Lacking>, TufError> {
        let wanted = self.is_resigned(Role::Snapshot) || self.renewed.contains(&Role::Snapshot);
        if self.draft.targets.is_empty() && !wanted && self.draft.snapshot.is_none() {
            return Ok(Vec::new());
        }
        let last = self.published.as_ref().map(|published| &*published.snapshot);
        let mut content = last.map(|last| last.content.clone()).unwrap_or_default();
        for (name, document) in &self.draft.targets {
            let meta = MetaFile::of(document.signed().version, &document.bytes()?);
            content.meta.insert(format!("{name}.json"), meta);
        }
        let until = expiry(Role::Snapshot, self.lifetimes.of(Role::Snapshot), now)?;
        renew_if(&mut self.draft.snapshot, last, content, until)?;
        self.renewed.remove(&Role::Snapshot);
        let document = self.draft.snapshot.as_mut();
        document.map_or_else(
            || Ok(Vec::new()),
            |document| sign(document, mandate(root, Role::Snapshot), old, signers),
        )
    }

    fn sign_timestamp<S: Signer>(
        &mut self,
        root: &Signed<Root>,
        old: Option<&Signed<Root>>,
        signers: &[S],
        now: Time,
    ) -> Result<Vec<Lacking>, TufError> {
        let wanted = self.is_resigned(Role::Timestamp) || self.renewed.contains(&Role::Timestamp);
        if self.draft.snapshot.is_none() && !wanted && self.draft.timestamp.is_none() {
            return Ok(Vec::new());
        }
        let last = self.published.as_ref().map(|published| &*published.timestamp);
        let mut content: Timestamp = last.map(|last| last.content.clone()).unwrap_or_default();
        if let Some(snapshot) = &self.draft.snapshot {
            let meta = MetaFile::of(snapshot.signed().version, &snapshot.bytes()?);
            content.meta.insert(Role::Snapshot.file(), meta);
        }
        let until = expiry(Role::Timestamp, self.lifetimes.of(Role::Timestamp), now)?;
        renew_if(&mut self.draft.timestamp, last, content, until)?;
        self.renewed.remove(&Role::Timestamp);
        let document = self.draft.timestamp.as_mut();
        document.map_or_else(
            || Ok(Vec::new()),
            |document| sign(document, mandate(root, Role::Timestamp), old, signers),
        )
    }
}

/// Puts `content` into the draft, unless it is there already and people have signed it.
fn renew_if<C: Content + PartialEq>(
    draft: &mut Option<Document<C>>,
    last: Option<&Signed<C>>,
    content: C,
    until: Time,
) -> Result<(), TufError> {
    if draft.as_ref().is_some_and(|draft| draft.signed().content == content) {
        return Ok(());
    }
    *draft = Some(match last {
        Some(last) => next(last, content, until)?,
        None => Document::unsigned(header(1, until, content))?,
    });
    Ok(())
}

/// Adds what the keys at hand can give to a document that still lacks signatures. A complete one stays as it is: others may
/// have announced its bytes.
fn sign<C: Content, S: Signer>(
    document: &mut Document<C>,
    needed: Option<Mandate<'_>>,
    old: Option<&Signed<Root>>,
    signers: &[S],
) -> Result<Vec<Lacking>, TufError> {
    let Some(needed) = needed else { return Ok(Vec::new()) };
    let mut mandates = vec![needed];
    mandates.extend(old.and_then(|old| mandate(old, C::ROLE)));
    if mandates.first().and_then(|needed| document.lacks(needed)).is_some() {
        document.add_signatures(&mandates, signers)?;
    }
    Ok(mandates
        .first()
        .and_then(|needed| lacking(document, needed))
        .into_iter()
        .collect())
}

fn lacking<C: Content>(document: &Document<C>, mandate: &Mandate<'_>) -> Option<Lacking> {
    let (given, threshold) = document.lacks(mandate)?;
    let signed = document.signed_by(mandate);
    Some(Lacking {
        role: C::ROLE,
        version: document.signed().version,
        given,
        threshold,
        keys: mandate
            .keyids
            .iter()
            .filter(|id| !signed.contains(id))
            .cloned()
            .collect(),
    })
}

fn mandate(root: &Signed<Root>, role: Role) -> Option<Mandate<'_>> {
    root.content.mandate(role, root.version)
}
