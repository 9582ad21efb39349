//! Whether the installation is as it should be, at a cost that stays small however often it is asked: what was found stands until
//! something has changed, or a second is over.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::installation::absolute;
use super::measures::{METADATA, first_expiry, given_up, not_ready};
use super::{AppError, Installation, Result};
use crate::clock;
use crate::engine::{self, Layout, LockState};
use crate::store::Store;
use crate::target;

/// What leaves no trace in a file, like the end of the product, is found out so late.
const STANDS: Duration = Duration::from_secs(1);

pub struct Fitness {
    root: PathBuf,
    config: Option<PathBuf>,
    /// Also so that only one who asks finds out, while the others wait for that.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    store: Option<Store>,
    found: Option<Found>,
    expiry: Option<(Vec<Stamp>, Option<Timestamp>)>,
}

struct Found {
    seen: Seen,
    at: Instant,
    looked: Looked,
}

/// What a look has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Why the installation is not as it should be; empty when it is.
    pub reasons: Vec<String>,
    /// What should be seen to all the same.
    pub warnings: Vec<String>,
}

impl Looked {
    fn wrong(error: &AppError) -> Self {
        Self {
            reasons: vec![error.to_string()],
            warnings: Vec::new(),
        }
    }
}

/// What is looked at to know whether anything has changed.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    changes: i64,
    files: Vec<Stamp>,
    is_held: bool,
}

/// Of a file that is there: when it was changed, its length, and which it is.
type Stamp = Option<(i64, i64, u64, u64)>;

impl Fitness {
    pub fn of(root: &Path, config: Option<&Path>) -> Self {
        Self {
            root: root.to_path_buf(),
            config: config.map(Path::to_path_buf),
            kept: Mutex::default(),
        }
    }

    pub fn look(&self) -> Looked {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.find_out(&mut kept).unwrap_or_else(|error| Looked::wrong(&error))
    }

    fn find_out(&self, kept: &mut Kept) -> Result<Looked> {
        let layout = Layout::new(absolute(&self.root)?);
        let seen = self.see(&layout, &mut kept.store)?;
        if let Some(found) = &kept.found
            && found.seen == seen
            && found.at.elapsed() < STANDS
        {
            return Ok(found.looked.clone());
        }
        let at = clock::monotonic();
        let trusted = stamps(METADATA.map(|role| layout.metadata(role)));
        let expiry = match &kept.expiry {
            Some((known, expiry)) if *known == trusted => *expiry,
            _ => kept.expiry.insert((trusted, first_expiry(&layout))).1,
        };
        let opened = Installation::open(&self.root, self.config.as_deref());
        let looked = opened.and_then(|installation| {
            Ok(Looked {
                reasons: not_ready(&installation, expiry)?,
                warnings: given_up(&installation)?.into_iter().collect(),
            })
        });
        let looked = looked.unwrap_or_else(|error| Looked::wrong(&error));
        let found = Found { seen, at, looked };
        Ok(kept.found.insert(found).looked.clone())
    }

    fn see(&self, layout: &Layout, store: &mut Option<Store>) -> Result<Seen> {
        let store = match store {
            Some(store) => store,
            None => store.insert(Store::open_to_read(&layout.store())?),
        };
        let settings = layout.config().join("update.yml");
        let settings = self.config.clone().unwrap_or(settings);
        let files = [settings, layout.maintenance(), target::desired_file(layout.root())];
        Ok(Seen {
            changes: store.outside_changes()?,
            files: stamps(files),
            is_held: engine::look_at_lock(layout)? != LockState::Free,
        })
    }
}

fn stamps<const N: usize>(files: [PathBuf; N]) -> Vec<Stamp> {
    let stamp = |path: PathBuf| -> Stamp {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino()))
    };
    files.into_iter().map(stamp).collect()
}
