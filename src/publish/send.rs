//! A repository of this machine put to where operators read it: what metadata names comes before it, and what readers ask for first comes
//! last, so that whatever they find at any moment belongs together. Repeatable: what is there already is not sent again.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::repository::{self, METADATA_LIMIT};
use super::verify::check_target;
use super::whole::Whole;
use super::{METADATA, PublishError, ROOT_COPY};
use crate::crypt::{Digest, Hasher};
use crate::disk;
use crate::fetch::Network;
use crate::fetch::store::{Destination, Seen, Store, StoreError};
use crate::named;
use crate::release::TargetRef;
use crate::tuf::{self, Editor, Role};

#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "{to} has {role} {there}, this repository only {role} {here}: somebody published there from elsewhere; publish from the repository that it was done with, or bring this one up to that first"
    )]
    Ahead {
        to: String,
        role: &'static str,
        there: u64,
        here: u64,
    },
    #[error(
        "{name} at {to} is another than here: somebody published there from elsewhere, or it is another repository; nothing was put over it"
    )]
    Other { to: String, name: String },
    #[error(
        "{name} at {to} has {found} bytes and not the {expected} that are signed; nothing was put over it, take it away first"
    )]
    Length {
        to: String,
        name: String,
        found: u64,
        expected: u64,
    },
    #[error(
        "{name} at {to} has digest {found} and not {expected}, which is signed; nothing was put over it, take it away first"
    )]
    Digest {
        to: String,
        name: String,
        found: Digest,
        expected: Digest,
    },
    #[error("{name} at {to} is not metadata of a repository: {reason}")]
    NotMetadata { to: String, name: String, reason: String },
}

#[derive(Debug, Serialize)]
pub struct Sent {
    pub to: String,
    /// Names of the files that were not there.
    pub sent: Vec<String>,
    pub bytes: u64,
    /// How many were there already.
    pub there: usize,
    pub warnings: Vec<String>,
}

/// How the place is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking {
    /// Names and lengths of targets; metadata byte by byte.
    Lengths,
    /// Every byte of every target.
    Bytes,
}

struct Sending<'a> {
    repository: &'a Path,
    to: String,
    store: Store,
    /// Metadata as it was when the sending began.
    kept: BTreeMap<String, Vec<u8>>,
    sent: Sent,
}

/// Brings the place up to the repository, which is checked as a client would check it.
pub fn send(
    repository: &Path,
    to: &Destination,
    network: &Network,
    looking: Looking,
    now: Timestamp,
) -> Result<Sent, PublishError> {
    // Whatever is signed here while files are on their way comes with the next sending: a slow line keeps nobody from signing.
    let (editor, lock) = repository::hold(repository)?;
    editor.check_fresh(now)?;
    let whole = Whole::of(repository, &editor, now)?;
    let (own, roots) = editor.published_files();
    // What a snapshot announces is there before it.
    let before: Vec<String> = whole.roles.iter().map(|role| role.file.clone()).chain(own).collect();
    let kept = kept(repository, before.iter().chain(&roots))?;
    drop(lock);
    let store = Store::open(to, network).map_err(SendError::from)?;
    let mut sending = Sending {
        repository,
        to: to.to_string(),
        store,
        kept,
        sent: Sent {
            to: to.to_string(),
            sent: Vec::new(),
            bytes: 0,
            there: 0,
            warnings: repository::warnings(&editor, now),
        },
    };
    let seen = sending.standing(&editor)?;
    for target in whole.target_refs()? {
        sending.target(&target, looking)?;
    }
    for name in &before {
        sending.metadata(name)?;
    }
    sending.timestamp(seen)?;
    // Behind the timestamp, as in the repository itself: clients with the old root find what its keys have signed.
    for name in &roots {
        sending.metadata(name)?;
    }
    sending.new_file(ROOT_COPY)?;
    Ok(sending.sent)
}

fn kept<'a>(
    repository: &Path,
    names: impl Iterator<Item = &'a String>,
) -> Result<BTreeMap<String, Vec<u8>>, PublishError> {
    let timestamp = in_metadata(&Role::Timestamp.file());
    let names = names
        .map(|name| in_metadata(name))
        .chain([timestamp, ROOT_COPY.to_owned()]);
    let read = |name: String| {
        let bytes = disk::read_limited(&repository.join(&name), METADATA_LIMIT)?;
        Ok((name, bytes))
    };
    names.map(read).collect()
}

