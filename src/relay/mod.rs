//! The relay: the door of a service that faces the network and has no rights. It ends TLS, keeps to limits, and passes each request on,
//! written anew, to the Unix socket of a server, of which it knows nothing else; bodies and live events go through as streams. Where it
//! is told to it does the same for gRPC, at a door of its own and to a socket of its own.

mod call;
mod calls;
mod confined;
mod door;
mod error;
mod head;
mod line;
mod no;
mod pass;
mod trunk;

use std::convert::Infallible;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, join_all, pending, select};
use tokio::sync::watch;
use tokio::time::sleep;

pub use calls::{CALLS_AT_ONCE, HEAD_LIMIT, TAKEN_BACK};
pub use error::RelayError;
pub use head::{CERTIFICATE, FROM};

use crate::host::{self, Confined};
use crate::tls::{self, Files, ServerTls};
use door::{Door, Speaks};

/// What a process has open besides its connections.
const OTHER_FILES: u64 = 64;

/// Where a relay is to be, and between whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The server's Unix socket; it need not be there yet.
    pub through: PathBuf,
    pub listen: SocketAddr,
    /// Where gRPC is spoken, if anywhere.
    pub grpc: Option<SocketAddr>,
    /// After so long a client of gRPC is told to connect anew.
    pub grpc_age: Duration,
    /// In the clear where there is none.
    pub tls: Option<Files>,
    /// So many at once at each address; who comes then waits.
    pub connections: u32,
}

/// Who is told what.
pub struct Told {
    /// What an administrator should know.
    pub say: fn(&str),
    /// What one should see to.
    pub warn: fn(&str),
    /// Once it was told to end.
    pub stopping: Box<dyn FnOnce() + Send>,
    /// That it is alive, so often.
    pub beat: Option<(Duration, Box<dyn Fn()>)>,
}

/// Where a server that listens at this socket is asked over gRPC.
pub fn socket_for_grpc(socket: &Path) -> PathBuf {
    let mut name = OsString::from(socket);
    name.push(".grpc");
    name.into()
}

/// Listens already; nobody is answered before [`Relay::serve`].
pub struct Relay {
    rest: At,
    grpc: Option<At>,
    tls: Option<Arc<ServerTls>>,
    files: Option<Files>,
    connections: u32,
}

/// What is spoken where, and where it goes on to.
struct At {
    listener: TcpListener,
    address: SocketAddr,
    speaks: Speaks,
    through: PathBuf,
}

impl At {
    fn listen((at, option): (SocketAddr, &'static str), speaks: Speaks, through: PathBuf) -> Result<Self, RelayError> {
        let failed = |source| RelayError::Listen { at, option, source };
        let listener = TcpListener::bind(at).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            speaks,
            through,
        })
    }
}

impl Relay {
    pub fn listen(wanted: Wanted) -> Result<Self, RelayError> {
        confined::refuse_rights(&wanted.through)?;
        let tls = wanted.tls.clone().map(ServerTls::load).transpose()?;
        let calls = Speaks::Calls { age: wanted.grpc_age };
        let grpc = wanted
            .grpc
            .map(|at| At::listen((at, "--grpc"), calls, socket_for_grpc(&wanted.through)));
        Ok(Self {
            grpc: grpc.transpose()?,
            rest: At::listen((wanted.listen, "--listen"), Speaks::Rest, wanted.through)?,
            tls: tls.map(Arc::new),
            files: wanted.tls,
            connections: wanted.connections,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.rest.address
    }

    /// Where gRPC is spoken.
    pub fn address_for_grpc(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().map(|at| at.address)
    }

    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Gives up, for good, what passing on does not need. Before [`Self::serve`], which begins threads.
    pub fn confine(&self) -> Result<Confined, RelayError> {
        confined::confine(self.files.as_ref())
    }

    /// Passes requests on until SIGTERM or SIGINT.
    pub fn serve(self, told: Told) -> Result<(), RelayError> {
        let doors = std::iter::once(self.rest).chain(self.grpc).collect::<Vec<_>>();
        // A request that is passed on takes two.
        let each = 2 * doors.len() as u64;
        let possible = host::allow_many_files().map_or(u64::MAX, |files| files.saturating_sub(OTHER_FILES) / each);
        let possible = u32::try_from(possible).unwrap_or(u32::MAX);
        let connections = self.connections.min(possible).max(1);
        tls::follow(self.tls.clone(), told.say, told.warn).map_err(RelayError::Run)?;
        let ended = door::end_with_signals(told.stopping).map_err(RelayError::Run)?;
        let opened = |at: At| open(at, self.tls.as_deref(), connections, &ended, told.say);
        let doors = doors.into_iter().map(opened).collect::<Result<Vec<_>, _>>()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(RelayError::Run)?;
        let ended = runtime.block_on(async {
            let all = join_all(doors.into_iter().map(|(door, listener)| door.open(listener)));
            match select(pin!(all), pin!(alive(told.beat))).await {
                Either::Left((ended, _)) => ended,
                Either::Right((never, _)) => match never {},
            }
        });
        ended.into_iter().collect::<Result<(), _>>().map_err(RelayError::Run)
    }
}

/// Tells so as long as what runs beside it comes back.
async fn alive(beat: Option<(Duration, Box<dyn Fn()>)>) -> Infallible {
    let Some((every, beat)) = beat else {
        return pending().await;
    };
    loop {
        beat();
        sleep(every).await;
    }
}

fn open(
    at: At,
    tls: Option<&ServerTls>,
    connections: u32,
    ended: &watch::Receiver<bool>,
    say: fn(&str),
) -> Result<(Door, TcpListener), RelayError> {
    let encrypted = tls.map(|tls| tls.config(&[at.speaks.protocol()])).transpose()?;
    let door = Door::new((at.speaks, at.through), encrypted, connections, ended.clone(), say);
    Ok((door, at.listener))
}
