//! The eight calls: each reads its message, asks app or the server, and shows what comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::stream;
use jiff::Timestamp;
use prost::Message;
use serde_json::json;
use tonic::{Request, Response, Status, async_trait};

use super::guard::Heard;
use super::pb::{self, upgrade_service_server::UpgradeService};
use super::watch::{Events, Watcher};
use super::{blocking, status, views};
use crate::app::{self, AppError, Begin, Ready, ToValidate};
use crate::crypt::digest_of;
use crate::plan::UpgradeStrategy;
use crate::release::ExtensionName;
use crate::serving::{
    self, Identity, Move, Progress, Refusal, RollBack, Server, Submitted, Watch, Way, WorkId, parsed_update,
    parsed_version,
};
use crate::store::UpdateId;

/// Updates of a page of the history.
const PAGE: u32 = 20;
const LONGEST_PAGE: u32 = 100;

pub struct Calls {
    server: Arc<Server>,
}

/// A request that has come through the guard.
struct Asked<T> {
    message: T,
    identity: Identity,
}

impl<T> Asked<T> {
    /// `subject` is what it is about, in its own words.
    fn of(request: Request<T>, subject: impl FnOnce(&T) -> String) -> Result<Self, Status> {
        let unguarded = || status::no("NL0999", "the call came past its guard", None);
        let identity = request.extensions().get::<Identity>().cloned().ok_or_else(unguarded)?;
        let heard = request
            .extensions()
            .get::<Arc<Heard>>()
            .cloned()
            .ok_or_else(unguarded)?;
        let message = request.into_inner();
        heard.note(subject(&message));
        Ok(Self { message, identity })
    }

