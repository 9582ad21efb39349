//! What the server needs of an installation besides its verbs: going on after a restart, and what tells it from others.

use std::path::Path;

use super::updating::take_up;
use super::{Accepted, AppError, Installation, Result};
use crate::crypt;
use crate::engine::{LockError, Serving, ServingLock};
use crate::store::Fact;

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

/// Tries to be the one server that carries out this installation's orders.
pub fn take_serving(installation: &Installation) -> Result<Serving> {
    Ok(ServingLock::take(&installation.layout)?)
}

/// What tells this installation from all others.
pub fn installation_id(installation: &Installation) -> Result<String> {
    let new = hex::encode(crypt::random::<8>());
    Ok(installation.store.fact_once(Fact::Id, &new)?)
}
