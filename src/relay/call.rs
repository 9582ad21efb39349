//! One call of gRPC, once through: what is asked and what is told go on as they come, trailers and all, and who ends one way ends the
//! other.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::{Request, Response, Version};

use super::door::Door;
use super::head::{self, Client};
use super::line::Ended;
use super::no::No;
use super::pass::BODY_LIMIT;
use super::trunk::Trunk;

/// Calls whose answers have no end of their own, by the last part of their path.
const LIVE: [&str; 3] = ["WatchUpgradeStatus", "Watch", "ServerReflectionInfo"];

pub type Passed = Response<Either<Told, Full<Bytes>>>;

pub async fn through(
    door: &Door,
    trunk: &Trunk,
    client: &Client,
    request: Request<Incoming>,
) -> Result<Passed, Infallible> {
    let passed = passed(door, trunk, client, request).await;
    Ok(match passed {
        Ok(answer) => answer.map(Either::Left),
        Err(no) => {
            door.note(&no);
            no.answer_to_call().map(Either::Right)
        }
    })
}

async fn passed(door: &Door, trunk: &Trunk, client: &Client, request: Request<Incoming>) -> Result<Response<Told>, No> {
    let (head, body) = request.into_parts();
    let head = head::called(head, client)?;
    let name = head.uri.path().rsplit('/').next();
    let is_live = name.is_some_and(|name| LIVE.contains(&name));
    let broke = Broke::default();
    let asked = Asked {
        body,
        left: BODY_LIMIT,
        broke: Arc::clone(&broke),
    };
    let answer = trunk.ask(Request::from_parts(head, asked)).await;
    // Whose fault it is: what came from the client, or what was to come from the server.
    let answer = answer.map_err(|no| broke.get().cloned().unwrap_or(no))?;
    door.is_back();
    let (mut head, body) = answer.into_parts();
    head::keep_between_neighbours(&mut head.headers);
    head.version = Version::HTTP_2;
    let told = Told {
        body,
        ended: is_live.then(|| door.is_ended()),
        broke,
        is_over: false,
    };
    Ok(Response::from_parts(head, told))
}

/// Why what came from the client is not all of it.
type Broke = Arc<OnceLock<No>>;

#[derive(Debug, thiserror::Error)]
#[error("the call was not whole")]
pub struct BrokeOff;

/// What a client says, as long as it is no longer than it may be.
pub struct Asked {
    body: Incoming,
    left: usize,
    broke: Broke,
}

impl Asked {
    fn give_up(&self, why: No) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let _only_once = self.broke.set(why);
        Poll::Ready(Some(Err(BrokeOff)))
    }
}

impl Body for Asked {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return self.give_up(No::Malformed("the message of the call is not whole")),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, Bytes::len);
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => return self.give_up(No::TooLong { limit: BODY_LIMIT }),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What the server tells; where that breaks off, a status says so.
pub struct Told {
    body: Incoming,
    /// Ends what has no end of its own.
    ended: Option<Ended>,
    broke: Broke,
    is_over: bool,
}

impl Told {
    fn end(&mut self, why: &No) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.is_over = true;
        Poll::Ready(Some(Ok(Frame::trailers(why.trailers()))))
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Err(_))) => {
                let why = self.broke.get().cloned().unwrap_or(No::CutOff);
                self.end(&why)
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.ended.as_mut().map(|ended| ended.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => self.end(&No::Ending),
                _ => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }
}
