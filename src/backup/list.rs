//! What backups there are, and which may go.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::format::Opened;
use super::{BackupError, BackupId, Key, Listed, Result, Unreadable};
use crate::disk;

/// Newest first. Reads the beginning of each file only.
pub fn list(dir: &Path, key: &Key) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for name in names(dir)? {
        let Some(id) = BackupId::of_file(&name) else { continue };
        let size = std::fs::metadata(id.file_in(dir)).map_or(0, |meta| meta.len());
        let record = match Opened::open(dir, key, &id) {
            Ok(opened) => Ok(opened.header.record),
            Err(BackupError::Unknown { .. }) => continue,
            Err(e @ BackupError::OtherKey { .. }) => Err(Unreadable::OtherKey(reason(&e))),
            Err(e) => Err(Unreadable::Damaged(reason(&e))),
        };
        listed.push(Listed { id, size, record });
    }
    listed.sort_by(|a, b| (b.id.moment(), &b.id).cmp(&(a.id.moment(), &a.id)));
    Ok(listed)
}

/// Those older than the retention. Kept are the needed ones, those of other keys and, however old, the newest that is whole.
pub fn prune_candidates(
    listed: &[Listed],
    retention_days: impl Into<u64>,
    now: Timestamp,
    needed: &BTreeSet<BackupId>,
) -> Vec<BackupId> {
    let hours = i64::try_from(retention_days.into().saturating_mul(24)).unwrap_or(i64::MAX / 3600);
    let retention = SignedDuration::from_secs(hours.saturating_mul(3600));
    let Ok(limit) = now.checked_sub(retention) else {
        return Vec::new();
    };
    let limit = limit
        .to_zoned(jiff::tz::TimeZone::UTC)
        .strftime("%Y%m%d_%H%M%S")
        .to_string();
    let newest = listed
        .iter()
        .filter(|one| one.record.is_ok())
        .max_by_key(|one| one.id.moment());
    listed
        .iter()
        .filter(|one| !matches!(one.record, Err(Unreadable::OtherKey(_))))
        .filter(|one| one.id.moment().0 < limit.as_str() && !needed.contains(&one.id))
        .filter(|one| newest.is_none_or(|newest| newest.id != one.id))
        .map(|one| one.id.clone())
        .collect()
}

/// Removes a backup; not an error when it is gone already.
pub fn remove(dir: &Path, id: &BackupId) -> Result<()> {
    Ok(disk::remove_file(&id.file_in(dir))?)
}

/// What killed tries left behind. One that is still being written, by another installation that shares the folder, is locked
/// by its writer and stays.
pub fn remove_left_overs(dir: &Path) -> Result<()> {
    for name in names(dir)?.iter().filter(|name| BackupId::is_left_over(name)) {
        let path = dir.join(name);
        let being_written = match File::open(&path) {
            Ok(file) => matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
            Err(_) => false,
        };
        if !being_written {
            disk::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Whether there is any backup in the folder, whosever it is.
pub fn holds_any(dir: &Path) -> Result<bool> {
    Ok(names(dir)?.iter().any(|name| BackupId::of_file(name).is_some()))
}

/// Names in the folder; none when it is not there.
fn names(dir: &Path) -> Result<Vec<String>> {
    let failed = |e| BackupError::io("list", dir, e);
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}

/// The error with its causes.
fn reason(error: &BackupError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str, whole: bool) -> Listed {
        let id: BackupId = id.parse().unwrap();
        let record = super::super::Record {
            id: id.clone(),
            kind: super::super::Kind::Manual,
            version: None,
            by: String::new(),
            created: Timestamp::UNIX_EPOCH,
            trees: Vec::new(),
            files: 0,
            bytes: 0,
            unsettled: 0,
        };
        let record = if whole {
            Ok(record)
        } else {
            Err(Unreadable::Damaged("flipped".into()))
        };
        Listed { id, size: 0, record }
    }

    #[test]
    fn retention_spares_the_needed_the_young_and_the_newest_whole_one() {
        let all = [
            listed("backup_0b1_20260120_000000", false),
            listed("backup_0b1_20260110_000000_2", true),
            listed("backup_0b1_20260110_000000", true),
            listed("backup_0a1_20260101_000000", true),
        ];
        let ids = |found: Vec<BackupId>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
        let foreign = Listed {
            record: Err(Unreadable::OtherKey("key 1234".into())),
            ..all[0].clone()
        };
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        assert!(prune_candidates(&[foreign], 10_u32, now, &BTreeSet::new()).is_empty());
        let needed = BTreeSet::from([all[3].id.clone()]);
        assert_eq!(
            ids(prune_candidates(&all, 10_u32, now, &needed)),
            ["backup_0b1_20260120_000000", "backup_0b1_20260110_000000"]
        );
        assert!(prune_candidates(&all, 100_u32, now, &BTreeSet::new()).is_empty());
        assert!(prune_candidates(&all, u64::MAX, now, &BTreeSet::new()).is_empty());
    }
}
