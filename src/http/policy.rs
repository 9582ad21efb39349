//! The policy: whether and when updates begin, and what waits for its turn or its time.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Caller, Viewer};
use super::answer::{Answer, blocking, tagged};
use super::problem::{Problem, Refusals};
use super::query::Asked;
use crate::app::{self, OrderView, PolicyView};
use crate::serving::Work;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Ahead {
    /// So many days the calendar has.
    #[serde(default = "fortnight")]
    #[param(minimum = 1, maximum = 62, default = 14)]
    days: u32,
}

fn fortnight() -> u32 {
    14
}

/// When updates may begin: the policy, and the calendar of the days to come.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/policy", security(("token" = ["viewer"])), params(Ahead), responses(
    (status = 200, description = "What the settings say, how it is now, and the days to come as stretches of time", body = PolicyView),
    Refusals))]
pub async fn policy(_caller: Caller<Viewer>, work: web::Data<Work>, ahead: Asked<Ahead>) -> Answer {
    let Ahead { days } = ahead.into_inner();
    if !(1..=62).contains(&days) {
        return Err(Problem::malformed("`days` is 1 to 62".to_owned()));
    }
    let view = blocking(move || Ok(app::policy(&work.open()?, days))).await?;
    Ok(HttpResponse::Ok().json(view))
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Queue {
    /// In the order in which they begin; those that wait for their time last.
    orders: Vec<OrderView>,
}

/// What waits: orders for their turn, scheduled ones for their time.
#[utoipa::path(get, tag = "orders", path = "/api/v1/system/updates/queue", security(("token" = ["viewer"])), responses(
    (status = 200, description = "Each with position and reason, or with its time", body = Queue,
        headers(("ETag" = String, description = "For `If-None-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn queue(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let orders = blocking(move || work.queue()).await?;
    let queue = Queue { orders };
    tagged(&request, &queue)
}
