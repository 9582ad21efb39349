//! How every handler answers, and how it waits for a verb.

use std::error::Error;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::problem::Problem;
use crate::app::{self, AppError};
use crate::crypt::digest_of;

pub type Answer = Result<HttpResponse, Problem>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Only who asked may keep it, and asks each time whether it still holds.
const KEPT_BY_ONE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The verbs are synchronous; they run beside the event loop.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> app::Result<T> + Send + 'static) -> Result<T, Problem> {
    let done = web::block(work)
        .await
        .map_err(|e| Problem::new("NL0999", e.to_string()))?;
    done.map_err(Problem::from)
}

/// An answer to a look, as it is written, with a tag of that.
pub struct Said {
    body: Bytes,
    content_type: HeaderValue,
    tag: HeaderValue,
}

impl Said {
    pub fn of(value: &impl Serialize) -> app::Result<Self> {
        let failed = |e: &(dyn Error + 'static)| AppError::below("NL0999", e);
        let body = serde_json::to_vec(value).map_err(|e| failed(&e))?;
        Self::written(body, JSON)
    }

    /// What is written already.
    pub fn written(body: impl Into<Bytes>, content_type: HeaderValue) -> app::Result<Self> {
        let body = body.into();
        let tag = HeaderValue::try_from(tag_of(&body)).map_err(|e| AppError::below("NL0999", &e))?;
        Ok(Self {
            body,
            content_type,
            tag,
        })
    }

    /// Not sent again to who has it already (`If-None-Match`).
    pub fn to(&self, request: &HttpRequest) -> HttpResponse {
        let is_known = is_known(request, &self.tag);
        let mut answer = match is_known {
            true => HttpResponse::NotModified(),
            false => HttpResponse::Ok(),
        };
        answer
            .insert_header((header::ETAG, self.tag.clone()))
            .insert_header((header::CACHE_CONTROL, KEPT_BY_ONE));
        if is_known {
            return answer.finish();
        }
        answer
            .insert_header((header::CONTENT_TYPE, self.content_type.clone()))
            .body(self.body.clone())
    }
}

/// An answer to a look, with a tag of its content; not sent again to who has it already (`If-None-Match`).
pub fn tagged(request: &HttpRequest, value: &impl Serialize) -> Answer {
    Ok(Said::of(value)?.to(request))
}

/// The tag that [`tagged`] would give this.
pub fn tag(value: &impl Serialize) -> Result<String, Problem> {
    let body = serde_json::to_vec(value).map_err(|e| Problem::new("NL0999", e.to_string()))?;
    Ok(tag_of(&body))
}

fn tag_of(body: &[u8]) -> String {
    let digest = digest_of(body).to_string();
    format!("\"{}\"", &digest[..32])
}

fn is_known(request: &HttpRequest, tag: &HeaderValue) -> bool {
    let sent = request.headers().get(header::IF_NONE_MATCH);
    let sent = sent.and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(',')
        .map(str::trim)
        .any(|known| known == "*" || *tag == known.trim_start_matches("W/"))
}
