//! Where the supervisor keeps its things below the installation.

use std::path::{Path, PathBuf};

pub fn own_folder(root: &Path) -> PathBuf {
    root.join(".netlink")
}

/// Says whether the product should run.
pub fn desired(root: &Path) -> PathBuf {
    own_folder(root).join("desired.json")
}

/// Who the running product is, for the supervisor that comes after one that was killed.
pub fn product_identity(root: &Path) -> PathBuf {
    own_folder(root).join("product.json")
}

pub fn lock(root: &Path) -> PathBuf {
    own_folder(root).join("supervisor.lock")
}

pub fn socket(root: &Path) -> PathBuf {
    own_folder(root).join(SOCKET_NAME)
}

pub const SOCKET_NAME: &str = "supervisor.sock";

pub fn logs(root: &Path) -> PathBuf {
    own_folder(root).join("logs")
}

pub fn product_log(root: &Path) -> PathBuf {
    logs(root).join("product.log")
}

pub fn supervisor_log(root: &Path) -> PathBuf {
    logs(root).join("supervisor.log")
}
