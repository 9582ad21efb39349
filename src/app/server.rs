//! What the server needs of an installation besides its verbs: the token that lets in, and going on after a restart.

use std::path::Path;

use super::updating::take_up;
use super::{Accepted, AppError, Installation, Result};
use crate::crypt::{self, Secret};
use crate::disk;
use crate::engine::LockError;

const TOKEN_LIMIT: u64 = 4096;

/// The bearer token of this installation's server; made when the server first starts, readable by the owner alone.
pub fn server_token(installation: &Installation) -> Result<Secret> {
    let path = installation.layout.token();
    match disk::read_text_limited(&path, TOKEN_LIMIT) {
        Ok(text) if text.trim().len() >= 32 => return Ok(Secret::from(text.trim().to_owned())),
        Ok(_) => {
            let message = format!("{} is too short for a token; remove it and start again", path.display());
            return Err(AppError::said("NL0704", message));
        }
        Err(e) if e.is_missing() => {}
        Err(e) => return Err(e.into()),
    }
    let token = hex::encode(crypt::random::<32>());
    disk::write_atomic(&path, format!("{token}\n").as_bytes(), 0o600)?;
    Ok(Secret::from(token))
}

/// An update that died or that the end of a server paused, with the lock for it; none when it waits for a person or another
/// process is at it.
pub fn left_unfinished(root: &Path, config: Option<&Path>) -> Result<Option<Accepted>> {
    let left = take_up(root, config, "netlink serve");
    match left {
        Err(AppError::Lock(LockError::Busy { .. })) => Ok(None),
        Ok(Some(left)) if left.waits_for_a_person()? => Ok(None),
        left => left,
    }
}
