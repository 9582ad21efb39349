//! Unix sockets to listen at: what a server that is gone has left is replaced, what somebody listens at never, and what is ours goes with us.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{AppError, Result};
use crate::{disk, host};

/// Anybody may connect; who that is decides what one may.
const OPEN_MODE: u32 = 0o666;
/// One group may, and the owner.
const GROUP_MODE: u32 = 0o660;
/// For a server that looks at the same place at the same moment; that takes no longer.
const OTHERS: Duration = Duration::from_secs(2);

/// The file of a socket that is listened at; dropping it takes it away.
pub struct SocketFile {
    path: PathBuf,
    mark: Mark,
}

/// Tells a file from one that lies at its place later, even under the same number.
type Mark = (u64, u64, i64, i64);

impl SocketFile {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server's by now is left to it.
        if std::fs::symlink_metadata(&self.path).is_ok_and(|meta| mark(&meta) == self.mark) {
            let _ = disk::remove_file(&self.path);
        }
    }
}

/// Listens at `path`, for this group alone where there is one.
pub fn listen_at_socket(path: &Path, group: Option<u32>) -> Result<(UnixListener, SocketFile)> {
    let failed = |what: &str| AppError::said("NL0704", format!("cannot listen at {}: {what}", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Of two that find what is left, the second would take away what the first has put there.
    let _alone = disk::lock_folder(folder.unwrap_or(Path::new(".")), OTHERS)?;
    make_room(path).map_err(|why| failed(&why))?;
    let listener = UnixListener::bind(path).map_err(|e| failed(&e.to_string()))?;
    let left = |error: AppError| {
        let _ = disk::remove_file(path);
        error
    };
    if let Some(group) = group {
        let given = disk::set_owner(path, host::user_id(), group);
        given.map_err(|e| {
            left(failed(&format!(
                "{e}; the server's user has to be root, or a member of the group {group}"
            )))
        })?;
    }
    let open = disk::set_mode(path, if group.is_some() { GROUP_MODE } else { OPEN_MODE });
    open.map_err(|e| left(e.into()))?;
    let meta = std::fs::symlink_metadata(path).map_err(|e| left(failed(&e.to_string())))?;
    let file = SocketFile {
        path: path.to_path_buf(),
        mark: mark(&meta),
    };
    Ok((listener, file))
}

/// Takes away a socket at which nobody listens any more, and nothing else.
fn make_room(path: &Path) -> std::result::Result<(), String> {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e.to_string()),
    };
    if !meta.file_type().is_socket() {
        return Err("it is no socket, and is left as it is".into());
    }
    match knock(path) {
        // One that hangs, so that those who knock stand in line, is one all the same.
        Ok(()) | Err(Errno::AGAIN) => Err("another server does".into()),
        // That alone says that there is nobody.
        Err(Errno::CONNREFUSED) => disk::remove_file(path).map_err(|e| e.to_string()),
        Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(format!("whether another server does cannot be told: {e}")),
    }
}

/// Without waiting.
fn knock(path: &Path) -> rustix::io::Result<()> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
}

fn mark(meta: &Metadata) -> Mark {
    (meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec())
}
