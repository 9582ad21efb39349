//! How every handler answers, and how it waits for a verb.

use actix_web::{HttpResponse, web};

use super::problem::Problem;
use crate::app;

pub type Answer = Result<HttpResponse, Problem>;

/// The verbs are synchronous; they run beside the event loop.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> app::Result<T> + Send + 'static) -> Result<T, Problem> {
    let done = web::block(work)
        .await
        .map_err(|e| Problem::new("NL0999", e.to_string()))?;
    done.map_err(Problem::from)
}
