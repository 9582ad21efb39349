//! What the server needs of an installation besides its verbs: going on after a restart, and a socket to listen at.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use super::updating::take_up;
use super::{Accepted, AppError, Installation, Result};
use crate::engine::{LockError, Serving, ServingLock};
use crate::store::Fact;
use crate::{crypt, disk, host};

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

/// Anybody may connect; who that is decides what one may.
const OPEN_MODE: u32 = 0o666;
/// One group may, and the owner.
const GROUP_MODE: u32 = 0o660;

/// Listens at `path`, for this group alone where there is one; what a server that is gone has left there is replaced.
pub fn listen_at_socket(path: &Path, group: Option<u32>) -> Result<UnixListener> {
    let failed = |what: &str| AppError::said("NL0704", format!("cannot listen at {}: {what}", path.display()));
    if UnixStream::connect(path).is_ok() {
        return Err(failed("another server does"));
    }
    if path.exists() && !is_socket(path) {
        return Err(failed("it is no socket, and is left as it is"));
    }
    disk::remove_file(path)?;
    let listener = UnixListener::bind(path).map_err(|e| failed(&e.to_string()))?;
    if let Some(group) = group {
        let given = disk::set_owner(path, host::user_id(), group);
        given.map_err(|e| {
            failed(&format!(
                "{e}; the server's user has to be root, or a member of the group {group}"
            ))
        })?;
    }
    disk::set_mode(path, if group.is_some() { GROUP_MODE } else { OPEN_MODE })?;
    Ok(listener)
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}
