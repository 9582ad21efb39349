//! Every no as a problem document (RFC 9457), also those that the framework gives by itself.

use std::fmt;

use actix_web::error::JsonPayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::BODY_LIMIT;
use crate::app::{AppError, codes};

#[derive(Debug, Serialize, ToSchema)]
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
    /// For `WWW-Authenticate` (RFC 6750) when nobody is let in.
    #[serde(skip)]
    challenge: &'static str,
    /// For `Allow` when the method is not one of the address.
    #[serde(skip)]
    methods: Option<&'static str>,
}

impl Problem {
    pub fn new(code: &str, detail: String) -> Self {
        let code = codes::lookup(code);
        Self {
            kind: format!("urn:netlink:problem:{}", code.id),
            title: code.title,
            status: code.kind.http(),
            detail,
            code: code.id,
            challenge: "Bearer",
            methods: None,
        }
    }

    /// A token was sent, but not the right one.
    pub fn wrong_token(detail: &str) -> Self {
        Self {
            challenge: "Bearer error=\"invalid_token\"",
            ..Self::new("NL0701", detail.to_owned())
        }
    }

    fn with_status(self, status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            ..self
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        Self::new(error.code().id, error.to_string())
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
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            response.insert_header((header::WWW_AUTHENTICATE, self.challenge));
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
        .app_data(
            web::JsonConfig::default()
                .limit(BODY_LIMIT)
                .error_handler(|error, _| body_not_understood(&error)),
        )
        .app_data(web::QueryConfig::default().error_handler(|error, _| not_understood(&error)))
        .app_data(web::PathConfig::default().error_handler(|error, _| not_understood(&error)))
        .default_service(web::to(nothing_here));
}

fn not_understood(error: &impl ResponseError) -> actix_web::Error {
    Problem::new("NL0703", error.to_string())
        .with_status(StatusCode::BAD_REQUEST)
        .into()
}

fn body_not_understood(error: &JsonPayloadError) -> actix_web::Error {
    let (status, detail) = match error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            let detail = format!("the body is longer than {BODY_LIMIT} bytes");
            (StatusCode::PAYLOAD_TOO_LARGE, detail)
        }
        JsonPayloadError::ContentType => {
            let detail = "the body must be JSON, sent with `Content-Type: application/json`".to_owned();
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
        }
        JsonPayloadError::Deserialize(error) => (StatusCode::BAD_REQUEST, format!("the body: {error}")),
        error => (StatusCode::BAD_REQUEST, error.to_string()),
    };
    Problem::new("NL0703", detail).with_status(status).into()
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

/// What any address may answer instead, for the description.
#[derive(IntoResponses)]
#[allow(dead_code)]
pub enum Refusals {
    /// The token is missing or wrong.
    #[response(status = 401, content_type = "application/problem+json",
        headers(("WWW-Authenticate" = String, description = "`Bearer`")))]
    Denied(Problem),
    /// A no, with its reason; `code` and `type` are stable.
    #[response(status = "default", content_type = "application/problem+json")]
    Other(Problem),
}
