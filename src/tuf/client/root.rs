//! 5.3: from the trusted root to the newest one, each signed by the one before.

use super::{Asking, Note, Trust, limited};
use crate::tuf::TufError;
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{Role, Root, Signed};

/// `Y` of 5.3.3: more root versions than this in one refresh are an attempt to keep the client busy.
const ROOTS: u64 = 1024;

pub fn update(trust: &Trust, asking: Asking<'_>) -> Result<Verified<Signed<Root>>, TufError> {
    let mut root = trust.root()?;
    for _ in 0..ROOTS {
        // 5.3.2, 5.3.3
        let name = Role::Root.versioned_file(root.version.saturating_add(1));
        let Some(bytes) = asking.source.get(&name, Role::Root.limit())? else {
            // 5.3.10
            root.check_fresh(asking.now)?;
            return Ok(root);
        };
        limited(&name, &bytes, Role::Root.limit())?;
        let newer = next(&root, &bytes)?;
        // 5.3.11, before the root is kept: a crash in between must not leave metadata of an attacker with the new root.
        if rotated(&root, &newer) {
            trust.forget(Role::Timestamp)?;
            trust.forget(Role::Snapshot)?;
            (asking.tell)(&Note::Recovered { root: newer.version });
        }
        // 5.3.7, 5.3.8
        trust.store(Role::Root, &bytes)?;
        (asking.tell)(&Note::accepted(Role::Root, newer.version));
        root = newer;
    }
    Err(TufError::TooManyRoots { limit: ROOTS })
}

/// The root after `trusted`, if it is that.
pub fn next(trusted: &Verified<Signed<Root>>, bytes: &[u8]) -> Result<Verified<Signed<Root>>, TufError> {
    // 5.3.4
    let document = Document::<Root>::parse(bytes)?;
    document.check_signatures(trusted)?;
    let newer = document.verified_by_itself()?;
    // 5.3.5
    let expected = trusted.version.saturating_add(1);
    if newer.version != expected {
        return Err(TufError::WrongVersion {
            role: Role::Root,
            found: newer.version,
            by: "its name",
            expected,
        });
    }
    Ok(newer)
}

fn rotated(old: &Signed<Root>, new: &Signed<Root>) -> bool {
    [Role::Timestamp, Role::Snapshot]
        .into_iter()
        .any(|role| old.content.signatories(role) != new.content.signatories(role))
}
