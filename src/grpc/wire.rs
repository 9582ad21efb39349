//! Connections, in TLS where the server has a certificate: who says nothing, and who takes nothing, for too long is let go.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tonic::transport::server::Connected;

use crate::serving::End;
use crate::tls;

/// What is spoken in TLS.
pub const PROTOCOLS: [&str; 1] = ["h2"];
/// What every HTTP/2 connection begins with.
const PREFACE: usize = 24;
/// From the connection, over its handshake, to the end of its preface.
const PREFACE_LIMIT: Duration = Duration::from_secs(15);
/// When no connection can be taken, e.g. for lack of files.
const PAUSE: Duration = Duration::from_millis(50);

/// How those who connect are met; so many at once, and who comes then waits.
#[derive(Clone)]
pub struct Meeting {
    /// The system ends a connection whose other side has taken nothing for so long.
    pub slow: Duration,
    pub room: Arc<Semaphore>,
}

/// Those who connect over the network, without end.
pub fn from_network(
    listener: TcpListener,
    encrypted: Option<ServerConfig>,
    meeting: Meeting,
) -> impl Stream<Item = io::Result<Connection>> {
    let acceptor = encrypted.map(|config| TlsAcceptor::from(Arc::new(config)));
    let listening = (listener, acceptor, meeting);
    stream::unfold(listening, |(listener, acceptor, meeting)| async move {
        let place = Arc::clone(&meeting.room).acquire_owned().await.ok()?;
        let accepted = listener.accept().await;
        let accepted = accepted
            .map(|(stream, address)| Connection::of_network(stream, address, acceptor.as_ref(), meeting.slow, place));
        Some((rested(accepted).await, (listener, acceptor, meeting)))
    })
}

/// Those who connect at a socket of the system, which says who they are.
pub fn from_socket(listener: UnixListener, meeting: Meeting) -> impl Stream<Item = io::Result<Connection>> {
    stream::unfold((listener, meeting), |(listener, meeting)| async move {
        let place = Arc::clone(&meeting.room).acquire_owned().await.ok()?;
        let accepted = listener.accept().await;
        let accepted = accepted.and_then(|(stream, _)| Connection::of_socket(stream, place));
        Some((rested(accepted).await, (listener, meeting)))
    })
}

/// Those who come wherever this server listens.
pub fn all(
    ways: Vec<Pin<Box<dyn Stream<Item = io::Result<Connection>> + Send>>>,
) -> impl Stream<Item = io::Result<Connection>> {
    stream::iter(ways).flatten_unordered(None)
}

/// After none could be taken there is a pause, after which there may be files again.
async fn rested(accepted: io::Result<Connection>) -> io::Result<Connection> {
    if accepted.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
    accepted
}

/// Who is at the other end of a connection, for its calls.
#[derive(Debug, Clone)]
pub struct Other {
    pub end: End,
    /// Known once the handshake is over, which is before the first call.
    client: Arc<OnceLock<String>>,
}

impl Other {
    /// Whom the certificate is for that the client has shown.
    pub fn client(&self) -> Option<&str> {
        self.client.get().map(String::as_str)
    }
}

/// The handshake is a part of the first reading and writing, so that nobody else waits for it.
pub struct Connection {
    way: Way,
    other: Other,
    /// How much has come, as long as it is less than a preface.
    begun: usize,
    limit: Pin<Box<Sleep>>,
    /// Given back with the connection.
    _place: OwnedSemaphorePermit,
}

enum Way {
    Clear(TcpStream),
    Local(UnixStream),
    Greeting(Box<Accept<TcpStream>>),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// The handshake has failed.
    Ended,
}

/// What goes both ways.
trait Open: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Open for S {}

impl Connection {
    fn of_network(
        stream: TcpStream,
        address: SocketAddr,
        acceptor: Option<&TlsAcceptor>,
        slow: Duration,
        place: OwnedSemaphorePermit,
    ) -> Self {
        // A connection for which that cannot be set is served all the same.
        let _ = stream.set_nodelay(true);
        let limit = u32::try_from(slow.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, limit);
        let way = match acceptor {
            Some(acceptor) => Way::Greeting(Box::new(acceptor.accept(stream))),
            None => Way::Clear(stream),
        };
        Self::new(way, End::Network(address.ip()), place)
    }

    fn of_socket(stream: UnixStream, place: OwnedSemaphorePermit) -> io::Result<Self> {
        let user = stream.peer_cred()?.uid();
        Ok(Self::new(Way::Local(stream), End::User(user), place))
    }

    fn new(way: Way, end: End, place: OwnedSemaphorePermit) -> Self {
        let other = Other {
            end,
            client: Arc::default(),
        };
        Self {
            way,
            other,
            begun: 0,
            limit: Box::pin(tokio::time::sleep(PREFACE_LIMIT)),
            _place: place,
        }
    }

    /// Once it may be read and written; an error when it has not begun in time, or not as it should.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Open>>> {
        if self.begun < PREFACE && self.limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if let Way::Greeting(greeting) = &mut self.way {
            let greeted = ready!(Pin::new(greeting.as_mut()).poll(cx));
            // It is not to be asked again, however it went.
            self.way = Way::Ended;
            let stream = greeted?;
            if let Some(client) = tls::client(stream.get_ref().1) {
                let _only_once = self.other.client.set(client);
            }
            self.way = Way::Encrypted(Box::new(stream));
        }
        let open: &mut dyn Open = match &mut self.way {
            Way::Clear(stream) => stream,
            Way::Local(stream) => stream,
            Way::Encrypted(stream) => stream.as_mut(),
            Way::Greeting(_) | Way::Ended => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        Poll::Ready(Ok(Pin::new(open)))
    }
}

impl Connected for Connection {
    type ConnectInfo = Other;

    fn connect_info(&self) -> Other {
        self.other.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = ready!(self.poll_open(cx))?.poll_read(cx, into);
        self.begun = self.begun.saturating_add(into.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write_vectored(cx, slices)
    }

    /// All ways take slices; it is asked before the handshake.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.way {
            Way::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Local(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Encrypted(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            // Nothing was said that would have to be ended; dropping closes it.
            Way::Greeting(_) | Way::Ended => Poll::Ready(Ok(())),
        }
    }
}
