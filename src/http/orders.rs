//! Orders: what was asked for, waits, or was done within a day.

use std::future::{Ready, ready};

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, Operator, Viewer};
use super::answer::{Answer, blocking, tagged};
use super::api::BASE;
use super::problem::{Problem, Refusals};
use crate::app::{self, OrderView, Ticket};
use crate::crypt::Digest;
use crate::serving::{Cancelled, Identity, Submitted, Work, WorkId, parsed_order, ticket};

/// The `Idempotency-Key` of a request: the same key with the same body is the same order, for a day.
#[derive(Debug, Clone)]
pub struct Key {
    text: Option<String>,
    /// What was asked for, besides the body.
    address: String,
}

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        // What cannot be read is one of no characters, which is refused.
        let text = |value: &header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        ready(Ok(Self {
            text: request.headers().get("Idempotency-Key").map(text),
            address: format!("{} {}", request.method(), request.path()),
        }))
    }
}

impl Key {
    /// The ticket of a request with this body, by that one.
    pub fn ticket(&self, identity: &Identity, body: Digest) -> Result<Ticket, Problem> {
        Ok(ticket(identity, self.text.as_deref(), &self.address, body)?)
    }
}

/// Orders what takes its time; the answer says where to look.
pub async fn ordered(
    work: web::Data<Work>,
    order: impl FnOnce(&Work) -> app::Result<Submitted> + Send + 'static,
) -> Answer {
    let asked = work.clone();
    match blocking(move || order(&asked)).await? {
        Submitted::Settled(value) => Ok(HttpResponse::Ok().json(value)),
        Submitted::Update(id) => accepted(work, WorkId::Update(id)).await,
        Submitted::Waits(id) => accepted(work, WorkId::Order(id)).await,
    }
}

/// The same for what is no update.
pub async fn ordered_besides(
    work: web::Data<Work>,
    order: impl FnOnce(&Work) -> app::Result<Submitted> + Send + 'static,
) -> Answer {
    let asked = work.clone();
    match blocking(move || order(&asked)).await? {
        Submitted::Settled(value) => Ok(HttpResponse::Ok().json(value)),
        Submitted::Update(id) => accepted(work, WorkId::Update(id)).await,
        Submitted::Waits(id) => {
            let place = format!("{BASE}/orders/{id}");
            let view = blocking(move || work.order(&id)).await?;
            Ok(HttpResponse::Accepted()
                .insert_header((header::LOCATION, place))
                .json(view))
        }
    }
}

pub async fn accepted(work: web::Data<Work>, id: WorkId) -> Answer {
    let place = format!("{BASE}/updates/status/{id}");
    let progress = blocking(move || work.progress_of(&id)).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, place))
        .json(progress))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Orders {
    orders: Vec<OrderView>,
}

/// Orders that wait, and those of the last day; newest first.
#[utoipa::path(get, operation_id = "orders", tag = "orders", path = "/api/v1/system/orders", security(("token" = ["viewer"])), responses(
    (status = 200, description = "Each with its state; those that wait with position and reason", body = Orders,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn list(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let orders = blocking(move || app::orders(&work.open()?)).await?;
    tagged(&request, &Orders { orders })
}

/// How an order stands.
#[utoipa::path(get, operation_id = "order", tag = "orders", path = "/api/v1/system/orders/{order_id}", security(("token" = ["viewer"])),
    params(("order_id" = String, Path, example = "order_0123456789abcdef")), responses(
    (status = 200, description = "Its state; while it waits with position and reason", body = OrderView,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn look(
    _caller: Caller<Viewer>,
    work: web::Data<Work>,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer {
    let id = parsed_order(&id)?;
    let view = blocking(move || work.order(&id)).await?;
    tagged(&request, &view)
}

/// Takes back an order that still waits.
#[utoipa::path(post, operation_id = "cancel_order", tag = "orders", path = "/api/v1/system/orders/{order_id}/cancel", security(("token" = ["operator"])),
    params(("order_id" = String, Path, example = "order_0123456789abcdef")), responses(
    (status = 200, description = "It is cancelled", body = OrderView), Refusals))]
pub async fn cancel(caller: Caller<Operator>, work: web::Data<Work>, id: web::Path<String>) -> Answer {
    let id = WorkId::Order(parsed_order(&id)?);
    cancelled(work, id, caller.name()).await
}

pub async fn cancelled(work: web::Data<Work>, id: WorkId, by: String) -> Answer {
    let asked = work.clone();
    match blocking(move || asked.cancel(&id, &by)).await? {
        Cancelled::Order(view) => Ok(HttpResponse::Ok().json(view)),
        Cancelled::Update(id) => accepted(work, WorkId::Update(id)).await,
    }
}
