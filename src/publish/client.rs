//! A repository as a client sees it that knows the publisher's first root alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{METADATA, PublishError};
use crate::disk;
use crate::release::RelPath;
use crate::tuf::{self, Asking, MetadataSource, Refreshed, Role, SourceError};

/// The metadata of a repository on this disk.
pub struct Folder(PathBuf);

impl Folder {
    pub fn of(repository: &Path) -> Self {
        Self(repository.join(METADATA))
    }
}

impl MetadataSource for Folder {
    /// A delegated role may be called anything; one whose file would lie elsewhere has none.
    fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let inside: RelPath = name.parse().map_err(|e| SourceError::new(name, e))?;
        match disk::read_limited(&inside.under(&self.0), limit) {
            Err(e) if e.is_missing() => Ok(None),
            Err(e) => Err(SourceError::new(name, e)),
            Ok(bytes) => Ok(Some(bytes)),
        }
    }
}

/// Looks with what a client trusts after its first refresh, and forgets it.
pub fn look<T>(
    first_root: &[u8],
    source: &dyn MetadataSource,
    now: Timestamp,
    look: impl FnOnce(&Refreshed<'_>) -> Result<T, PublishError>,
) -> Result<T, PublishError> {
    let trust = tempfile::tempdir().map_err(|source| PublishError::Read {
        path: std::env::temp_dir(),
        source,
    })?;
    tuf::init(trust.path(), first_root)?;
    let asking = Asking {
        source,
        now,
        max_staleness: Duration::ZERO,
        tell: &|_| {},
    };
    look(&tuf::refresh(trust.path(), asking)?)
}

/// What operators are told to trust.
pub fn first_root(repository: &Path) -> Result<Vec<u8>, PublishError> {
    let first = repository.join(METADATA).join(Role::Root.versioned_file(1));
    Ok(disk::read_limited(&first, Role::Root.limit())?)
}
