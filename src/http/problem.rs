//! Every no as a problem document (RFC 9457), also those that the framework gives by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Serialize;
use utoipa::openapi::{RefOr, Response};
use utoipa::{IntoResponses, ToSchema};

use super::{BODY_LIMIT, request_id};
use crate::app::{AppError, codes};
use crate::plan::{Reason, RefusedHop};
use crate::serving::{Refusal, Unbelieved};
use crate::version::Version;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Stable: `urn:netlink:problem:<code>`.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    /// What failed, on which thing, and what to do next.
    detail: String,
    /// As `netlink explain` and the documentation have it.
    code: &'static str,
    /// Where no permitted way leads on: the farthest version that one can get to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    farthest: Option<Version>,
    /// The moves that stand in the way there, each with the rule that forbids it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    witness: Vec<RefusedHop>,
    /// What the request is called, as in `X-Request-Id`, the audit and the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "9f86d081884c7d65")]
    request_id: Option<String>,
    /// For `WWW-Authenticate` (RFC 6750) when nobody is let in.
    #[serde(skip)]
    challenge: Option<&'static str>,
    /// For `Retry-After`: seconds.
    #[serde(skip)]
    retry_after: Option<u64>,
    /// For `Allow` when the method is not one of the address.
    #[serde(skip)]
    methods: Option<&'static str>,
}

impl Problem {
    pub fn new(code: &str, detail: String) -> Self {
        let code = codes::lookup(code);
        Self {
            kind: kind_of(code.id),
            title: code.title,
            status: code.kind.http(),
            detail,
            code: code.id,
            farthest: None,
            witness: Vec::new(),
            request_id: request_id::current().map(|id| id.to_string()),
            challenge: (code.kind == codes::Kind::Denied).then_some("Bearer"),
            retry_after: code.kind.retry_after(),
            methods: None,
        }
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The request itself is not as described.
    pub fn malformed(detail: String) -> Self {
        Self::new("NL0703", detail).with_status(StatusCode::BAD_REQUEST)
    }

    /// It says what only a relay may.
    pub fn unbelieved(why: &Unbelieved) -> Self {
        Self::new("NL0751", why.to_string()).with_status(StatusCode::BAD_REQUEST)
    }

    pub fn no_json() -> Self {
        let detail = "the body must be JSON, sent with `Content-Type: application/json`";
        Self::new("NL0703", detail.to_owned()).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    pub fn slow_body(limit: Duration) -> Self {
        let detail = format!("the body has not come within {} s", limit.as_secs());
        Self::new("NL0703", detail).with_status(StatusCode::REQUEST_TIMEOUT)
    }

    /// The body could not be received.
    pub fn of_body(error: &actix_web::Error) -> Self {
        match error.as_error::<PayloadError>() {
            Some(PayloadError::Overflow) => {
                let detail = format!("the body is longer than {BODY_LIMIT} bytes");
                Self::new("NL0703", detail).with_status(StatusCode::PAYLOAD_TOO_LARGE)
            }
            _ => Self::malformed(format!("the body: {error}")),
        }
    }

    pub fn not_acceptable(offered: &str) -> Self {
        let detail = format!("`Accept` names nothing of what there is here: {offered}");
        Self::new("NL0703", detail).with_status(StatusCode::NOT_ACCEPTABLE)
    }

    /// `If-Match` does not fit.
    pub fn changed_since() -> Self {
        let detail = "it has changed since it was seen; look again";
        Self::new("NL0703", detail.to_owned()).with_status(StatusCode::PRECONDITION_FAILED)
    }

    fn with_status(self, status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            ..self
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal.code(), refusal.to_string());
        let challenge = match &refusal {
            Refusal::Malformed(_) => return problem.with_status(StatusCode::BAD_REQUEST),
            Refusal::WrongToken(_) | Refusal::WrongAgain(_) => Some("Bearer error=\"invalid_token\""),
            Refusal::RoleTooLow(_) => Some("Bearer error=\"insufficient_scope\""),
            Refusal::Nobody(_) | Refusal::TooOften { .. } | Refusal::Failed { .. } => problem.challenge,
        };
        Self {
            challenge,
            retry_after: refusal.retry_after().or(problem.retry_after),
            ..problem
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let problem = Self {
            retry_after: error.retry_after(),
            ..Self::new(error.code().id, error.to_string())
        };
        match error {
            AppError::Refused(refusal) => match refusal.reason {
                Reason::NoPath { farthest, witness } => Self {
                    farthest: Some(farthest),
                    witness,
                    ..problem
                },
                _ => problem,
            },
            _ => problem,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(challenge) = self.challenge {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(methods) = self.methods {
            response.insert_header((header::ALLOW, methods));
        }
        let body = serde_json::to_string(self).unwrap_or_default();
        response
            .insert_header((header::CONTENT_TYPE, "application/problem+json"))
            .body(body)
    }
}

/// Has the framework's own refusals said as problems.
pub fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(BODY_LIMIT))
        .app_data(web::PathConfig::default().error_handler(|error, _| not_understood(&error)))
        .default_service(web::to(nothing_here));
}

fn not_understood(error: &impl ResponseError) -> actix_web::Error {
    Problem::malformed(error.to_string()).into()
}

async fn nothing_here(request: HttpRequest) -> Problem {
    Problem::new("NL0702", format!("there is nothing at {}", request.path()))
}

/// For an address that is there, asked with a method that it does not have.
pub fn wrong_method(request: &HttpRequest, methods: &'static str) -> Problem {
    let detail = format!("{} takes {methods}, not {}", request.path(), request.method());
    Problem {
        methods: Some(methods),
        ..Problem::new("NL0702", detail).with_status(StatusCode::METHOD_NOT_ALLOWED)
    }
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

/// What an address that asks for a token may answer instead: in the description this mark stands for it until all is put in.
pub struct Refusals;

pub const MARK: &str = "default";

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([(MARK.to_owned(), Response::default().into())])
    }
}

/// The type of the problems of a code.
pub fn kind_of(code: &str) -> String {
    format!("urn:netlink:problem:{code}")
}
