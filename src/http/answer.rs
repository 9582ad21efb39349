//! How every handler answers, and how it waits for a verb.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use super::problem::Problem;
use crate::app;
use crate::crypt::digest_of;

pub type Answer = Result<HttpResponse, Problem>;

/// The verbs are synchronous; they run beside the event loop.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> app::Result<T> + Send + 'static) -> Result<T, Problem> {
    let done = web::block(work)
        .await
        .map_err(|e| Problem::new("NL0999", e.to_string()))?;
    done.map_err(Problem::from)
}

/// An answer to a look, with a tag of its content; not sent again to who has it already (`If-None-Match`).
pub fn tagged(request: &HttpRequest, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|e| Problem::new("NL0999", e.to_string()))?;
    let tag = tag_of(&body);
    let mut answer = match is_known(request, &tag) {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    answer
        .insert_header((header::ETAG, tag.clone()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"));
    if is_known(request, &tag) {
        return Ok(answer.finish());
    }
    Ok(answer.content_type("application/json").body(body))
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

fn is_known(request: &HttpRequest, tag: &str) -> bool {
    let sent = request.headers().get(header::IF_NONE_MATCH);
    let sent = sent.and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}
