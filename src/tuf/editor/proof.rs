//! What was signed, looked at with the client's own checks before anything of it is written: nothing is published that clients would refuse.

use std::collections::BTreeMap;

use jiff::Timestamp as Time;

use super::draft::Draft;
use super::{Editor, Published, bins};
use crate::tuf::TufError;
use crate::tuf::client::{accept_snapshot, accept_targets, accept_timestamp, next_root};
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{Content, Role, Root, Signed, Snapshot, Targets};

impl Published {
    /// What a client refuses at `now`.
    pub fn check_fresh(&self, now: Time) -> Result<(), TufError> {
        self.root.check_fresh(now)?;
        self.targets.values().try_for_each(|role| role.check_fresh(now))?;
        self.snapshot.check_fresh(now)?;
        self.timestamp.check_fresh(now)
    }
}

impl Editor {
    /// Turns a complete draft into files, in the order in which they may be written.
    pub(super) fn finish(&mut self, now: Time) -> Result<(), TufError> {
        let draft = &self.draft;
        let last = self.published.as_ref();
        let mut files = Vec::new();
        let root_bytes = draft.root.as_ref().map(Document::bytes).transpose()?;
        let root = match (&root_bytes, last) {
            (Some(bytes), Some(last)) => next_root(&last.root, bytes)?,
            (Some(bytes), None) => Document::parse(bytes)?.verified_by_itself()?,
            (None, Some(last)) => last.root.clone(),
            (None, None) => return Ok(()),
        };
        for (name, document) in &draft.targets {
            files.push((
                root.content.file_named(name, document.signed().version),
                document.bytes()?,
            ));
        }
        let timestamp_bytes = draft.timestamp.as_ref().map(Document::bytes).transpose()?;
        let timestamp = match (&timestamp_bytes, last) {
            (Some(bytes), last) => accept_timestamp(&root, last.map(|last| &last.timestamp), bytes)?,
            (None, Some(last)) => last.timestamp.clone(),
            (None, None) => return Ok(()),
        };
        let snapshot = match (&draft.snapshot, last) {
            (Some(document), last) => {
                let bytes = document.bytes()?;
                let snapshot = accept_snapshot(&root, &timestamp, last.map(|last| &last.snapshot), &bytes)?;
                files.push((root.content.file_of(Role::Snapshot, snapshot.version), bytes));
                snapshot
            }
            (None, Some(last)) => last.snapshot.clone(),
            (None, None) => return Ok(()),
        };
        files.extend(timestamp_bytes.map(|bytes| (Role::Timestamp.file(), bytes)));
        // Last: a repository with a root is a whole one, and clients with the old root find what its keys have signed.
        files.extend(root_bytes.map(|bytes| (Role::Root.versioned_file(root.version), bytes)));
        let targets = self.proven_targets(&root, &snapshot)?;
        let published = Published {
            root,
            targets,
            snapshot,
            timestamp,
        };
        self.check_new(&published, now)?;
        self.pending.extend(files);
        self.published = Some(published);
        self.draft = Draft::default();
        Ok(())
    }

    /// Each targets role, the new ones as a client takes them in.
    fn proven_targets(
        &self,
        root: &Verified<Signed<Root>>,
        snapshot: &Verified<Signed<Snapshot>>,
    ) -> Result<BTreeMap<String, Verified<Signed<Targets>>>, TufError> {
        let name = Role::Targets.name();
        let last = |name: &str| self.published.as_ref().and_then(|last| last.targets.get(name)).cloned();
        let top = match self.draft.targets.get(name) {
            Some(document) => Some(accept_targets(root, snapshot, &document.bytes()?)?),
            None => last(name),
        };
        let Some(top) = top else {
            return Ok(BTreeMap::new());
        };
        let mut targets = BTreeMap::new();
        for bin in bins::names(&top.content) {
            let proven = match self.draft.targets.get(&bin) {
                Some(document) => Some(bins::accept(&top, snapshot, &bin, &document.bytes()?)?),
                None => last(&bin),
            };
            targets.extend(proven.map(|proven| (bin, proven)));
        }
        targets.insert(name.to_owned(), top);
        Ok(targets)
    }

    /// New metadata must be fresh, and what lists targets anew must be so with all that it hangs on. An old role may be
    /// renewed while another still waits for its own renewal.
    fn check_new(&self, new: &Published, now: Time) -> Result<(), TufError> {
        if !self.draft.targets.is_empty() {
            return new.check_fresh(now);
        }
        fresh_if(self.draft.root.is_some(), &new.root, now)?;
        fresh_if(self.draft.snapshot.is_some(), &new.snapshot, now)?;
        fresh_if(self.draft.timestamp.is_some(), &new.timestamp, now)
    }
}

fn fresh_if<C: Content>(is_new: bool, role: &Signed<C>, now: Time) -> Result<(), TufError> {
    if is_new { role.check_fresh(now) } else { Ok(()) }
}
