//! Rotation of the backups' master key: a new one in front of every slot's ring, and what the older ones have sealed sealed anew.

use serde::Serialize;

use super::backup_keys::{author, dir_of, way};
use super::backups::failed;
use super::{AppError, Installation, Result};
use crate::backup::keys::{self, Fingerprint, Keyring, Listed, Unlock};
use crate::backup::{self, Repository, Resealed};
use crate::engine::InstallationLock;
use crate::release::counted;

/// What came of a rotation.
#[derive(Debug, Serialize)]
pub struct Rotated {
    /// The fingerprint of the current key.
    pub key: Fingerprint,
    /// It was made now; otherwise an earlier rotation went on.
    pub new: bool,
    /// Slots that hold it.
    pub slots: Vec<Listed>,
    /// Slots that do not, because their secret was not at hand.
    pub behind: Vec<Listed>,
    pub resealed: Resealed,
}

/// What came of forgetting older keys.
#[derive(Debug, Serialize)]
pub struct Forgotten {
    pub keys: Vec<Fingerprint>,
    /// Slots that hold them no more.
    pub slots: Vec<Listed>,
    /// Slots that still do, because their secret was not at hand.
    pub left: Vec<Listed>,
}

/// Begins a rotation, or goes on with one that is not finished, up to its end. Only its beginning keeps others out; `heard` hears the
/// bytes that are left.
pub fn rotate_master_key(
    installation: &Installation,
    unlock: Option<&Unlock>,
    heard: &mut dyn FnMut(u64),
) -> Result<Rotated> {
    let begun = {
        let _lock = InstallationLock::take(&installation.layout, "netlink backup keys rotate --master")?;
        begin(installation, unlock)?
    };
    let Begun {
        repository,
        rewrapped,
        new,
    } = begun;
    let resealed = backup::reseal(&repository, None, heard).map_err(|e| failed(&e))?;
    Ok(Rotated {
        key: repository.master().fingerprint(),
        new,
        slots: rewrapped.done,
        behind: rewrapped.left,
        resealed,
    })
}

struct Begun {
    repository: Repository,
    rewrapped: keys::Rewrapped,
    new: bool,
}

fn begin(installation: &Installation, unlock: Option<&Unlock>) -> Result<Begun> {
    let dir = dir_of(installation, unlock)?;
    let found = keys::open_to_write(&dir, &way(installation, unlock)?)?;
    let new = !is_unfinished(&dir, &found)?;
    let ring = if new { found.rotated() } else { found };
    let rewrapped = keys::rewrap(&dir, &ring, &at_hand(installation, &dir, unlock)?, &author())?;
    let repository = Repository::open(&dir, ring).map_err(|e| failed(&e))?;
    Ok(Begun {
        repository,
        rewrapped,
        new,
    })
}

/// An older key of the ring has sealed something that is there.
fn is_unfinished(dir: &std::path::Path, ring: &Keyring) -> Result<bool> {
    let sealed = backup::sealed_by(dir).map_err(|e| failed(&e))?;
    let mut older = ring.older().iter().map(keys::Master::fingerprint);
    Ok(older.any(|key| sealed.iter().any(|one| one.key == Some(key))))
}

/// The way that opened, and besides it the one that updates take, where that opens too.
fn at_hand(installation: &Installation, dir: &std::path::Path, unlock: Option<&Unlock>) -> Result<Vec<Unlock>> {
    let mut ways = vec![way(installation, unlock)?];
    if let (Some(_), Ok(usual)) = (unlock, way(installation, None))
        && keys::slot_of(dir, &usual).is_ok()
    {
        ways.push(usual);
    }
    Ok(ways)
}

/// Takes older master keys out of the slots, once nothing is sealed with them.
pub fn forget_older_keys(installation: &Installation, unlock: Option<&Unlock>) -> Result<Forgotten> {
    let _lock = InstallationLock::take(&installation.layout, "netlink backup keys forget-older")?;
    let dir = dir_of(installation, unlock)?;
    let ring = keys::open_to_write(&dir, &way(installation, unlock)?)?;
    let repository = Repository::open(&dir, ring.clone()).map_err(|e| failed(&e))?;
    let _alone = repository.lock(backup::Purpose::Write).map_err(|e| failed(&e))?;
    let current = Some(ring.current().fingerprint());
    let others = backup::sealed_by(&dir).map_err(|e| failed(&e))?.into_iter();
    let left: u64 = others.filter(|one| one.key != current).map(|one| one.files).sum();
    if left > 0 {
        let message = format!(
            "not sealed with the current key yet: {} of {}; run `netlink backup keys rotate --master` first, \
             and `netlink backup repair` when some are damaged",
            counted(left, "file"),
            dir.display()
        );
        return Err(AppError::said("NL0627", message));
    }
    let rewrapped = keys::forget_older(&dir, &ring, &at_hand(installation, &dir, unlock)?, &author())?;
    Ok(Forgotten {
        keys: ring.older().iter().map(keys::Master::fingerprint).collect(),
        slots: rewrapped.done,
        left: rewrapped.left,
    })
}
