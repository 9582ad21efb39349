//! Why a certificate or a key cannot be used.

use std::path::{Path, PathBuf};

use crate::disk::DiskError;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{} cannot be used: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("{} can be read by everybody on this machine (mode {mode:04o}): `chmod 600 {}`", path.display(), path.display())]
    OpenToAll { path: PathBuf, mode: u32 },
    #[error("{} and {} do not belong together: {reason}", certificate.display(), key.display())]
    NoPair {
        certificate: PathBuf,
        key: PathBuf,
        reason: String,
    },
}

impl TlsError {
    pub(super) fn file(path: &Path, reason: impl Into<String>) -> Self {
        Self::File {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }
}
