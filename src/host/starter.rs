//! Tells a service manager how this process stands, as `sd_notify(3)` describes it.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It listens, and answers.
    Ready,
    /// It was told to end.
    Stopping,
    /// It is alive.
    Alive,
}

/// Connected once, since a process that gives up its rights finds nobody any more.
pub struct Manager(UnixDatagram);

impl Manager {
    /// At a path, or at an abstract name after `@`.
    pub fn at(socket: &OsStr) -> io::Result<Self> {
        let own = UnixDatagram::unbound()?;
        match socket.as_bytes().strip_prefix(b"@") {
            Some(name) => own.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
            None => own.connect(Path::new(socket))?,
        }
        // Who does not listen is not waited for.
        own.set_nonblocking(true)?;
        Ok(Self(own))
    }

    /// Nobody is there to be told where that fails.
    pub fn tell(&self, stands: Stands) {
        let text = match stands {
            Stands::Ready => "READY=1",
            Stands::Stopping => "STOPPING=1",
            Stands::Alive => "WATCHDOG=1",
        };
        let _ = self.0.send(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_at_a_path_and_at_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("netlink-test-{}", std::process::id());
        let of_name = SocketAddr::from_abstract_name(&name).unwrap();
        for (socket, at) in [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&of_name).unwrap(), format!("@{name}").into()),
        ] {
            let manager = Manager::at(&at).unwrap();
            let mut told = [0; 32];
            for (stands, expected) in [
                (Stands::Ready, "READY=1"),
                (Stands::Alive, "WATCHDOG=1"),
                (Stands::Stopping, "STOPPING=1"),
            ] {
                manager.tell(stands);
                let length = socket.recv(&mut told).unwrap();
                assert_eq!(&told[..length], expected.as_bytes());
            }
            drop(socket);
            manager.tell(Stands::Alive);
        }
        assert!(Manager::at(OsStr::new("/nowhere/notify")).is_err());
    }
}
