//! What a relay says no with by itself: problem documents (RFC 9457) and statuses of gRPC like those of the server behind it.

use std::collections::HashMap;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Seconds until it is worth asking again.
const SOON: u16 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum No {
    /// Nobody is at the socket; nothing was done.
    Away,
    /// It was passed on, and no answer came back.
    CutOff,
    TooLong {
        limit: usize,
    },
    /// What was sent is none, or broke off.
    Malformed(&'static str),
    Tunnel,
    /// Something else than gRPC where gRPC is spoken.
    OtherThanGrpc,
    /// The relay itself was told to end, and with it what has no end of its own.
    Ending,
}

impl No {
    fn status(&self) -> StatusCode {
        match self {
            Self::Away | Self::CutOff | Self::Ending => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Tunnel => StatusCode::METHOD_NOT_ALLOWED,
            Self::OtherThanGrpc => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    fn retry_after(&self) -> Option<u16> {
        matches!(self, Self::Away | Self::CutOff | Self::Ending).then_some(SOON)
    }

    /// With its title, both as the one table has them.
    pub fn code(&self) -> (&'static str, &'static str) {
        match self {
            Self::Away => ("NL0750", "server behind the relay away"),
            Self::CutOff => ("NL0754", "no answer behind the relay"),
            Self::TooLong { .. } | Self::Malformed(_) => ("NL0703", "request not understood"),
            Self::Tunnel => ("NL0702", "no such page"),
            Self::OtherThanGrpc => ("NL0703", "request not understood"),
            Self::Ending => ("NL0720", "the server is ending"),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Away => "the server behind this relay does not answer: it is starting, ending, or not there; nothing was done".into(),
            Self::CutOff => {
                "the server behind this relay ended before it answered, so it is not known whether it was done; look, or ask again \
                 with the same Idempotency-Key"
                    .into()
            }
            Self::TooLong { limit } => format!("the body is longer than {limit} bytes"),
            Self::Malformed(why) => (*why).to_owned(),
            Self::Tunnel => "there are no tunnels here".into(),
            Self::OtherThanGrpc => "gRPC alone is spoken here".into(),
            Self::Ending => "the relay is ending; ask again in a moment".into(),
        }
    }

    pub fn answer(&self) -> Response<Full<Bytes>> {
        let (code, title) = self.code();
        let document = json!({
            "type": format!("urn:netlink:problem:{code}"),
            "title": title,
            "status": self.status().as_u16(),
            "detail": self.detail(),
            "code": code,
        });
        let mut answer = Response::new(Full::from(document.to_string()));
        *answer.status_mut() = self.status();
        let fields = answer.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(seconds) = self.retry_after() {
            fields.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if *self == Self::Tunnel {
            fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE"));
        }
        answer
    }

    /// The same to who has called over gRPC.
    pub fn answer_to_call(&self) -> Response<Full<Bytes>> {
        match self {
            Self::OtherThanGrpc => self.answer(),
            _ => self.status_of_call().into_http(),
        }
    }

    /// As the end of an answer that has begun.
    pub fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        // What cannot be written so is left out: the end without a status is no success either.
        let _ = self.status_of_call().add_header(&mut trailers);
        trailers
    }

    fn status_of_call(&self) -> Status {
        let kind = match self {
            Self::Away | Self::CutOff | Self::Ending => Code::Unavailable,
            Self::TooLong { .. } => Code::ResourceExhausted,
            Self::Malformed(_) => Code::InvalidArgument,
            Self::Tunnel | Self::OtherThanGrpc => Code::Unimplemented,
        };
        let (code, title) = self.code();
        let more = HashMap::from([
            ("type".to_owned(), format!("urn:netlink:problem:{code}")),
            ("title".to_owned(), title.to_owned()),
        ]);
        let mut details = ErrorDetails::with_error_info(code, "netlink", more);
        if let Some(seconds) = self.retry_after() {
            details.set_retry_info(Some(Duration::from_secs(seconds.into())));
        }
        Status::with_error_details(kind, self.detail(), details)
    }
}
