//! A new repository with its keys.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::keys::{self, Held};
use super::repository::Repository;
use super::{METADATA, PublishError, ROOT_COPY, settings};
use crate::crypt::Secret;
use crate::disk;
use crate::tuf::{Editor, LifetimeChanges, Lifetimes, Role, RoleKeys, Signatories, Signer};

/// Which keys sign what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// Root and targets by two of three keys each that lie offline, snapshot and timestamp by keys for a machine that is online.
    Shared,
    /// One key for everything: for trying out.
    SingleKey,
}

#[derive(Debug)]
pub struct InitOptions {
    pub arrangement: Arrangement,
    /// None leaves the keys without encryption.
    pub passphrase: Option<Secret>,
    /// Other lifetimes than the usual ones.
    pub lifetimes: Option<LifetimeChanges>,
    pub now: Timestamp,
}

#[derive(Debug, Serialize)]
pub struct MadeRepository {
    /// The file that operators need.
    pub root_metadata: PathBuf,
    pub keys: Vec<PathBuf>,
}

/// Makes keys and an empty, signed repository.
pub fn init(repository: &Path, key_dir: &Path, options: &InitOptions) -> Result<MadeRepository, PublishError> {
    let first_root = repository.join(METADATA).join(Role::Root.versioned_file(1));
    if disk::exists(&first_root)? {
        return Err(PublishError::AlreadyThere(first_root));
    }
    disk::create_dir_all(repository)?;
    lies_elsewhere(key_dir, repository)?;
    let mut held = Vec::new();
    let signatories = match options.arrangement {
        Arrangement::Shared => shared(key_dir, options.passphrase.as_ref(), &mut held)?,
        Arrangement::SingleKey => single(key_dir, options.passphrase.as_ref(), &mut held)?,
    };
    let mut lifetimes = Lifetimes::default();
    if let Some(changes) = &options.lifetimes {
        lifetimes = lifetimes.changed(changes);
    }
    let mut made = Repository::create(repository, Editor::create(&signatories, lifetimes, options.now)?)?;
    // Before the repository is one: then it is never without them.
    settings::keep(repository, lifetimes)?;
    made.finish_with(&held, options.now)?;
    disk::create_dir_all(&repository.join("targets"))?;
    let root_metadata = repository.join(ROOT_COPY);
    disk::copy_file(&first_root, &root_metadata)?;
    let keys = held.iter().map(|held| held.path().to_path_buf()).collect();
    Ok(MadeRepository { root_metadata, keys })
}

/// All that lies in a repository is for everybody to read.
fn lies_elsewhere(keys: &Path, repository: &Path) -> Result<(), PublishError> {
    let found = |path: &Path| {
        let there = path.ancestors().find(|above| above.exists()).unwrap_or(path);
        there.canonicalize().map_err(|source| PublishError::Read {
            path: path.to_path_buf(),
            source,
        })
    };
    let absolute = std::path::absolute(keys).unwrap_or_else(|_| keys.to_path_buf());
    if found(&absolute)?.starts_with(found(repository)?) {
        return Err(PublishError::KeysInside {
            keys: keys.to_path_buf(),
            repository: repository.to_path_buf(),
        });
    }
    Ok(())
}

fn shared(dir: &Path, passphrase: Option<&Secret>, held: &mut Vec<Held>) -> Result<Signatories, PublishError> {
    let (offline, online) = (dir.join("offline"), dir.join("online"));
    let mut make = |dir: &Path, names: &[&str], threshold| {
        let mut keys = Vec::new();
        for name in names {
            let key = keys::create(dir, name, passphrase)?;
            keys.push(key.key());
            held.push(key);
        }
        Ok::<_, PublishError>(RoleKeys { keys, threshold })
    };
    Ok(Signatories {
        root: make(&offline, &["root-1", "root-2", "root-3"], 2)?,
        targets: make(&offline, &["targets-1", "targets-2", "targets-3"], 2)?,
        snapshot: make(&online, &["snapshot"], 1)?,
        timestamp: make(&online, &["timestamp"], 1)?,
    })
}

fn single(dir: &Path, passphrase: Option<&Secret>, held: &mut Vec<Held>) -> Result<Signatories, PublishError> {
    let key = keys::create(dir, "everything", passphrase)?;
    let alone = RoleKeys {
        keys: vec![key.key()],
        threshold: 1,
    };
    held.push(key);
    Ok(Signatories {
        root: alone.clone(),
        targets: alone.clone(),
        snapshot: alone.clone(),
        timestamp: alone,
    })
}
