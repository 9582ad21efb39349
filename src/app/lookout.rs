//! What answers are made of, looked at so cheaply that every request can: as long as nothing of it has changed, what was found stands.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Result;
use super::installation::absolute;
use crate::clock;
use crate::engine::{self, Layout, LockState};
use crate::store::{Beat, Pulse};

/// What leaves no trace where it is looked for, like the end of the product, is found out so late.
const STANDS: Duration = Duration::from_secs(1);
/// Two changes within one tick of a file system's clock leave the same stamp: only one that is older is believed.
const TICK: SignedDuration = SignedDuration::from_secs(2);

pub struct Lookout {
    layout: Layout,
    pulse: Pulse,
    /// Besides the state.
    files: Vec<PathBuf>,
}

/// What an answer leans on besides the state and the files that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeansOn {
    Nothing,
    /// Whether somebody is at work, and who.
    TheLock,
    /// What cannot be looked at cheaply: it is asked for each time.
    More,
}

/// Something that was found, and what it was made of.
pub struct Found<T> {
    pub what: T,
    at: Instant,
    /// None when nothing can be told of changes.
    seen: Option<Seen>,
}

struct Seen {
    beat: Beat,
    files: Vec<Stamp>,
    lock: Option<LockState>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    Absent,
    There {
        /// Seconds and nanoseconds; also when only its name or its mode was changed.
        changed: (i64, i64),
        length: u64,
        /// Which one of which file system.
        file: (u64, u64),
    },
}

impl Lookout {
    /// Over the state, the settings, and these files and folders of the installation.
    pub fn over(root: &Path, config: Option<&Path>, besides: impl FnOnce(&Layout) -> Vec<PathBuf>) -> Result<Self> {
        let layout = Layout::new(absolute(root)?);
        let default = layout.config().join("update.yml");
        let mut files = besides(&layout);
        files.push(config.map_or(default, Path::to_path_buf));
        Ok(Self {
            pulse: Pulse::of(&layout.store())?,
            layout,
            files,
        })
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Finds something out, which says what it leans on.
    pub fn find<T>(&self, find: impl FnOnce() -> Result<(T, LeansOn)>) -> Result<Found<T>> {
        let (now, at) = (clock::now(), clock::monotonic());
        // Before it is read: what changes meanwhile counts as a change.
        let beat = self.pulse.beat();
        let files: Option<Vec<Stamp>> = self.files.iter().map(|path| Stamp::of(path).ok()).collect();
        let files = files.filter(|files| files.iter().all(|stamp| stamp.is_sure(now)));
        let lock = engine::look_at_lock(&self.layout);
        let (what, leans_on) = find()?;
        let lock = match leans_on {
            LeansOn::Nothing => Some(None),
            LeansOn::TheLock => lock.ok().map(Some),
            LeansOn::More => None,
        };
        let seen = || {
            Some(Seen {
                beat: beat?,
                files: files?,
                lock: lock?,
            })
        };
        Ok(Found { seen: seen(), what, at })
    }

    /// Whether it would be found just so again.
    pub fn stands<T>(&self, found: &Found<T>) -> bool {
        found.at.elapsed() < STANDS && found.seen.as_ref().is_some_and(|seen| self.still_sees(seen))
    }

    fn still_sees(&self, seen: &Seen) -> bool {
        let is_same = |(path, stamp): (&PathBuf, &Stamp)| Stamp::of(path).is_ok_and(|now| now == *stamp);
        let lock = || engine::look_at_lock(&self.layout).ok();
        self.pulse.beat() == Some(seen.beat)
            && self.files.iter().zip(&seen.files).all(is_same)
            && (seen.lock.is_none() || seen.lock == lock())
    }
}

impl<T> Found<T> {
    /// Whether it may ever stand.
    pub fn is_worth_keeping(&self) -> bool {
        self.seen.is_some()
    }
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Self> {
        let meta = match std::fs::metadata(path) {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::Absent),
            Err(e) => return Err(e),
        };
        Ok(Self::There {
            changed: (meta.ctime(), meta.ctime_nsec()),
            length: meta.size(),
            file: (meta.dev(), meta.ino()),
        })
    }

