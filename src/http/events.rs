//! The addresses of live events (server-sent events): what was missed comes from the journal, then what happens.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};
use utoipa::{IntoParams, ToSchema};

use super::access::{Access, Caller, Identity, Viewer};
use super::answer::{Answer, blocking};
use super::feed::{Told, is_last, text};
use super::problem::{Problem, Refusals};
use super::work::Work;
use crate::app;
use crate::store::UpdateId;

/// Entries of the journal that are read at once for who comes back.
const PAGE: u32 = 200;
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
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// The events of one update: all since its beginning, or since `Last-Event-ID`; it ends with the update.
#[utoipa::path(get, operation_id = "events_of_update", tag = "events", path = "/api/v1/system/updates/{update_id}/events", security(("token" = ["viewer"])),
    params(("update_id" = String, Path, example = "update_0a1_0b1_20241219_120000"), From,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen", example = "42")),
    responses(
    (status = 200, description = "Events: JSON of seq, time, update_id, kind, phase, step, progress, message", content_type = "text/event-stream", body = EventLine),
    (status = 204, description = "The update has finished and everything of it was seen"),
    Refusals))]
pub async fn of_update(
    caller: Caller<Viewer>,
    request: HttpRequest,
    id: web::Path<String>,
    from: web::Query<From>,
) -> Answer {
    let id: UpdateId = super::parsed_update(&id)?;
    let after = begins_after(&request, &from)?.unwrap_or(0);
    let work = work(&request)?;
    let asked = (work.clone(), id.clone());
    let seen_all = blocking(move || {
        let installation = asked.0.open()?;
        let update = app::update(&installation, &asked.1)?;
        let left = app::events_after(&installation, Some(&asked.1), after, 1)?;
        Ok(update.finished_at.is_some() && left.is_empty())
    });
    if seen_all.await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    watched(&request, &caller, Some(id), Some(after))
}

/// The events of all updates from now on, or since `Last-Event-ID`; also of those that a command line runs.
#[utoipa::path(get, operation_id = "events", tag = "events", path = "/api/v1/system/updates/events", security(("token" = ["viewer"])),
    params(From, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen", example = "42")),
    responses(
    (status = 200, description = "Events without end", content_type = "text/event-stream", body = EventLine), Refusals))]
pub async fn of_all(caller: Caller<Viewer>, request: HttpRequest, from: web::Query<From>) -> Answer {
    let after = begins_after(&request, &from)?;
    watched(&request, &caller, None, after)
}

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

fn work(request: &HttpRequest) -> Result<web::Data<Work>, Problem> {
    let work = request.app_data::<web::Data<Work>>().cloned();
    work.ok_or_else(|| Problem::new("NL0999", "the server has lost its installation".into()))
}

fn watched(request: &HttpRequest, caller: &Caller<Viewer>, of: Option<UpdateId>, after: Option<i64>) -> Answer {
    let work = work(request)?;
    if work.feed().is_ending() {
        return Err(Problem::new(
            "NL0720",
            "the server is ending; ask again in a moment".into(),
        ));
    }
    let (receiver, newest) = work.feed().watch();
    let watch = Watch {
        access: request.app_data::<web::Data<Access>>().cloned(),
        watcher: caller.identity.clone(),
        state: State::Beginning,
        after: after.unwrap_or(newest),
        replays: after.is_some(),
        receiver,
        work,
        of,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(stream::unfold(watch, Watch::next)))
}

/// One who watches.
struct Watch {
    work: web::Data<Work>,
    access: Option<web::Data<Access>>,
    watcher: Identity,
    of: Option<UpdateId>,
    /// The last entry that was sent.
    after: i64,
    replays: bool,
    receiver: broadcast::Receiver<Told>,
    state: State,
}

enum State {
    Beginning,
    /// Reads up what was missed.
    Behind,
    Live,
    Over,
}

type Chunk = Result<Bytes, actix_web::Error>;

impl Watch {
    async fn next(mut self) -> Option<(Chunk, Self)> {
        loop {
            let chunk = match self.state {
                State::Over => return None,
                State::Beginning => {
                    self.state = if self.replays { State::Behind } else { State::Live };
                    Some(Bytes::from_static(BEGINNING.as_bytes()))
                }
                State::Behind => match self.read_up().await {
                    Ok(chunk) => chunk,
                    // The client comes back and goes on from its last event.
                    Err(_) => return None,
                },
                State::Live => match self.receiver.recv().await {
                    Ok(told) => self.told(told),
                    Err(RecvError::Lagged(_)) => {
                        self.state = State::Behind;
                        None
                    }
                    Err(RecvError::Closed) => return None,
                },
            };
            if let Some(chunk) = chunk {
                return Some((Ok(chunk), self));
            }
        }
    }

    async fn read_up(&mut self) -> Result<Option<Bytes>, Problem> {
        let (work, of, after) = (self.work.clone(), self.of.clone(), self.after);
        let events = blocking(move || app::events_after(&work.open()?, of.as_ref(), after, PAGE)).await?;
        let Some(last) = events.last() else {
            self.state = State::Live;
            return Ok(None);
        };
        self.after = last.seq;
        if self.of.is_some() && is_last(last) {
            self.state = State::Over;
        }
        Ok(Some(Bytes::from(events.iter().map(text).collect::<String>())))
    }

    fn told(&mut self, told: Told) -> Option<Bytes> {
        let is_ours = |update: &UpdateId| self.of.as_ref().is_none_or(|of| of == update);
        match told {
            Told::Event {
                seq,
                update,
                is_last,
                text,
            } => {
                if seq <= self.after || !is_ours(&update) {
                    return None;
                }
                self.after = seq;
                if self.of.is_some() && is_last {
                    self.state = State::Over;
                }
                Some(text)
            }
            Told::Progress { update, text } => is_ours(&update).then_some(text),
            Told::Beat => {
                if !self.is_still_let_in() {
                    self.state = State::Over;
                    return None;
                }
                Some(Bytes::from_static(b":\n\n"))
            }
            Told::End => {
                self.state = State::Over;
                None
            }
        }
    }

    fn is_still_let_in(&self) -> bool {
        let access = self.access.as_ref();
        access.is_some_and(|access| access.still_admits(&self.watcher))
    }
}
