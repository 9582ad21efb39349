//! Maintenance mode over REST.

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Caller, Operator, Viewer};
use super::answer::{Answer, blocking, tag, tagged};
use super::body::Sent;
use super::problem::{Problem, Refusals};
use crate::app::{self, MaintenanceView};
use crate::serving::Work;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceRequest {
    enabled: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Maintenance {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<MaintenanceView> for Maintenance {
    fn from(view: MaintenanceView) -> Self {
        let (since, reason) = view.flag.map(|flag| (flag.since, flag.reason)).unzip();
        Self {
            enabled: view.on,
            since,
            reason,
        }
    }
}

/// Whether maintenance is on.
#[utoipa::path(get, operation_id = "maintenance", tag = "system", path = "/api/v1/system/maintenance", security(("token" = ["viewer"])), responses(
    (status = 200, description = "Since when, and why", body = Maintenance,
        headers(("ETag" = String, description = "For `If-None-Match` and `If-Match`"))),
    (status = 304, description = "As it was"),
    Refusals))]
pub async fn look(_caller: Caller<Viewer>, work: web::Data<Work>, request: HttpRequest) -> Answer {
    let view = blocking(move || Ok(Maintenance::from(app::maintenance(&work.open()?)?))).await?;
    tagged(&request, &view)
}

/// Switches maintenance on or off, with its hooks; what is so already stays so.
///
/// With `If-Match` and the `ETag` of a look or of a change before, only if it is still as it was seen then.
#[utoipa::path(put, operation_id = "set_maintenance", tag = "system", path = "/api/v1/system/maintenance", security(("token" = ["operator"])),
    request_body = MaintenanceRequest, responses(
    (status = 200, description = "As it is now", body = Maintenance,
        headers(("ETag" = String, description = "For `If-None-Match` and `If-Match`"))),
    (status = 412, description = "It has changed since it was seen", body = Problem, content_type = "application/problem+json"),
    Refusals))]
pub async fn switch(
    _caller: Caller<Operator>,
    work: web::Data<Work>,
    request: HttpRequest,
    sent: Sent<MaintenanceRequest>,
) -> Answer {
    if let Some(expected) = request.headers().get(header::IF_MATCH) {
        let looked = work.clone();
        let now = blocking(move || Ok(Maintenance::from(app::maintenance(&looked.open()?)?))).await?;
        let (now, expected) = (tag(&now)?, expected.to_str().unwrap_or_default());
        if !expected.split(',').any(|one| one.trim() == "*" || one.trim() == now) {
            return Err(Problem::changed_since());
        }
    }
    let on = sent.value.enabled;
    let view = blocking(move || Ok(Maintenance::from(app::set_maintenance(&work.open()?, on)?))).await?;
    tagged(&request, &view)
}