impl Sending<'_> {
    /// What readers of the place see now; refused when they see something that this repository does not come after.
    fn standing(&mut self, editor: &Editor) -> Result<Option<Seen>, PublishError> {
        let version = |role| {
            editor
                .states()
                .iter()
                .find(|state| state.role == role)
                .map_or(0, |state| state.version)
        };
        let next = Role::Root.versioned_file(version(Role::Root).saturating_add(1));
        if self.store.size(&in_metadata(&next)).map_err(SendError::from)?.is_some() {
            return Err(self
                .ahead(Role::Root, version(Role::Root) + 1, version(Role::Root))
                .into());
        }
        // Another repository of the same numbers.
        let first = Role::Root.versioned_file(1);
        if let Some(there) = self.read(&in_metadata(&first))?
            && there.bytes != self.local(&in_metadata(&first))?
        {
            return Err(self.other(&in_metadata(&first)).into());
        }
        let name = in_metadata(&Role::Timestamp.file());
        let Some(there) = self.read(&name)? else {
            return Ok(None);
        };
        if there.bytes == self.local(&name)? {
            return Ok(Some(there));
        }
        let announced = announced(&there.bytes).map_err(|reason| SendError::NotMetadata {
            to: self.to.clone(),
            name: name.clone(),
            reason,
        })?;
        for (role, number) in [
            (Role::Timestamp, announced.timestamp),
            (Role::Snapshot, announced.snapshot),
        ] {
            if number > version(role) {
                return Err(self.ahead(role, number, version(role)).into());
            }
        }
        if announced.timestamp == version(Role::Timestamp) {
            return Err(self.other(&name).into());
        }
        // What readers have been given must be of this repository's own history, as far as that is still here.
        let snapshot = in_metadata(&Role::Snapshot.versioned_file(announced.snapshot));
        if let (Some(theirs), Ok(ours)) = (self.read(&snapshot)?, self.local(&snapshot))
            && theirs.bytes != ours
        {
            return Err(self.other(&snapshot).into());
        }
        Ok(Some(there))
    }

    fn target(&mut self, target: &TargetRef, looking: Looking) -> Result<(), PublishError> {
        let name = tuf::target_file(&target.name, target.sha256)?;
        let size = self.store.size(&name).map_err(SendError::from)?;
        if let Some(found) = size {
            if found != target.length {
                return Err(SendError::Length {
                    to: self.to.clone(),
                    name,
                    found,
                    expected: target.length,
                }
                .into());
            }
            if looking == Looking::Bytes {
                self.compare(&name, target.sha256)?;
            }
            self.sent.there += 1;
            return Ok(());
        }
        let path = check_target(self.repository, target)?;
        self.store
            .put_file(&name, &path, target.length)
            .map_err(SendError::from)?;
        self.count(name, target.length);
        Ok(())
    }

    fn compare(&mut self, name: &str, expected: Digest) -> Result<(), SendError> {
        let mut hasher = Hasher::default();
        self.store.read_through(name, &mut |bytes| hasher.update(bytes))?;
        let found = hasher.finish();
        if found == expected {
            return Ok(());
        }
        Err(SendError::Digest {
            to: self.to.clone(),
            name: name.to_owned(),
            found,
            expected,
        })
    }

    /// A file with its version in its name, which never gets other bytes.
    fn metadata(&mut self, name: &str) -> Result<(), PublishError> {
        self.new_file(&in_metadata(name))
    }

    fn new_file(&mut self, name: &str) -> Result<(), PublishError> {
        let bytes = self.local(name)?;
        match self.read(name)? {
            Some(there) if there.bytes == bytes => self.sent.there += 1,
            Some(_) => return Err(self.other(name).into()),
            None => {
                self.store.put_new(name, &bytes).map_err(|e| self.taken(name, e))?;
                self.count(name.to_owned(), bytes.len() as u64);
            }
        }
        Ok(())
    }

    /// What makes all of it visible; only in the place of what was seen at the beginning.
    fn timestamp(&mut self, seen: Option<Seen>) -> Result<(), PublishError> {
        let name = in_metadata(&Role::Timestamp.file());
        let bytes = self.local(&name)?;
        match seen {
            Some(seen) if seen.bytes == bytes => {
                self.sent.there += 1;
                return Ok(());
            }
            Some(seen) => self.store.replace(&name, &bytes, &seen),
            None => self.store.put_new(&name, &bytes),
        }
        .map_err(|e| self.taken(&name, e))?;
        self.count(name, bytes.len() as u64);
        Ok(())
    }

    fn read(&mut self, name: &str) -> Result<Option<Seen>, SendError> {
        Ok(self.store.read(name, METADATA_LIMIT)?)
    }

    fn local(&self, name: &str) -> Result<Vec<u8>, PublishError> {
        if let Some(kept) = self.kept.get(name) {
            return Ok(kept.clone());
        }
        // Of an earlier state, which nobody changes any more.
        Ok(disk::read_limited(&self.repository.join(name), METADATA_LIMIT)?)
    }

    fn count(&mut self, name: String, bytes: u64) {
        self.sent.sent.push(name);
        self.sent.bytes += bytes;
    }

    fn taken(&self, name: &str, error: StoreError) -> SendError {
        match error {
            StoreError::Taken { .. } => self.other(name),
            other => other.into(),
        }
    }

    fn other(&self, name: &str) -> SendError {
        SendError::Other {
            to: self.to.clone(),
            name: name.to_owned(),
        }
    }

    fn ahead(&self, role: Role, there: u64, here: u64) -> SendError {
        SendError::Ahead {
            to: self.to.clone(),
            role: role.name(),
            there,
            here,
        }
    }
}

fn in_metadata(name: &str) -> String {
    format!("{METADATA}/{name}")
}

/// The versions that a timestamp names.
struct Announced {
    timestamp: u64,
    snapshot: u64,
}

/// Nothing is believed of it: it only says whether to stop here.
fn announced(bytes: &[u8]) -> Result<Announced, String> {
    #[derive(Deserialize)]
    struct File {
        signed: Signed,
    }
    #[derive(Deserialize)]
    struct Signed {
        version: u64,
        meta: BTreeMap<String, Meta>,
    }
    #[derive(Deserialize)]
    struct Meta {
        version: u64,
    }
    let file: File = named::from_json(bytes).map_err(|e| e.to_string())?;
    let snapshot = file.signed.meta.get("snapshot.json").ok_or("it names no snapshot")?;
    Ok(Announced {
        timestamp: file.signed.version,
        snapshot: snapshot.version,
    })
}
