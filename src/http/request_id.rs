//! `X-Request-Id`: taken from the request or made, sent back with the answer, and named in problem documents.

use std::future::Future;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};

use super::access::sender;
use crate::clock;
use crate::serving::{Answered, RequestId, say_request};

const NAME: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    /// Problem documents are written where the request is out of sight.
    static CURRENT: RequestId;
}

/// Gives each request its name.
pub async fn name(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = clock::monotonic();
    let sent = request.headers().get(&NAME).and_then(|value| value.to_str().ok());
    let id = RequestId::of(sent);
    request.extensions_mut().insert(id.clone());
    let mut answer = within(id.clone(), next.call(request)).await?;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        answer.headers_mut().insert(NAME, value);
    }
    let how = match answer.status() {
        StatusCode::INTERNAL_SERVER_ERROR => Answered::Badly,
        _ if answer.request().method().is_safe() => Answered::Looking,
        _ => Answered::Changing,
    };
    if how.is_said() {
        let (asked, status) = (answer.request(), answer.status().as_u16());
        let action = format!("{} {}", asked.method(), asked.path());
        let who = sender(asked).map_or_else(|_| "nobody".to_owned(), |identity| identity.who);
        say_request(&id, (how, status), &action, &who, began.elapsed());
    }
    Ok(answer)
}

fn within<T>(id: RequestId, answer: impl Future<Output = T>) -> impl Future<Output = T> {
    CURRENT.scope(id, answer)
}

/// The name that [`name`] gave.
pub fn of(request: &HttpRequest) -> RequestId {
    let given = request.extensions().get::<RequestId>().cloned();
    given.unwrap_or_else(|| RequestId::of(None))
}

/// That of the request that is being answered here.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}
