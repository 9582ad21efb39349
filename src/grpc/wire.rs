//! Connections: who says nothing, and who takes nothing, for too long is let go.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// What every HTTP/2 connection begins with.
const PREFACE: usize = 24;
/// From the connection to the end of its preface.
const PREFACE_LIMIT: Duration = Duration::from_secs(15);
/// When no connection can be taken, e.g. for lack of files.
const PAUSE: Duration = Duration::from_millis(50);

/// Those who connect, without end. The system ends a connection whose other side has taken nothing for `slow`.
pub fn incoming(listener: TcpListener, slow: Duration) -> impl Stream<Item = io::Result<Connection>> {
    stream::unfold(listener, move |listener| async move {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => Ok(Connection::of(stream, slow)),
            Err(error) => {
                tokio::time::sleep(PAUSE).await;
                Err(error)
            }
        };
        Some((accepted, listener))
    })
}

pub struct Connection {
    stream: TcpStream,
    /// How much has come, as long as it is less than a preface.
    begun: usize,
    limit: Pin<Box<Sleep>>,
}

impl Connection {
    fn of(stream: TcpStream, slow: Duration) -> Self {
        // A connection for which that cannot be set is served all the same.
        let _ = stream.set_nodelay(true);
        let limit = u32::try_from(slow.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, limit);
        Self {
            stream,
            begun: 0,
            limit: Box::pin(tokio::time::sleep(PREFACE_LIMIT)),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.begun < PREFACE && self.limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, into);
        self.begun = self.begun.saturating_add(into.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
