//! A line to the server: one connection for one request, so that nothing that is read of one can belong to another.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::no::No;

pub const CONNECT: Duration = Duration::from_secs(5);
/// Until an answer begins; what is asked has its own limit below this, and the end of the server shows at once.
pub const ANSWER: Duration = Duration::from_secs(4 * 60 * 60);

pub type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the server answers to this request.
pub async fn ask<B>(through: &Path, request: Request<B>) -> Result<Response<Answer>, Why>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connected = timeout(CONNECT, UnixStream::connect(through)).await;
    let Ok(Ok(stream)) = connected else {
        return Err(Why::No(No::Away));
    };
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(Why::Broke)?;
    let mut line = JoinSet::new();
    line.spawn(async move {
        // What has failed of it is told to whoever waits for the answer, or for the rest of it.
        let _ = connection.await;
    });
    match timeout(ANSWER, sender.send_request(request)).await {
        Ok(Ok(answer)) => Ok(answer.map(|body| Answer {
            body,
            _line: line,
            ended: None,
        })),
        Ok(Err(error)) => Err(Why::Broke(error)),
        Err(_) => Err(Why::No(No::CutOff)),
    }
}

/// Why there is no answer.
pub enum Why {
    No(No),
    Broke(hyper::Error),
}

/// An answer as it comes; when nobody wants it any more the line is cut.
pub struct Answer {
    body: Incoming,
    _line: JoinSet<()>,
    /// Ends what has no end of its own.
    ended: Option<Ended>,
}

impl Answer {
    /// Live events end with the relay.
    #[must_use]
    pub fn until(self, ended: Ended) -> Self {
        Self {
            ended: Some(ended),
            ..self
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let is_over = self
            .ended
            .as_mut()
            .is_some_and(|ended| ended.as_mut().poll(context).is_ready());
        if is_over {
            self.ended = None;
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
