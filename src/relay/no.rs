//! What a relay says no with by itself: problem documents (RFC 9457) like those of the server behind it.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde_json::json;

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
}

impl No {
    fn status(&self) -> StatusCode {
        match self {
            Self::Away | Self::CutOff => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Tunnel => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// With its title, both as the one table has them.
    pub fn code(&self) -> (&'static str, &'static str) {
        match self {
            Self::Away => ("NL0750", "server behind the relay away"),
            Self::CutOff => ("NL0754", "no answer behind the relay"),
            Self::TooLong { .. } | Self::Malformed(_) => ("NL0703", "request not understood"),
            Self::Tunnel => ("NL0702", "no such page"),
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
        match self {
            Self::Away | Self::CutOff => {
                fields.insert(RETRY_AFTER, HeaderValue::from(SOON));
            }
            Self::Tunnel => {
                fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE"));
            }
            Self::TooLong { .. } | Self::Malformed(_) => {}
        }
        answer
    }
}
