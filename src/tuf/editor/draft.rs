//! What is to come and may lack signatures: documents of the next versions. It is kept in one file, so that it is there whole or not at all.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::Published;
use crate::disk;
use crate::tuf::TufError;
use crate::tuf::document::Document;
use crate::tuf::json::parse_strict;
use crate::tuf::model::{Content, Role, Root, Signed, Snapshot, Targets, Timestamp};

/// A draft is at most this long: all bins, each as long as clients read.
const LIMIT: u64 = 256 << 20;

#[derive(Debug, Default)]
pub struct Draft {
    pub root: Option<Document<Root>>,
    /// The top-level role and its bins, by their names.
    pub targets: BTreeMap<String, Document<Targets>>,
    pub snapshot: Option<Document<Snapshot>>,
    pub timestamp: Option<Document<Timestamp>>,
}

/// The draft in a file; none when there is no such file.
pub fn read(path: &Path) -> Result<Option<Draft>, TufError> {
    let bytes = match disk::read_limited(path, LIMIT) {
        Ok(bytes) => bytes,
        Err(e) if e.is_missing() => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let wrong = |reason: String| TufError::DamagedDraft {
        path: path.to_owned(),
        reason,
    };
    let files = parse_strict(&bytes).map_err(|e| wrong(e.to_string()))?;
    let files: BTreeMap<String, Value> = serde_json::from_value(files).map_err(|e| wrong(e.to_string()))?;
    let mut draft = Draft::default();
    for (role, value) in files {
        let bytes = serde_json::to_vec(&value).map_err(|e| wrong(e.to_string()))?;
        let put = match role.as_str() {
            "root" => Document::parse(&bytes).map(|document| draft.root = Some(document)),
            "snapshot" => Document::parse(&bytes).map(|document| draft.snapshot = Some(document)),
            "timestamp" => Document::parse(&bytes).map(|document| draft.timestamp = Some(document)),
            _ => Document::parse(&bytes).map(|document| drop(draft.targets.insert(role, document))),
        };
        put.map_err(|e| wrong(e.to_string()))?;
    }
    Ok(Some(draft))
}

impl Draft {
    pub fn is_empty(&self) -> bool {
        self.root.is_none() && self.targets.is_empty() && self.snapshot.is_none() && self.timestamp.is_none()
    }

    pub fn write(&self, path: &Path) -> Result<(), TufError> {
        let mut files = BTreeMap::new();
        add(&mut files, Role::Root.name(), self.root.as_ref())?;
        for (name, document) in &self.targets {
            add(&mut files, name, Some(document))?;
        }
        // Without a signature they are made anew when they can be signed, with what is current then.
        add(
            &mut files,
            Role::Snapshot.name(),
            self.snapshot.as_ref().filter(|one| one.is_signed()),
        )?;
        add(
            &mut files,
            Role::Timestamp.name(),
            self.timestamp.as_ref().filter(|one| one.is_signed()),
        )?;
        let bytes = serde_json::to_vec(&files).map_err(|e| TufError::malformed(Role::Targets, e))?;
        Ok(disk::write_atomic(path, &bytes, 0o644)?)
    }

    /// Without what is published already: a run that was cut short leaves the draft behind. What belongs to an older state of the repository is
    /// an error where people signed it, and forgotten where it is made anew.
    pub fn still_next(mut self, published: &Published) -> Result<Self, TufError> {
        self.root = next(self.root, Some(&*published.root))?;
        let mut targets = BTreeMap::new();
        for (name, document) in self.targets {
            let last = published.targets.get(&name).map(|last| &**last);
            targets.extend(next(Some(document), last)?.map(|document| (name, document)));
        }
        self.targets = targets;
        self.snapshot = self
            .snapshot
            .filter(|one| one.signed().version == published.snapshot.version.saturating_add(1));
        self.timestamp = self
            .timestamp
            .filter(|one| one.signed().version == published.timestamp.version.saturating_add(1));
        Ok(self)
    }
}

fn add<C: Content>(
    files: &mut BTreeMap<String, Value>,
    role: &str,
    document: Option<&Document<C>>,
) -> Result<(), TufError> {
    if let Some(document) = document {
        let value = serde_json::from_slice(&document.bytes()?).map_err(|e| TufError::malformed(C::ROLE, e))?;
        files.insert(role.to_owned(), value);
    }
    Ok(())
}

fn next<C: Content + PartialEq>(
    document: Option<Document<C>>,
    last: Option<&Signed<C>>,
) -> Result<Option<Document<C>>, TufError> {
    let Some(document) = document else { return Ok(None) };
    let version = last.map_or(0, |last| last.version);
    if Some(document.signed()) == last {
        return Ok(None);
    }
    if document.signed().version == version.saturating_add(1) {
        return Ok(Some(document));
    }
    Err(TufError::StaleDraft {
        role: C::ROLE,
        draft: document.signed().version,
        published: version,
    })
}
