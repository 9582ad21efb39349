//! 5.5: which versions of all other metadata belong together.

use super::timestamp::snapshot_meta;
use super::{Asking, Note, Trust, needed};
use crate::tuf::TufError;
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{MetaFile, Role, Root, Signed, Snapshot, Timestamp};

pub fn update(
    trust: &Trust,
    root: &Verified<Signed<Root>>,
    timestamp: &Verified<Signed<Timestamp>>,
    asking: Asking<'_>,
) -> Result<Verified<Signed<Snapshot>>, TufError> {
    if let Some(current) = current(trust, root, timestamp, &|one| asking.check_fresh(one))? {
        (asking.tell)(&Note::current(Role::Snapshot, current.version));
        return Ok(current);
    }
    let meta = snapshot_meta(timestamp)?;
    // 5.5.1
    let name = root.content.file_of(Role::Snapshot, meta.version);
    let limit = Role::Snapshot.limit().min(meta.length.unwrap_or(u64::MAX));
    let bytes = needed(asking.source, name, limit)?;
    let trusted = trust.load::<Snapshot>(root)?;
    let offered = accept(root, timestamp, trusted.as_ref(), &bytes)?;
    // 5.5.6
    asking.check_fresh(&offered)?;
    // 5.5.7
    trust.store(Role::Snapshot, &bytes)?;
    (asking.tell)(&Note::accepted(Role::Snapshot, offered.version));
    Ok(offered)
}

/// The snapshot on this disk, when it is the announced one.
pub fn current(
    trust: &Trust,
    root: &Verified<Signed<Root>>,
    timestamp: &Verified<Signed<Timestamp>>,
    check_fresh: &dyn Fn(&Signed<Snapshot>) -> Result<(), TufError>,
) -> Result<Option<Verified<Signed<Snapshot>>>, TufError> {
    let current = trust.announced(root, snapshot_meta(timestamp)?)?;
    if let Some(signed) = &current {
        check_fresh(signed)?;
    }
    Ok(current)
}

pub fn accept(
    root: &Verified<Signed<Root>>,
    timestamp: &Verified<Signed<Timestamp>>,
    trusted: Option<&Verified<Signed<Snapshot>>>,
    bytes: &[u8],
) -> Result<Verified<Signed<Snapshot>>, TufError> {
    let meta = snapshot_meta(timestamp)?;
    // 5.5.2
    if let Some(what) = meta.difference(bytes) {
        return Err(TufError::WrongBytes {
            role: Role::Snapshot,
            version: meta.version,
            what,
            by: Role::Timestamp,
        });
    }
    // 5.5.3
    let offered = Document::<Snapshot>::parse(bytes)?.verified_by(root)?;
    // 5.5.4
    if offered.version != meta.version {
        return Err(TufError::WrongVersion {
            role: Role::Snapshot,
            found: offered.version,
            by: Role::Timestamp.name(),
            expected: meta.version,
        });
    }
    // 5.5.5
    if let Some(trusted) = trusted {
        for (name, old) in &trusted.content.meta {
            let Some(new) = offered.content.meta.get(name) else {
                return Err(TufError::Dropped {
                    name: name.clone(),
                    version: offered.version,
                });
            };
            if new.version < old.version {
                return Err(TufError::AnnouncedRollback {
                    name: name.clone(),
                    version: offered.version,
                    trusted: old.version,
                    offered: new.version,
                });
            }
        }
    }
    Ok(offered)
}

pub fn targets_meta(snapshot: &Signed<Snapshot>) -> Result<&MetaFile, TufError> {
    let file = Role::Targets.file();
    let meta = snapshot.content.meta.get(&file);
    meta.ok_or_else(|| TufError::malformed(Role::Snapshot, format_args!("it does not announce {file}")))
}
