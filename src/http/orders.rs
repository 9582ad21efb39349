//! Orders: what was asked for, waits, or was done within a day.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};
use serde::Serialize;
use std::future::{Ready, ready};
use utoipa::ToSchema;

use super::WorkId;
use super::access::{Caller, Operator, Viewer, sender};
use super::answer::{Answer, blocking, tagged};
use super::api::BASE;
use super::changing::accepted;
use super::problem::{Problem, Refusals};
use super::work::{Submitted, Work};
use crate::app::{self, Installation, OrderView, Ticket, Wanted};
use crate::crypt::{Digest, digest_of};
use crate::store::OrderId;

const KEY_LIMIT: usize = 255;

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
        ready(key(request))
    }
}

fn key(request: &HttpRequest) -> Result<Key, Problem> {
    let whose = sender(request)?.prefix;
    let sent = request.headers().get("Idempotency-Key").map(|value| value.to_str());
    let text = match sent {
        None => None,
        Some(Ok(text)) if !text.is_empty() && text.len() <= KEY_LIMIT => Some(format!("{whose} {text}")),
        Some(_) => {
            let detail = format!("an Idempotency-Key has 1 to {KEY_LIMIT} visible characters");
            return Err(Problem::malformed(detail));
        }
    };
    Ok(Key {
        text,
        address: format!("{} {}", request.method(), request.path()),
    })
}

impl Key {
    /// The ticket of a request with this body, by that name.
    pub fn ticket(self, by: String, body: Digest) -> Ticket {
        Ticket {
            by,
            fingerprint: digest_of(format!("{} {body}", self.address).as_bytes()).to_string(),
            key: self.text,
        }
    }
}

/// Orders what takes its time; the answer says where to look.
pub async fn ordered(
    work: web::Data<Work>,
    ticket: Ticket,
    wanted: impl FnOnce(&Installation) -> app::Result<Wanted> + Send + 'static,
) -> Answer {
    let asked = work.clone();
    match blocking(move || asked.submit(ticket, wanted)).await? {
        Submitted::Settled(value) => Ok(HttpResponse::Ok().json(value)),
        Submitted::Update(id) => accepted(work, WorkId::Update(id)).await,
        Submitted::Waits(id) => accepted(work, WorkId::Order(id)).await,
    }
}

/// The same for what is no update.
pub async fn ordered_besides(work: web::Data<Work>, ticket: Ticket, wanted: Wanted) -> Answer {
    let asked = work.clone();
    match blocking(move || asked.submit(ticket, |_| Ok(wanted))).await? {
        Submitted::Settled(value) => Ok(HttpResponse::Ok().json(value)),
        Submitted::Update(id) => accepted(work, WorkId::Update(id)).await,
        Submitted::Waits(id) => {
            let place = format!("{BASE}/orders/{id}");
            let view = blocking(move || view(&work, &id)).await?;
            Ok(HttpResponse::Accepted()
                .insert_header((header::LOCATION, place))
                .json(view))
        }
    }
}

/// With what only this process knows.
pub fn view(work: &Work, id: &OrderId) -> app::Result<OrderView> {
    Ok(with_what_is_busy(work, app::order(&work.open()?, id)?))
}

pub fn with_what_is_busy(work: &Work, mut view: OrderView) -> OrderView {
    if work.is_busy_with(&view.order_id) && view.position.is_some() {
        view.reason = Some("it is being done".into());
    }
    view
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
    let id = parsed(&id)?;
    let view = blocking(move || view(&work, &id)).await?;
    tagged(&request, &view)
}

/// Takes back an order that still waits.
#[utoipa::path(post, operation_id = "cancel_order", tag = "orders", path = "/api/v1/system/orders/{order_id}/cancel", security(("token" = ["operator"])),
    params(("order_id" = String, Path, example = "order_0123456789abcdef")), responses(
    (status = 200, description = "It is cancelled", body = OrderView), Refusals))]
pub async fn cancel(_caller: Caller<Operator>, work: web::Data<Work>, id: web::Path<String>) -> Answer {
    let id = parsed(&id)?;
    let view = blocking(move || work.cancel(&id)).await?;
    Ok(HttpResponse::Ok().json(view))
}

fn parsed(id: &str) -> Result<OrderId, Problem> {
    let unknown = |e| Problem::new("NL0718", format!("there is no such order: {e}"));
    id.parse().map_err(unknown)
}
