//! What a relay may do: next to nothing, so that who takes it over has what passes through it and no more.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::RelayError;
use crate::host::{self, Confined};
use crate::tls::Files;

/// Root and the server's own user could do all of it without a relay.
pub fn refuse_rights(through: &Path) -> Result<(), RelayError> {
    let own = host::user_id();
    if own == 0 {
        return Err(RelayError::AsRoot);
    }
    // Where the server has not started yet it refuses what comes from its own user.
    match std::fs::metadata(through) {
        Ok(socket) if socket.uid() == own => Err(RelayError::AsTheServer(through.to_path_buf())),
        _ => Ok(()),
    }
}

/// Of files it keeps the folders of certificate and key, to read them anew.
pub fn confine(files: Option<&Files>) -> Result<Confined, RelayError> {
    let folders: BTreeSet<PathBuf> = files.into_iter().flat_map(Files::all).flat_map(folders).collect();
    let folders: Vec<&Path> = folders.iter().map(PathBuf::as_path).collect();
    host::confine_for_good(&folders).map_err(RelayError::Confine)
}

/// That of the name, and that of what the name leads to.
fn folders(path: &Path) -> impl Iterator<Item = PathBuf> {
    let folder = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Some(PathBuf::from(".")),
        parent => parent.map(Path::to_path_buf),
    };
    let real = std::fs::canonicalize(path).ok();
    [folder(path), real.as_deref().and_then(folder)].into_iter().flatten()
}
