//! The lines of one client of gRPC to the server: all its calls share one, and after that has ended the next call makes another.

use std::path::PathBuf;

use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::call::Asked;
use super::calls::CALLS_AT_ONCE;
use super::line::{ANSWER, CONNECT};
use super::no::No;

/// Of what a client has not taken yet so much is kept for each of its calls, the server keeps the rest.
const KEPT: u32 = 16 << 10;
/// And for all of them together: as much as each may have, so that none keeps the others waiting. A quarter of it would do, but the count
/// of small frames that are kept is held against it as well.
const KEPT_IN_ALL: u32 = 4 * CALLS_AT_ONCE * KEPT;

pub struct Trunk {
    through: PathBuf,
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    newest: Option<SendRequest<Asked>>,
    /// The older ones too: calls on them go on to their end. All are cut when the client has gone.
    open: JoinSet<()>,
}

impl Trunk {
    pub fn to(through: PathBuf) -> Self {
        Self {
            through,
            lines: Mutex::default(),
        }
    }

    /// What the server answers to this call.
    pub async fn ask(&self, request: Request<Asked>) -> Result<Response<Incoming>, No> {
        let mut sender = self.sender().await?;
        let answer = async {
            sender.ready().await.map_err(|_| No::Away)?;
            sender.send_request(request).await.map_err(|_| No::CutOff)
        };
        timeout(ANSWER, answer).await.unwrap_or(Err(No::CutOff))
    }

    async fn sender(&self) -> Result<SendRequest<Asked>, No> {
        let mut lines = self.lines.lock().await;
        while lines.open.try_join_next().is_some() {}
        if let Some(sender) = lines.newest.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let connected = timeout(CONNECT, UnixStream::connect(&self.through)).await;
        let Ok(Ok(stream)) = connected else {
            return Err(No::Away);
        };
        let shaken = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(KEPT)
            .initial_connection_window_size(KEPT_IN_ALL)
            .handshake(TokioIo::new(stream));
        let (sender, connection) = shaken.await.map_err(|_| No::Away)?;
        lines.open.spawn(async move {
            // What has failed of it is told to whoever waits for an answer, or for the rest of one.
            let _ = connection.await;
        });
        lines.newest = Some(sender.clone());
        Ok(sender)
    }
}
