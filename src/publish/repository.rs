//! A new repository, and the renewal of what expires soon.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{METADATA, PublishError, ROOT_COPY, keys};
use crate::crypt::Secret;
use crate::disk;
use crate::tuf::{Editor, Role, RoleKeys, Signatories};

#[derive(Debug)]
pub struct InitOptions {
    /// None leaves the keys without encryption.
    pub passphrase: Option<Secret>,
    pub now: Timestamp,
}

/// Makes keys and an empty, signed repository; gives the file that operators need.
pub fn init(repository: &Path, key_dir: &Path, options: &InitOptions) -> Result<PathBuf, PublishError> {
    let metadata = repository.join(METADATA);
    let first_root = metadata.join(Role::Root.versioned_file(1));
    if first_root.exists() {
        return Err(PublishError::AlreadyThere(first_root));
    }
    let made = keys::create(key_dir, options.passphrase.as_ref())?;
    let alone = |role| RoleKeys::from(made[&role].public());
    let signatories = Signatories {
        root: alone(Role::Root),
        targets: alone(Role::Targets),
        snapshot: alone(Role::Snapshot),
        timestamp: alone(Role::Timestamp),
    };
    let signers: Vec<_> = made.into_values().collect();
    let mut editor = Editor::create(&signatories, &signers, options.now)?;
    disk::create_dir_all(&repository.join("targets"))?;
    editor.write(&metadata)?;
    let copy = repository.join(ROOT_COPY);
    disk::copy_file(&first_root, &copy)?;
    Ok(copy)
}

/// Opens a repository to change it.
pub fn open(repository: &Path) -> Result<Editor, PublishError> {
    let metadata = repository.join(METADATA);
    if !metadata.join(Role::Root.versioned_file(1)).exists() {
        return Err(PublishError::NotARepository(repository.to_path_buf()));
    }
    Ok(Editor::open(&metadata)?)
}

/// Signs timestamp and snapshot anew.
pub fn timestamp(
    repository: &Path,
    key_dir: &Path,
    passphrase: Option<&Secret>,
    now: Timestamp,
) -> Result<(), PublishError> {
    let mut editor = open(repository)?;
    let signers = keys::load(key_dir, &[Role::Snapshot, Role::Timestamp], passphrase)?;
    editor.renew(&signers, now)?;
    Ok(editor.write(&repository.join(METADATA))?)
}
