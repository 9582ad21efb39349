//! Whether the installation is as it should be, at a cost that stays small however often it is asked: what was found stands until
//! something has changed, or a second is over.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::lookout::{Found, LeansOn, Lookout};
use super::measures::{METADATA, first_expiry, given_up, not_ready};
use super::{AppError, Installation, Result};
use crate::engine::Layout;
use crate::target;

pub struct Fitness {
    root: PathBuf,
    config: Option<PathBuf>,
    /// Also so that only one who asks finds out, while the others wait for that.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    lookout: Option<Lookout>,
    found: Option<Found<Looked>>,
    expiry: Option<(Vec<Stamp>, Option<Timestamp>)>,
}

/// What a look has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Why the installation is not as it should be; empty when it is.
    pub reasons: Vec<Finding>,
    /// What should be seen to all the same.
    pub warnings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// For whoever asks: nothing of files and settings.
    pub outline: String,
    /// For who is let in.
    pub detail: String,
}

impl From<String> for Finding {
    /// Anybody may know all of it.
    fn from(detail: String) -> Self {
        Self {
            outline: detail.clone(),
            detail,
        }
    }
}

impl From<&AppError> for Finding {
    fn from(error: &AppError) -> Self {
        let code = error.code();
        Self {
            outline: format!("{} [{}]; `netlink update status` says more", code.title, code.id),
            detail: error.to_string(),
        }
    }
}

impl Looked {
    fn wrong(error: &AppError) -> Self {
        Self {
            reasons: vec![error.into()],
            warnings: Vec::new(),
        }
    }
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

    fn find_out(&self, Kept { lookout, found, expiry }: &mut Kept) -> Result<Looked> {
        let lookout = match lookout {
            Some(lookout) => lookout,
            None => lookout.insert(Lookout::over(&self.root, self.config.as_deref(), |layout| {
                vec![layout.maintenance(), target::desired_file(layout.root())]
            })?),
        };
        if let Some(found) = found.as_ref().filter(|found| lookout.stands(found)) {
            return Ok(found.what.clone());
        }
        let expiry = first_expiry_known(lookout.layout(), expiry);
        let find = || {
            let opened = Installation::open(&self.root, self.config.as_deref());
            let looked = opened.and_then(|installation| {
                Ok(Looked {
                    reasons: all(not_ready(&installation, expiry)?),
                    warnings: all(given_up(&installation)?),
                })
            });
            Ok((looked.unwrap_or_else(|error| Looked::wrong(&error)), LeansOn::TheLock))
        };
        let new = lookout.find(find)?;
        Ok(found.insert(new).what.clone())
    }
}

fn all(found: impl IntoIterator<Item = String>) -> Vec<Finding> {
    found.into_iter().map(Finding::from).collect()
}

/// Read again only when one of the documents was exchanged.
fn first_expiry_known(layout: &Layout, known: &mut Option<(Vec<Stamp>, Option<Timestamp>)>) -> Option<Timestamp> {
    let trusted: Vec<Stamp> = METADATA.map(|role| stamp(&layout.metadata(role))).into();
    match known {
        Some((seen, expiry)) if *seen == trusted => *expiry,
        _ => known.insert((trusted, first_expiry(layout))).1,
    }
}

fn stamp(path: &Path) -> Stamp {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino()))
}
