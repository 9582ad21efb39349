//! Every no as a problem document (RFC 9457), also those that the framework gives by itself.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Serialize;
use utoipa::ToSchema;

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
    code: &'static str,
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
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
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
                .error_handler(|error, _| not_understood(&error)),
        )
        .app_data(web::QueryConfig::default().error_handler(|error, _| not_understood(&error)))
        .app_data(web::PathConfig::default().error_handler(|error, _| not_understood(&error)))
        .default_service(web::to(nothing_here));
}

fn not_understood(error: &impl ResponseError) -> actix_web::Error {
    let problem = Problem::new("NL0703", error.to_string());
    match error.status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => problem.with_status(StatusCode::PAYLOAD_TOO_LARGE),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => problem.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        _ => problem.with_status(StatusCode::BAD_REQUEST),
    }
    .into()
}

async fn nothing_here(request: HttpRequest) -> Problem {
    Problem::new("NL0702", format!("there is nothing at {}", request.path()))
}

/// For an address that is there, asked with a method that it does not have.
pub async fn wrong_method(request: HttpRequest) -> Problem {
    let detail = format!(
        "{} does not take {}; see /openapi.yaml",
        request.path(),
        request.method()
    );
    Problem::new("NL0702", detail).with_status(StatusCode::METHOD_NOT_ALLOWED)
}

impl actix_web::Responder for Problem {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.error_response()
    }
}
