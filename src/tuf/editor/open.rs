//! Reading a repository back, with the client's own checks: an editor never builds on what a client would refuse.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Published, bins};
use crate::disk;
use crate::tuf::TufError;
use crate::tuf::client::{accept_snapshot, accept_targets, accept_timestamp, next_root};
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{MetaFile, Role, Root, Signed};

pub fn open(metadata: &Path) -> Result<Published, TufError> {
    let root = newest_root(metadata)?;
    let bytes = needed(metadata, Role::Timestamp, Role::Timestamp.file())?;
    let timestamp = accept_timestamp(&root, None, &bytes)?;
    let announced = |meta: &BTreeMap<String, MetaFile>, name: &str| {
        let version = meta.get(&format!("{name}.json")).map_or(0, |file| file.version);
        root.content.file_named(name, version)
    };
    let name = announced(&timestamp.content.meta, Role::Snapshot.name());
    let snapshot = accept_snapshot(&root, &timestamp, None, &needed(metadata, Role::Snapshot, name)?)?;
    let name = announced(&snapshot.content.meta, Role::Targets.name());
    let top = accept_targets(&root, &snapshot, &needed(metadata, Role::Targets, name)?)?;
    let mut targets = BTreeMap::new();
    for bin in bins::names(&top.content) {
        let bytes = needed(metadata, Role::Targets, announced(&snapshot.content.meta, &bin))?;
        let listing = bins::accept(&top, &snapshot, &bin, &bytes)?;
        targets.insert(bin, listing);
    }
    targets.insert(Role::Targets.name().to_owned(), top);
    Ok(Published {
        root,
        targets,
        snapshot,
        timestamp,
    })
}

fn newest_root(metadata: &Path) -> Result<Verified<Signed<Root>>, TufError> {
    let first = needed(metadata, Role::Root, Role::Root.versioned_file(1))?;
    let mut root = Document::parse(&first)?.verified_by_itself()?;
    loop {
        let name = Role::Root.versioned_file(root.version.saturating_add(1));
        match read(metadata, Role::Root, &name)? {
            Some(bytes) => root = next_root(&root, &bytes)?,
            None => return Ok(root),
        }
    }
}

fn needed(metadata: &Path, role: Role, name: String) -> Result<Vec<u8>, TufError> {
    read(metadata, role, &name)?.ok_or(TufError::Missing { name })
}

fn read(metadata: &Path, role: Role, name: &str) -> Result<Option<Vec<u8>>, TufError> {
    match disk::read_limited(&metadata.join(name), role.limit()) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.is_missing() => Ok(None),
        Err(e) => Err(e.into()),
    }
}