    /// A later change leaves another stamp. Of one from the future, where the clock was set, that is not known.
    fn is_sure(&self, now: Timestamp) -> bool {
        let Self::There { changed, .. } = self else {
            return true;
        };
        let changed = Timestamp::from_second(changed.0);
        changed.is_ok_and(|changed| now.duration_since(changed) > TICK)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::disk;
    use crate::store::{Fact, Store};

    struct Watched {
        dir: tempfile::TempDir,
        store: Store,
        lookout: Lookout,
        asked: Cell<u32>,
    }

    impl Watched {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let layout = Layout::new(dir.path().to_path_buf());
            disk::create_dir_all(layout.store().parent().unwrap()).unwrap();
            disk::create_dir_all(&layout.releases()).unwrap();
            let store = Store::open(&layout.store()).unwrap();
            let lookout = Lookout::over(dir.path(), None, |layout| vec![layout.releases()]).unwrap();
            let asked = Cell::new(0);
            Self {
                dir,
                store,
                lookout,
                asked,
            }
        }

        fn find(&self, leans_on: LeansOn) -> Found<u32> {
            let find = || {
                self.asked.set(self.asked.get() + 1);
                Ok((self.asked.get(), leans_on))
            };
            self.lookout.find(find).unwrap()
        }

        /// Once the stamps of what was just made are believed.
        fn find_standing(&self, leans_on: LeansOn) -> Found<u32> {
            let deadline = clock::Deadline::after(Duration::from_secs(20));
            loop {
                let found = self.find(leans_on);
                if self.lookout.stands(&found) {
                    return found;
                }
                assert!(!deadline.has_passed(), "it never stands");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    #[test]
    fn what_was_found_stands_until_the_state_or_a_file_changes() {
        let watched = Watched::new();
        let found = watched.find_standing(LeansOn::Nothing);
        watched.store.set_fact(Fact::Product, Some("lamp")).unwrap();
        assert!(!watched.lookout.stands(&found));

        let found = watched.find_standing(LeansOn::Nothing);
        disk::create_dir_all(&watched.dir.path().join("releases/0b1")).unwrap();
        assert!(!watched.lookout.stands(&found));

        let found = watched.find_standing(LeansOn::Nothing);
        disk::create_dir_all(&watched.dir.path().join("config")).unwrap();
        disk::write_atomic(&watched.dir.path().join("config/update.yml"), b"", 0o644).unwrap();
        assert!(!watched.lookout.stands(&found));
    }

    #[test]
    fn a_stamp_of_this_moment_is_not_believed() {
        let watched = Watched::new();
        watched.find_standing(LeansOn::Nothing);
        disk::write_atomic(&watched.dir.path().join("releases/file"), b"", 0o644).unwrap();
        let found = watched.find(LeansOn::Nothing);
        // A second change could not be told from the first.
        assert!(!watched.lookout.stands(&found));
    }

    #[test]
    fn who_takes_the_lock_is_seen_by_what_leans_on_it() {
        let watched = Watched::new();
        let layout = Layout::new(watched.dir.path().to_path_buf());
        let apart = watched.find_standing(LeansOn::Nothing);
        let leaning = watched.find_standing(LeansOn::TheLock);
        let lock = engine::InstallationLock::take(&layout, "a test").unwrap();
        assert!(!watched.lookout.stands(&leaning));
        let leaning = watched.find_standing(LeansOn::TheLock);
        drop(lock);
        assert!(!watched.lookout.stands(&leaning));
        assert!(apart.at.elapsed() >= STANDS || watched.lookout.stands(&apart));
        assert!(!watched.lookout.stands(&watched.find(LeansOn::More)));
    }

    #[test]
    fn what_leaves_no_trace_is_found_out_within_a_second() {
        let watched = Watched::new();
        let found = watched.find_standing(LeansOn::Nothing);
        let long_ago = Found {
            at: found.at.checked_sub(STANDS).unwrap(),
            ..found
        };
        assert!(!watched.lookout.stands(&long_ago));
    }

    #[test]
    fn stamps_from_the_future_are_not_believed() {
        let stamp = |second| Stamp::There {
            changed: (second, 0),
            length: 0,
            file: (1, 1),
        };
        let now = Timestamp::from_second(1_000).unwrap();
        for (changed, sure) in [(2_000, false), (1_000, false), (998, false), (997, true), (0, true)] {
            assert_eq!(stamp(changed).is_sure(now), sure, "{changed}");
        }
        assert!(Stamp::Absent.is_sure(now));
    }
}
