//! The relay: the door of a service that faces the network and has no rights. It ends TLS, keeps to limits, and passes each request on,
//! written anew, to the Unix socket of a server, of which it knows nothing else; bodies and live events go through as streams.

mod confined;
mod door;
mod error;
mod head;
mod line;
mod no;
mod pass;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

pub use error::RelayError;
pub use head::{CERTIFICATE, FROM};

use crate::host::{self, Confined};
use crate::tls::{self, Files, ServerTls};
use door::Door;

/// What this door speaks in TLS.
const PROTOCOLS: [&str; 1] = ["http/1.1"];
/// What a process has open besides its connections.
const OTHER_FILES: u64 = 64;

/// Where a relay is to be, and between whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The server's Unix socket; it need not be there yet.
    pub through: PathBuf,
    pub listen: SocketAddr,
    /// In the clear where there is none.
    pub tls: Option<Files>,
    /// So many at once; who comes then waits.
    pub connections: u32,
}

/// Listens already; nobody is answered before [`Relay::serve`].
pub struct Relay {
    through: PathBuf,
    address: SocketAddr,
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    files: Option<Files>,
    connections: u32,
}

impl Relay {
    pub fn listen(wanted: Wanted) -> Result<Self, RelayError> {
        confined::refuse_rights(&wanted.through)?;
        let tls = wanted.tls.clone().map(ServerTls::load).transpose()?;
        let at = wanted.listen;
        let failed = |source| RelayError::Listen { at, source };
        let listener = TcpListener::bind(at).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            through: wanted.through,
            address: listener.local_addr().map_err(failed)?,
            listener,
            tls: tls.map(Arc::new),
            files: wanted.tls,
            connections: wanted.connections,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Gives up, for good, what passing on does not need. Before [`Self::serve`], which begins threads.
    pub fn confine(&self) -> Result<Confined, RelayError> {
        confined::confine(self.files.as_ref())
    }

    /// Passes requests on until SIGTERM or SIGINT; `say` is told what an administrator should know, `warn` what one should see to.
    pub fn serve(self, say: fn(&str), warn: fn(&str)) -> Result<(), RelayError> {
        // A request that is passed on takes two.
        let possible = host::allow_many_files().map_or(u64::MAX, |files| files.saturating_sub(OTHER_FILES) / 2);
        let possible = u32::try_from(possible).unwrap_or(u32::MAX);
        let encrypted = self.tls.as_ref().map(|tls| tls.config(&PROTOCOLS)).transpose()?;
        tls::follow(self.tls, say, warn).map_err(RelayError::Run)?;
        let ended = door::end_with_signals().map_err(RelayError::Run)?;
        let connections = self.connections.min(possible).max(1);
        let door = Door::new(self.through, encrypted, connections, ended, say);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(RelayError::Run)?;
        runtime.block_on(door.open(self.listener)).map_err(RelayError::Run)
    }
}
