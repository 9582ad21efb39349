//! A folder for files that are needed only for a while.

use std::path::Path;

use super::{Result, at};

/// Goes with all that is in it when it is dropped; what a killed program left is the system's to clear away, as ever.
#[derive(Debug)]
pub struct TemporaryFolder(tempfile::TempDir);

impl TemporaryFolder {
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Where the system keeps such things (`TMPDIR`), for this user alone.
pub fn temporary_folder() -> Result<TemporaryFolder> {
    let made = tempfile::Builder::new().prefix("netlink-").tempdir();
    at("make a folder for temporary files in", &std::env::temp_dir(), made).map(TemporaryFolder)
}
