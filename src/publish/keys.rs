//! The signing keys: a PEM file for each role, readable by its owner alone.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::PublishError;
use crate::crypt::{Secret, SigningKey};
use crate::disk;
use crate::tuf::Role;

const KEY_LIMIT: u64 = 64 << 10;

fn file_of(dir: &Path, role: Role) -> PathBuf {
    dir.join(format!("{}.pem", role.name()))
}

/// Makes a key for each role. Keys that are there are never overwritten.
pub fn create(dir: &Path, passphrase: Option<&Secret>) -> Result<BTreeMap<Role, SigningKey>, PublishError> {
    if let Some(role) = Role::ALL.into_iter().find(|role| file_of(dir, *role).exists()) {
        return Err(PublishError::AlreadyThere(file_of(dir, role)));
    }
    disk::create_dir_all(dir)?;
    let make = |role| {
        let key = SigningKey::generate();
        let path = file_of(dir, role);
        let pem = key.to_pem(passphrase).map_err(|source| PublishError::Key {
            path: path.clone(),
            source,
        })?;
        disk::write_atomic(&path, pem.expose(), 0o600)?;
        Ok((role, key))
    };
    Role::ALL.into_iter().map(make).collect()
}

/// The keys of these roles.
pub fn load(dir: &Path, roles: &[Role], passphrase: Option<&Secret>) -> Result<Vec<SigningKey>, PublishError> {
    roles.iter().map(|role| one(&file_of(dir, *role), passphrase)).collect()
}

fn one(path: &Path, passphrase: Option<&Secret>) -> Result<SigningKey, PublishError> {
    let pem = disk::read_text_limited(path, KEY_LIMIT)?;
    let meta = std::fs::metadata(path).map_err(|source| PublishError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PublishError::Exposed {
            path: path.to_path_buf(),
            mode,
        });
    }
    SigningKey::from_pem(&pem, passphrase).map_err(|source| PublishError::Key {
        path: path.to_path_buf(),
        source,
    })
}
