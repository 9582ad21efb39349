//! The addresses of live events (server-sent events): what was missed comes from the journal, then what happens.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::access::{Caller, Viewer};
use super::answer::{Answer, blocking};
use super::problem::{Problem, Refusals};
use super::query::Asked;
use super::text::LastEventId;
use crate::serving::{Access, Seen, Shown, Watch, Work, WorkId, has_seen_all};
use crate::store::UpdateId;

/// What is sent at once, so that proxies and clients see that it begins; and when to come back.
const BEGINNING: &str = "retry: 2000\n\n";

/// One event of a line.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct EventLine {
    /// The number of the journal's entry, to be sent as `Last-Event-ID`; progress has none.
    #[schema(example = "42")]
    id: Option<String>,
    /// JSON with `seq`, `time`, `update_id`, `kind`, `phase`, `step`, `progress`, `message`.
    data: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// Begin after the event of this id; for clients that cannot send `Last-Event-ID`, which counts more.
    #[param(minimum = 0, maximum = 9223372036854775807i64)]
    after: Option<i64>,
}

/// The events of one update: all since its beginning, or since `Last-Event-ID`; it ends with the update.
#[utoipa::path(get, operation_id = "events_of_update", tag = "events", path = "/api/v1/system/updates/{update_id}/events", security(("token" = ["viewer"])),
    params(("update_id" = String, Path, description = "Of an update, or of an order that has become one", example = "update_0a1_0b1_20241219_120000"), From, LastEventId),
    responses(
    (status = 200, description = "Events: JSON of seq, time, update_id, kind, phase, step, progress, message", content_type = "text/event-stream", body = EventLine),
    (status = 204, description = "The update has finished and everything of it was seen"),
    Refusals))]
pub async fn of_update(
    caller: Caller<Viewer>,
    served: Served,
    request: HttpRequest,
    id: web::Path<String>,
    from: Asked<From>,
) -> Answer {
    let id: WorkId = id.parse()?;
    let work = served.0.clone();
    let id = blocking(move || work.update_of(id)).await?;
    let after = begins_after(&request, &from)?.unwrap_or(0);
    let (work, of) = (served.0.clone(), id.clone());
    if blocking(move || has_seen_all(&work, &of, after)).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    watched(served, caller, Some(id), Some(after))
}

/// The events of all updates from now on, or since `Last-Event-ID`; also of those that a command line runs.
#[utoipa::path(get, operation_id = "events", tag = "events", path = "/api/v1/system/updates/events", security(("token" = ["viewer"])),
    params(From, LastEventId),
    responses(
    (status = 200, description = "Events without end", content_type = "text/event-stream", body = EventLine), Refusals))]
pub async fn of_all(caller: Caller<Viewer>, served: Served, request: HttpRequest, from: Asked<From>) -> Answer {
    let after = begins_after(&request, &from)?;
    watched(served, caller, None, after)
}

type Served = (web::Data<Work>, web::Data<Access>);

fn begins_after(request: &HttpRequest, from: &From) -> Result<Option<i64>, Problem> {
    let wrong = || Problem::malformed("the id of an event is a number from 0 on".to_owned());
    if from.after.is_some_and(|after| after < 0) {
        return Err(wrong());
    }
    let Some(sent) = request.headers().get("Last-Event-ID") else {
        return Ok(from.after);
    };
    let number = sent.to_str().ok().and_then(|text| text.parse::<i64>().ok());
    number.filter(|number| *number >= 0).map(Some).ok_or_else(wrong)
}

fn watched((work, access): Served, caller: Caller<Viewer>, of: Option<UpdateId>, after: Option<i64>) -> Answer {
    let watch = Watch::begin((work.into_inner(), access.into_inner()), caller.identity, of, after)?;
    let beginning = stream::iter([Ok(Bytes::from_static(BEGINNING.as_bytes()))]);
    let seen = stream::unfold(watch, |mut watch| async move {
        let seen = watch.next().await?;
        Some((Ok::<_, actix_web::Error>(rendered(&seen)), watch))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(beginning.chain(seen)))
}

fn rendered(seen: &Seen) -> Bytes {
    match seen {
        Seen::Events(events) => Bytes::from(events.iter().map(|shown| text(shown)).collect::<String>()),
        Seen::Progress(shown) => Bytes::from(format!("data: {}\n\n", shown.json)),
        Seen::Beat => Bytes::from_static(b":\n\n"),
    }
}

/// An event as it goes over the line; its id is where to go on from.
fn text(shown: &Shown) -> String {
    format!("id: {}\ndata: {}\n\n", shown.event.seq, shown.json)
}
