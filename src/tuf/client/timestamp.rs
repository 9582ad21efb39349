//! 5.4: which snapshot is the newest.

use super::{Asking, Note, Trust, needed};
use crate::tuf::TufError;
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{MetaFile, Role, Root, Signed, Timestamp};

pub fn update(
    trust: &Trust,
    root: &Verified<Signed<Root>>,
    asking: Asking<'_>,
) -> Result<Verified<Signed<Timestamp>>, TufError> {
    // 5.4.1
    let bytes = needed(asking.source, Role::Timestamp.file(), Role::Timestamp.limit())?;
    let trusted = trust.load::<Timestamp>(root)?;
    let offered = accept(root, trusted.as_ref(), &bytes)?;
    // 5.4.3.1: an equal version is the one known already; what it announces may still have to be fetched after a broken refresh.
    if let Some(trusted) = trusted.filter(|trusted| trusted.version == offered.version) {
        asking.check_fresh(&trusted)?;
        (asking.tell)(&Note::current(Role::Timestamp, trusted.version));
        return Ok(trusted);
    }
    // 5.4.4
    asking.check_fresh(&offered)?;
    // 5.4.5
    trust.store(Role::Timestamp, &bytes)?;
    (asking.tell)(&Note::accepted(Role::Timestamp, offered.version));
    Ok(offered)
}

pub fn accept(
    root: &Verified<Signed<Root>>,
    trusted: Option<&Verified<Signed<Timestamp>>>,
    bytes: &[u8],
) -> Result<Verified<Signed<Timestamp>>, TufError> {
    // 5.4.2
    let offered = Document::<Timestamp>::parse(bytes)?.verified_by(root)?;
    let Some(trusted) = trusted else { return Ok(offered) };
    // 5.4.3.1
    not_older(Role::Timestamp, trusted.version, offered.version)?;
    // 5.4.3.2
    let (old, new) = (snapshot_meta(trusted)?, snapshot_meta(&offered)?);
    not_older(Role::Snapshot, old.version, new.version)?;
    Ok(offered)
}

pub fn snapshot_meta(timestamp: &Signed<Timestamp>) -> Result<&MetaFile, TufError> {
    let file = Role::Snapshot.file();
    let meta = timestamp.content.meta.get(&file);
    meta.ok_or_else(|| TufError::malformed(Role::Timestamp, format_args!("it does not announce {file}")))
}

fn not_older(role: Role, trusted: u64, offered: u64) -> Result<(), TufError> {
    if offered >= trusted {
        return Ok(());
    }
    Err(TufError::Rollback { role, trusted, offered })
}
