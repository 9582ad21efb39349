//! A door: connections with their limits, each in TLS where that is wanted, until the process is told to end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::head::{Client, InTls};
use super::line::Ended;
use super::no::No;
use super::{calls, pass};
use crate::tls::{self, is_strict_at};

/// From connecting, or from the end of the request before, to the end of a request's head.
const HEAD_TIME: Duration = Duration::from_secs(5);
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Of a head, in bytes.
const HEAD_LIMIT: usize = 32 << 10;
/// A client that takes nothing of what is sent to it for so long is cut off.
pub const SLOW_READER: Duration = Duration::from_secs(30);
/// For requests that are under way when the relay is told to end.
const END_LIMIT: Duration = Duration::from_secs(10);
/// After none could be accepted: there may be files again.
const PAUSE: Duration = Duration::from_secs(1);

/// What is spoken at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1: REST, the page, live events.
    Rest,
    /// HTTP/2: gRPC, whose clients are told to connect anew once a connection is so old.
    Calls { age: Duration },
}

impl Speaks {
    /// Its name in TLS (ALPN).
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Rest => "http/1.1",
            Self::Calls { .. } => "h2",
        }
    }
}

pub struct Door {
    /// The server's socket for what is spoken here.
    pub through: PathBuf,
    speaks: Speaks,
    acceptor: Option<TlsAcceptor>,
    /// At once.
    connections: u32,
    ended: watch::Receiver<bool>,
    say: fn(&str),
    is_away: AtomicBool,
}

/// True once SIGTERM or SIGINT has come; `also` is done before.
pub fn end_with_signals(also: Box<dyn FnOnce() + Send>) -> io::Result<watch::Receiver<bool>> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    let (tell, told) = watch::channel(false);
    let wait = move || {
        if signals.forever().next().is_some() {
            // First: once all have heard, the process may be gone.
            also();
            let _ = tell.send(true);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(told)
}

impl Door {
    pub fn new(
        (speaks, through): (Speaks, PathBuf),
        encrypted: Option<ServerConfig>,
        connections: u32,
        ended: watch::Receiver<bool>,
        say: fn(&str),
    ) -> Self {
        Self {
            through,
            speaks,
            acceptor: encrypted.map(|config| TlsAcceptor::from(Arc::new(config))),
            connections,
            ended,
            say,
            is_away: AtomicBool::new(false),
        }
    }

    /// Until the process is told to end, and what is under way then is done or has had its time.
    pub async fn open(self, listener: std::net::TcpListener) -> io::Result<()> {
        let listener = TcpListener::from_std(listener)?;
        let door = Arc::new(self);
        let room = Arc::new(Semaphore::new(door.connections as usize));
        let mut ended = door.is_ended();
        loop {
            let next = pin!(next(&listener, &room));
            let (accepted, place) = match select(next, &mut ended).await {
                Either::Left((Some(next), _)) => next,
                Either::Left((None, _)) | Either::Right(_) => break,
            };
            let door = Arc::clone(&door);
            match accepted {
                Ok((stream, client)) => drop(tokio::spawn(async move {
                    door.met(stream, client).await;
                    drop(place);
                })),
                Err(error) => {
                    (door.say)(&format!("a connection was not accepted: {error}"));
                    sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        // Who is not done by then is cut off.
        let _ = timeout(END_LIMIT, room.acquire_many(door.connections)).await;
        Ok(())
    }

    /// Once the process was told to end.
    pub fn is_ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        Box::pin(async move {
            // It ends as well when nobody is left to tell.
            let _ = ended.wait_for(|ended| *ended).await;
        })
    }

    /// Says once that the server does not answer, however often it is asked.
    pub fn note(&self, no: &No) {
        if matches!(no, No::Away | No::CutOff) && !self.is_away.swap(true, Ordering::Relaxed) {
            let through = self.through.display();
            (self.say)(&format!(
                "the server at {through} does not answer; who asks is told to come again"
            ));
        }
    }

    /// Says once that it does again.
    pub fn is_back(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            (self.say)(&format!("the server at {} answers again", self.through.display()));
        }
    }

    async fn met(self: &Arc<Self>, stream: TcpStream, client: SocketAddr) {
        // Of a connection that is gone already the rest is done in vain.
        let _ = stream.set_nodelay(true);
        let limit = u32::try_from(SLOW_READER.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, limit);
        let from = client.ip();
        let Some(acceptor) = &self.acceptor else {
            return self.speak(stream, Client { from, in_tls: None }).await;
        };
        let own = stream.local_addr();
        let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await else {
            return;
        };
        let in_tls = InTls {
            certificate: tls::client(stream.get_ref().1),
            is_strict: own.map_or(true, |own| is_strict_at(own.ip())),
        };
        let in_tls = Some(in_tls);
        self.speak(stream, Client { from, in_tls }).await;
    }

    async fn speak(self: &Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, client: Client) {
        match self.speaks {
            Speaks::Rest => self.speak_rest(stream, client).await,
            Speaks::Calls { age } => calls::speak(self, stream, client, age).await,
        }
    }

    async fn speak_rest(&self, stream: impl AsyncRead + AsyncWrite + Unpin, client: Client) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_LIMIT)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(|request| pass::on(self, &client, request)),
            );
        let mut connection = pin!(connection);
        // How a connection ends that is no longer wanted, or was none, is nobody's matter.
        if let Either::Right(_) = select(connection.as_mut(), self.is_ended()).await {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Whoever comes next, with a place for him; none once there are no places any more.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(io::Result<(TcpStream, SocketAddr)>, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    Some((listener.accept().await, place))
}
