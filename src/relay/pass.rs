//! One request, once through.

use std::convert::Infallible;
use std::error::Error;

use http_body_util::{Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use hyper::{Request, Response, Version};

use super::door::Door;
use super::head::{self, Client};
use super::line::{self, Answer, Why};
use super::no::No;
use crate::tls::STRICT;

/// As long as the server takes.
pub const BODY_LIMIT: usize = 64 << 10;

pub type Passed = Response<Either<Answer, Full<Bytes>>>;

pub async fn on(door: &Door, client: &Client, request: Request<Incoming>) -> Result<Passed, Infallible> {
    let mut answer = match passed(door, client, request).await {
        Ok(answer) => answer.map(Either::Left),
        Err(no) => {
            door.note(&no);
            no.answer().map(Either::Right)
        }
    };
    if client.in_tls.as_ref().is_some_and(|in_tls| in_tls.is_strict) {
        let strict = HeaderValue::from_static(STRICT);
        answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, strict);
    }
    Ok(answer)
}

async fn passed(door: &Door, client: &Client, request: Request<Incoming>) -> Result<Response<Answer>, No> {
    let (head, body) = request.into_parts();
    let head = head::asked(head, client)?;
    let limit = BODY_LIMIT;
    if body.size_hint().lower() > limit as u64 {
        return Err(No::TooLong { limit });
    }
    let request = Request::from_parts(head, Limited::new(body, limit));
    let answer = line::ask(&door.through, request).await.map_err(|why| match why {
        Why::No(no) => no,
        Why::Broke(error) => broke(&error),
    })?;
    door.is_back();
    let (mut head, body) = answer.into_parts();
    head::keep_between_neighbours(&mut head.headers);
    head.version = Version::HTTP_11;
    let is_live = head
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let body = if is_live { body.until(door.is_ended()) } else { body };
    Ok(Response::from_parts(head, body))
}

/// Whose fault it is that there is no answer: what came from the client broke off, or what was to come from the server.
fn broke(error: &hyper::Error) -> No {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return No::TooLong { limit: BODY_LIMIT };
        }
        cause = error.source();
    }
    match error.is_user() {
        true => No::Malformed("the body of the request is not whole"),
        false => No::CutOff,
    }
}
