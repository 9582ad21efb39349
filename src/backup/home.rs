//! Which of the repositories in a folder of backups is an installation's own: the one that its key opens. Installations that
//! share a folder each have one.

use std::path::PathBuf;

use super::keys::{self, Author, KeysError, Unlock};
use super::repository::Repository;
use super::{BackupError, Result};
use crate::disk;

/// Where an installation's backups lie and what opens them.
#[derive(Debug, Clone)]
pub struct Home {
    pub folder: PathBuf,
    /// Nobody else puts backups there: what the key does not open was ours, and the key is the wrong one.
    pub private: bool,
    pub unlock: Unlock,
}

/// The installation's repository; none when it has none yet.
pub fn find(home: &Home) -> Result<Option<Repository>> {
    for dir in Repository::unframed_in(&home.folder)? {
        if home.private && Repository::holds_any(&dir)? {
            return Err(Repository::lost_frame(&dir));
        }
    }
    let mut refused = None;
    for dir in Repository::all_in(&home.folder)? {
        match keys::open(&dir, &home.unlock) {
            Ok(keyring) => return Repository::open(&dir, keyring).map(Some),
            Err(e @ (KeysError::NotOpened { .. } | KeysError::NoKeyFile { .. })) => refused = Some(e),
            // Its first backup was cut off before it had a key.
            Err(KeysError::NoKeys { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    match refused {
        Some(e) if home.private => Err(e.into()),
        _ => Ok(None),
    }
}

/// The installation's repository, to write to; a new one when it has none yet.
pub fn find_or_make(home: &Home, author: &Author) -> Result<Repository> {
    disk::create_dir_all(&home.folder)?;
    // Two that both find none end with one.
    let _alone = keys::lock_folder(&home.folder)?;
    if let Some(found) = find(home)? {
        let keyring = keys::open_to_write(found.dir(), &home.unlock)?;
        return Repository::open(found.dir(), keyring);
    }
    let dir = match unfinished(home)? {
        Some(dir) => dir,
        None => home.folder.join(Repository::new_name()),
    };
    Repository::make(&dir)?;
    let keyring = keys::create(&dir, &home.unlock, author)?;
    Repository::open(&dir, keyring)
}

/// What a run has begun to make that was killed; in a folder that others use too it may be theirs.
fn unfinished(home: &Home) -> Result<Option<PathBuf>> {
    if !home.private {
        return Ok(None);
    }
    if let Some(dir) = Repository::unframed_in(&home.folder)?.into_iter().next() {
        return Ok(Some(dir));
    }
    for dir in Repository::all_in(&home.folder)? {
        if !keys::exists(&dir)? {
            return Ok(Some(dir));
        }
    }
    Ok(None)
}

/// The same to write to; it is not opened by a slot that a rotation of the master key has left behind.
pub fn existing_to_write(home: &Home) -> Result<Repository> {
    let found = existing(home)?;
    let keyring = keys::open_to_write(found.dir(), &home.unlock)?;
    Repository::open(found.dir(), keyring)
}

/// The installation's repository; an error when it has none.
pub fn existing(home: &Home) -> Result<Repository> {
    find(home)?.ok_or_else(|| BackupError::NothingYet {
        folder: home.folder.clone(),
    })
}
