//! gRPC: connections that speak HTTP/2 within limits, each with lines of its own to the server, on which its calls go on.

use std::io::Cursor;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::call;
use super::door::{Door, SLOW_READER};
use super::head::Client;
use super::trunk::Trunk;

/// What every connection begins with.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// From the connection, or the end of its handshake, to the end of the preface.
const PREFACE_TIME: Duration = Duration::from_secs(5);
/// Calls at once over one connection; the server takes as many over one, and keeps to the same limits.
pub const CALLS_AT_ONCE: u32 = 256;
/// Of a head, in bytes.
pub const HEAD_LIMIT: u32 = 16 << 10;
/// Calls that a client takes back before they were looked at, and that it makes wrongly, before its connection is cut.
pub const TAKEN_BACK: usize = 64;

/// Until the client ends, or the relay; who is there for longer than `age` is told to connect anew, which clients do with their next
/// call, while what is under way goes on to its end.
pub async fn speak(
    door: &Arc<Door>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: Client,
    age: Duration,
) {
    let mut preface = [0; PREFACE.len()];
    let begun = timeout(PREFACE_TIME, stream.read_exact(&mut preface)).await;
    if !matches!(begun, Ok(Ok(_))) || preface != *PREFACE {
        return;
    }
    let (reader, writer) = tokio::io::split(stream);
    let stream = tokio::io::join(Cursor::new(preface).chain(reader), writer);
    let (within, client) = (Arc::clone(door), Arc::new(client));
    let trunk = Arc::new(Trunk::to(door.through.clone()));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(CALLS_AT_ONCE)
        .max_header_list_size(HEAD_LIMIT)
        .max_pending_accept_reset_streams(TAKEN_BACK)
        .max_local_error_reset_streams(TAKEN_BACK)
        .keep_alive_interval(SLOW_READER)
        .keep_alive_timeout(SLOW_READER)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let (door, trunk, client) = (Arc::clone(&within), Arc::clone(&trunk), Arc::clone(&client));
                async move { call::through(&door, &trunk, &client, request).await }
            }),
        );
    let mut connection = pin!(connection);
    let over = select(door.is_ended(), Box::pin(sleep(age)));
    // How a connection ends that is no longer wanted, or was none, is nobody's matter.
    if let Either::Right(_) = select(connection.as_mut(), over).await {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
