//! 5.6: the files of the repository, as the top-level role lists them.

use super::snapshot::targets_meta;
use super::{Asking, Note, Trust, needed};
use crate::tuf::TufError;
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{MetaFile, Role, Root, Signed, Snapshot, Targets};

pub fn update(
    trust: &Trust,
    root: &Verified<Signed<Root>>,
    snapshot: &Verified<Signed<Snapshot>>,
    asking: Asking<'_>,
) -> Result<Verified<Signed<Targets>>, TufError> {
    if let Some(current) = current(trust, root, snapshot, &|one| asking.check_fresh(one))? {
        (asking.tell)(&Note::current(Role::Targets, current.version));
        return Ok(current);
    }
    let meta = targets_meta(snapshot)?;
    // 5.6.1
    let name = root.content.file_of(Role::Targets, meta.version);
    let limit = Role::Targets.limit().min(meta.length.unwrap_or(u64::MAX));
    let bytes = needed(asking.source, name, limit)?;
    let offered = accept(root, snapshot, &bytes)?;
    // 5.6.5
    asking.check_fresh(&offered)?;
    // 5.6.6
    trust.store(Role::Targets, &bytes)?;
    (asking.tell)(&Note::accepted(Role::Targets, offered.version));
    Ok(offered)
}

/// The targets on this disk, when they are the announced ones.
pub fn current(
    trust: &Trust,
    root: &Verified<Signed<Root>>,
    snapshot: &Verified<Signed<Snapshot>>,
    check_fresh: &dyn Fn(&Signed<Targets>) -> Result<(), TufError>,
) -> Result<Option<Verified<Signed<Targets>>>, TufError> {
    let current = trust.announced(root, targets_meta(snapshot)?)?;
    if let Some(signed) = &current {
        check_fresh(signed)?;
    }
    Ok(current)
}

pub fn accept(
    root: &Verified<Signed<Root>>,
    snapshot: &Verified<Signed<Snapshot>>,
    bytes: &[u8],
) -> Result<Verified<Signed<Targets>>, TufError> {
    accept_by(targets_meta(snapshot)?, bytes, |document| document.verified_by(root))
}

/// The same for the top-level list and for delegated ones, but for who signs.
pub fn accept_by(
    meta: &MetaFile,
    bytes: &[u8],
    verify: impl FnOnce(Document<Targets>) -> Result<Verified<Signed<Targets>>, TufError>,
) -> Result<Verified<Signed<Targets>>, TufError> {
    // 5.6.2
    if let Some(what) = meta.difference(bytes) {
        return Err(TufError::WrongBytes {
            role: Role::Targets,
            version: meta.version,
            what,
            by: Role::Snapshot,
        });
    }
    // 5.6.3
    let offered = verify(Document::parse(bytes)?)?;
    // 5.6.4
    if offered.version != meta.version {
        return Err(TufError::WrongVersion {
            role: Role::Targets,
            found: offered.version,
            by: Role::Snapshot.name(),
            expected: meta.version,
        });
    }
    Ok(offered)
}
