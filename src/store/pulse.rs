//! Whether anybody has committed anything since: so cheap to find out that every request can.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::sqlite_file::sibling;
use super::{Result, Store};

/// SQLite's index of its log (`-shm`) begins with two copies of a head, in which every commit of a change, whoever makes it, has counted it
/// and named the log's last frame before it returns ("WAL-Index File Format" of sqlite.org).
const HEAD: usize = 96;
const WAL: &str = "wal";

/// The state at a moment, without what it says: equal only when nothing was committed in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat([u8; HEAD]);

#[derive(Debug)]
pub struct Pulse {
    index: Option<&'static File>,
    /// As long as somebody has the state open nobody takes its index away.
    _open: Mutex<Store>,
}

impl Pulse {
    /// Of a state that is there.
    pub fn of(path: &Path) -> Result<Self> {
        let store = Store::open_to_read(path)?;
        let mode: String = store.try_to("read", |db| {
            db.pragma_query_value(None, "journal_mode", |row| row.get(0))
        })?;
        // Elsewhere SQLite keeps no index: a file of that name says nothing.
        let has_index = mode.eq_ignore_ascii_case(WAL);
        Ok(Self {
            index: has_index.then(|| index_of(path)).flatten(),
            _open: Mutex::new(store),
        })
    }

    /// To be taken before the state is read. None where it cannot be told, which everybody takes for a change.
    pub fn beat(&self) -> Option<Beat> {
        let mut head = [0; HEAD];
        self.index?.read_exact_at(&mut head, 0).ok()?;
        Some(Beat(head))
    }
}

/// Opened once for each file and never closed: whoever closes a file loses all locks that the process has on it, and in this one SQLite
/// has its own.
fn index_of(path: &Path) -> Option<&'static File> {
    static OPENED: Mutex<Vec<((u64, u64), &File)>> = Mutex::new(Vec::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let path = sibling(path, "-shm");
    let which = |meta: &Metadata| (meta.dev(), meta.ino());
    let named = which(&fs::metadata(&path).ok()?);
    if let Some((_, file)) = opened.iter().find(|(known, _)| *known == named) {
        return Some(file);
    }
    let file: &'static File = Box::leak(Box::new(File::open(&path).ok()?));
    opened.push((which(&file.metadata().ok()?), file));
    Some(file)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::disk;
    use crate::store::Fact;

    #[test]
    fn it_changes_with_every_commit_of_anybody_and_with_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("netlink.db");
        let here = Store::open(&path).unwrap();
        let pulse = Pulse::of(&path).unwrap();
        let mut last = pulse.beat().unwrap();
        let mut has_changed = |pulse: &Pulse| {
            let before = std::mem::replace(&mut last, pulse.beat().unwrap());
            before != last
        };
        for value in ["a", "b", "a"] {
            here.set_fact(Fact::Product, Some(value)).unwrap();
            assert!(has_changed(&pulse), "{value}");
            assert!(!has_changed(&pulse), "{value}");
        }
        let there = Connection::open(&path).unwrap();
        there.execute("DELETE FROM installation", []).unwrap();
        assert!(has_changed(&pulse));
        // Who reads, writes the log into the file, opens, closes or takes back changes nothing.
        here.fact(Fact::Product).unwrap();
        there
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .unwrap();
        drop(Store::open(&path).unwrap());
        let taken_back = there.unchecked_transaction().unwrap();
        taken_back.execute("DELETE FROM updates", []).unwrap();
        taken_back.rollback().unwrap();
        assert!(!has_changed(&pulse));
        // The log begins anew.
        here.set_fact(Fact::Product, Some("c")).unwrap();
        assert!(has_changed(&pulse));
    }

    #[test]
    fn several_of_one_state_beat_alike() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("netlink.db");
        let store = Store::open(&path).unwrap();
        let (one, other) = (Pulse::of(&path).unwrap(), Pulse::of(&path).unwrap());
        drop(Pulse::of(&path).unwrap());
        store.set_fact(Fact::Product, Some("a")).unwrap();
        assert!(one.beat().is_some() && one.beat() == other.beat());
    }

    #[test]
    fn where_there_is_no_index_nothing_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("netlink.db");
        drop(Store::open(&path).unwrap());
        let there = Connection::open(&path).unwrap();
        there.pragma_update(None, "journal_mode", "delete").unwrap();
        // As somebody may have left it.
        disk::write_atomic(&sibling(&path, "-shm"), &[1; 4096], 0o644).unwrap();
        assert_eq!(Pulse::of(&path).unwrap().beat(), None);
    }
}