    /// Of a call that only looks.
    fn to_look(request: Request<T>) -> Result<T, Status> {
        Self::of(request, |_| String::new()).map(|asked| asked.message)
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl UpgradeService for Calls {
    async fn get_version_info(
        &self,
        request: Request<pb::GetVersionInfoRequest>,
    ) -> Answer<pb::GetVersionInfoResponse> {
        Asked::to_look(request)?;
        let work = Arc::clone(&self.server.work);
        let view = blocking(move || app::version(&work.open()?)).await?;
        Ok(Response::new(views::version(view)))
    }

    async fn check_for_updates(
        &self,
        request: Request<pb::CheckForUpdatesRequest>,
    ) -> Answer<pb::CheckForUpdatesResponse> {
        Asked::to_look(request)?;
        let work = Arc::clone(&self.server.work);
        let view = blocking(move || app::check(&work.open()?)).await?;
        Ok(Response::new(views::check(view)))
    }

    async fn validate_upgrade(
        &self,
        request: Request<pb::ValidateUpgradeRequest>,
    ) -> Answer<pb::ValidateUpgradeResponse> {
        let message = Asked::to_look(request)?;
        let wanted = ToValidate {
            from: some(message.from_version)
                .map(|from| parsed_version("from_version", &from))
                .transpose()
                .map_err(|e| status::invalid(&e))?,
            to: parsed_version("to_version", &message.to_version).map_err(|e| status::invalid(&e))?,
            begin: begin(message.strategy, None, 0)?,
        };
        let work = Arc::clone(&self.server.work);
        let found = blocking(move || app::validate(&work.open()?, &wanted)).await?;
        Ok(Response::new(views::validation(&found)))
    }

    async fn trigger_upgrade(&self, request: Request<pb::TriggerUpgradeRequest>) -> Answer<pb::TriggerUpgradeResponse> {
        let asked = Asked::of(request, of_upgrade)?;
        let ticket = asked.ticket("TriggerUpgrade", &asked.message.idempotency_key)?;
        let (dry_run, wanted) = (asked.message.dry_run, moved(asked.message)?);
        let work = Arc::clone(&self.server.work);
        let answer = blocking(move || match dry_run {
            true => tried(work.try_move(wanted)?),
            false => Came::of(&work, work.move_to(ticket, wanted)?).map(Came::of_upgrade),
        });
        Ok(Response::new(answer.await?))
    }

    async fn get_upgrade_status(
        &self,
        request: Request<pb::GetUpgradeStatusRequest>,
    ) -> Answer<pb::GetUpgradeStatusResponse> {
        let message = Asked::to_look(request)?;
        let work = Arc::clone(&self.server.work);
        let answer = blocking(move || {
            let reasons = work.not_ready();
            let status = app::status(&work.open()?, None)?;
            let (update, order) = match some(message.update_id) {
                None => (status.update, None),
                Some(id) => match work.progress_of(&id.parse::<WorkId>()?)? {
                    Progress::Update(update) => (Some(*update), None),
                    Progress::Order(order) => (None, Some(*order)),
                },
            };
            Ok(pb::GetUpgradeStatusResponse {
                is_healthy: reasons.is_empty(),
                reasons,
                current_version: status.current_version.map(|version| version.to_string()),
                maintenance: status.maintenance,
                update: update.map(views::update),
                order: order.map(views::order),
                queue: work.queue()?.into_iter().map(views::order).collect(),
            })
        });
        Ok(Response::new(answer.await?))
    }

    type WatchUpgradeStatusStream = Events;

    async fn watch_upgrade_status(&self, request: Request<pb::WatchUpgradeStatusRequest>) -> Answer<Events> {
        let asked = Asked::of(request, |_| String::new())?;
        let pb::WatchUpgradeStatusRequest {
            update_id,
            include_heartbeat,
            after_sequence,
        } = asked.message;
        if after_sequence.is_some_and(|after| after < 0) {
            let detail = "`after_sequence` is a number from 0 on".to_owned();
            return Err(status::of_refusal(&Refusal::Malformed(detail)));
        }
        let (server, identity) = (Arc::clone(&self.server), asked.identity.clone());
        let watching = blocking(move || {
            let of = some(update_id).map(|id| watched(&server, &id)).transpose()?;
            // Of one update all is told, of all of them what comes.
            let after = after_sequence.or(of.as_ref().map(|_| 0));
            let shared = (Arc::clone(&server.work), Arc::clone(&server.access));
            let ends = of.is_some();
            if let Some((id, after)) = of.as_ref().zip(after)
                && serving::has_seen_all(&server.work, id, after)?
            {
                return Ok(None);
            }
            let watch = Watch::begin(shared, identity.clone(), of, after)?;
            Ok(Some(Watcher {
                ends,
                heartbeat: include_heartbeat,
                after: watch.after(),
                watch,
                identity,
                server,
            }))
        });
        // Of what has finished and was seen there is nothing more to come.
        let nothing: Events = Box::pin(stream::empty());
        Ok(Response::new(watching.await?.map_or(nothing, Watcher::stream)))
    }

    async fn rollback_upgrade(
        &self,
        request: Request<pb::RollbackUpgradeRequest>,
    ) -> Answer<pb::RollbackUpgradeResponse> {
        let asked = Asked::of(request, of_rollback)?;
        let ticket = asked.ticket("RollbackUpgrade", &asked.message.idempotency_key)?;
        let message = asked.message;
        let named = some(message.update_id).map(|id| parsed_update(&id)).transpose();
        let wanted = RollBack {
            update_id: named.map_err(|e| status::of_error(&e))?,
            force: message.force,
            accept_warnings: message.accept_warnings,
            disable_incompatible: extensions(&message.disable_incompatible)?,
        };
        let work = Arc::clone(&self.server.work);
        let came = blocking(move || Came::of(&work, work.roll_back(ticket, wanted)?));
        Ok(Response::new(came.await?.of_rollback()))
    }

    async fn get_upgrade_history(
        &self,
        request: Request<pb::GetUpgradeHistoryRequest>,
    ) -> Answer<pb::GetUpgradeHistoryResponse> {
        let message = Asked::to_look(request)?;
        let malformed = |detail: &str| status::of_refusal(&Refusal::Malformed(detail.to_owned()));
        let limit = match message.page_size {
            0 => PAGE,
            size if size <= LONGEST_PAGE => size,
            _ => return Err(malformed("`page_size` is 1 to 100")),
        };
        let before = some(message.page_token).map_or(Ok(i64::MAX), |token| {
            let number = token.parse::<i64>();
            number.map_err(|_| malformed("`page_token` is none that this call has given"))
        })?;
        let work = Arc::clone(&self.server.work);
        let (updates, next) = blocking(move || app::history_page(&work.open()?, before, limit)).await?;
        Ok(Response::new(pb::GetUpgradeHistoryResponse {
            updates: updates.into_iter().map(views::update).collect(),
            next_page_token: next.map_or_else(String::new, |next| next.to_string()),
        }))
    }
}

impl Calls {
    pub fn of(server: Arc<Server>) -> Self {
        Self { server }
    }
}

impl<T: Message> Asked<T> {
    fn ticket(&self, call: &str, key: &str) -> Result<app::Ticket, Status> {
        let key = (!key.is_empty()).then_some(key);
        let body = digest_of(&self.message.encode_to_vec());
        let ticket = serving::ticket(&self.identity, key, &format!("gRPC {call}"), body);
        ticket.map_err(|refusal| status::of_refusal(&refusal))
    }
}

/// What came of an order.
enum Came {
    Goes(WorkId, Progress),
    Nothing { installed: String },
}

impl Came {
    fn of(work: &serving::Work, submitted: Submitted) -> app::Result<Self> {
        let id = match submitted {
            Submitted::Update(id) => WorkId::Update(id),
            Submitted::Waits(id) => WorkId::Order(id),
            Submitted::Settled(value) => {
                let installed = value["installed"].as_str().unwrap_or_default().to_owned();
                return Ok(Self::Nothing { installed });
            }
        };
        let progress = work.progress_of(&id)?;
        Ok(Self::Goes(id, progress))
    }

    fn of_upgrade(self) -> pb::TriggerUpgradeResponse {
        use pb::trigger_upgrade_response::Outcome;
        let (update_id, outcome) = match self {
            Self::Goes(id, Progress::Update(update)) => (id.to_string(), Outcome::Update(views::update(*update))),
            Self::Goes(id, Progress::Order(order)) => (id.to_string(), Outcome::Order(views::order(*order))),
            Self::Nothing { installed } => (String::new(), Outcome::NothingToDo(nothing(installed))),
        };
        pb::TriggerUpgradeResponse {
            success: true,
            update_id,
            outcome: Some(outcome),
        }
    }

    fn of_rollback(self) -> pb::RollbackUpgradeResponse {
        use pb::rollback_upgrade_response::Outcome;
        let (update_id, outcome) = match self {
            Self::Goes(id, Progress::Update(update)) => (id.to_string(), Outcome::Update(views::update(*update))),
            Self::Goes(id, Progress::Order(order)) => (id.to_string(), Outcome::Order(views::order(*order))),
            Self::Nothing { installed } => (String::new(), Outcome::NothingToDo(nothing(installed))),
        };
        pb::RollbackUpgradeResponse {
            success: true,
            update_id,
            outcome: Some(outcome),
        }
    }
}

fn tried(tried: Ready<Box<app::DryRun>>) -> app::Result<pb::TriggerUpgradeResponse> {
    use pb::trigger_upgrade_response::Outcome;
    let outcome = match tried {
        Ready::AlreadyThere(settled) => Outcome::NothingToDo(nothing(settled.version.to_string())),
        Ready::Go(tried) => Outcome::DryRun(views::dry_run(&tried)?),
    };
    Ok(pb::TriggerUpgradeResponse {
        success: true,
        update_id: String::new(),
        outcome: Some(outcome),
    })
}

fn nothing(installed_version: String) -> pb::NothingToDo {
    pb::NothingToDo { installed_version }
}

/// The update that is to be watched.
fn watched(server: &Server, id: &str) -> app::Result<UpdateId> {
    let id: WorkId = id.parse()?;
    match server.work.progress_of(&id)? {
        Progress::Update(update) => Ok(update.update_id),
        Progress::Order(_) => {
            let message =
                format!("{id} has not begun; watch without `update_id`, or ask for its status until it has one");
            Err(AppError::said("NL0734", message))
        }
    }
}

fn moved(message: pb::TriggerUpgradeRequest) -> Result<Move, Status> {
    let target_version = parsed_version("target_version", &message.target_version);
    Ok(Move {
        begin: begin(
            message.strategy,
            message.scheduled_time,
            message.graceful_timeout_seconds,
        )?,
        target_version: target_version.map_err(|e| status::invalid(&e))?,
        force: message.force,
        accept_warnings: message.accept_warnings,
        accept_risk: set(message.accept_risk),
        disable_incompatible: extensions(&message.disable_incompatible)?,
        way: Way::Up {
            accept_breaking: message.accept_breaking,
            acknowledge: set(message.acknowledge),
            full: message.full,
        },
    })
}

fn begin(strategy: String, time: Option<prost_types::Timestamp>, graceful_timeout: u32) -> Result<Begin, Status> {
    let strategy = some(strategy).map(|text| text.parse::<UpgradeStrategy>()).transpose();
    let malformed = |detail: String| status::of_refusal(&Refusal::Malformed(detail));
    let strategy = strategy.map_err(|e| malformed(format!("strategy: {e}")))?;
    let wrong = |_| AppError::said("NL0122", "scheduled_time: that is no time of this calendar");
    let at = time.map(|time| Timestamp::new(time.seconds, time.nanos)).transpose();
    Ok(Begin {
        strategy,
        at: at.map_err(|e| status::invalid(&wrong(e)))?,
        graceful_timeout: (graceful_timeout > 0).then_some(graceful_timeout),
    })
}

fn extensions(names: &[String]) -> Result<BTreeSet<ExtensionName>, Status> {
    let parsed = names.iter().map(|name| name.parse::<ExtensionName>());
    let malformed = |e| Refusal::Malformed(format!("disable_incompatible: {e}"));
    parsed
        .collect::<Result<_, _>>()
        .map_err(|e| status::of_refusal(&malformed(e)))
}

/// What is empty was not sent.
fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn set(items: Vec<String>) -> BTreeSet<String> {
    items.into_iter().collect()
}

/// For the audit; none of it is a secret.
fn of_upgrade(message: &pb::TriggerUpgradeRequest) -> String {
    let time = message.scheduled_time.as_ref().map(ToString::to_string);
    let subject = json!({
        "target_version": message.target_version,
        "strategy": message.strategy,
        "force": message.force,
        "accept_warnings": message.accept_warnings,
        "dry_run": message.dry_run,
        "graceful_timeout_seconds": message.graceful_timeout_seconds,
        "scheduled_time": time,
        "accept_breaking": message.accept_breaking,
        "acknowledge": message.acknowledge,
        "full": message.full,
        "accept_risk": message.accept_risk,
        "disable_incompatible": message.disable_incompatible,
    });
    subject.to_string()
}

fn of_rollback(message: &pb::RollbackUpgradeRequest) -> String {
    let subject = json!({
        "update_id": message.update_id,
        "force": message.force,
        "accept_warnings": message.accept_warnings,
        "disable_incompatible": message.disable_incompatible,
    });
    subject.to_string()
}
