//! The eight calls: each reads its message, asks app or the server, and shows what comes back.

use std::sync::Arc;

use futures_util::stream;
use prost::Message;
use tonic::{Request, Response, Status, async_trait};

use super::guard::Heard;
use super::messages::some;
use super::pb::{self, upgrade_service_server::UpgradeService};
use super::verbs::{Slow, blocking};
use super::watch::{Events, Watcher};
use super::{messages, status, views};
use crate::app::{self, AppError, Ready};
use crate::crypt::digest_of;
use crate::serving::{self, Identity, Progress, Server, Submitted, Watch, WorkId};
use crate::store::UpdateId;

pub struct Calls {
    server: Arc<Server>,
    slow: Slow,
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
        let view = self.slow.look(move || app::check(&work.open()?)).await?;
        Ok(Response::new(views::check(view)))
    }

    async fn validate_upgrade(
        &self,
        request: Request<pb::ValidateUpgradeRequest>,
    ) -> Answer<pb::ValidateUpgradeResponse> {
        let message = Asked::to_look(request)?;
        let wanted = messages::validation(message)?;
        let work = Arc::clone(&self.server.work);
        let found = self.slow.look(move || app::validate(&work.open()?, &wanted)).await?;
        Ok(Response::new(views::validation(&found)))
    }

    async fn trigger_upgrade(&self, request: Request<pb::TriggerUpgradeRequest>) -> Answer<pb::TriggerUpgradeResponse> {
        let asked = Asked::of(request, messages::of_upgrade)?;
        let ticket = asked.ticket("TriggerUpgrade", &asked.message.idempotency_key)?;
        let (dry_run, wanted) = (asked.message.dry_run, messages::upgrade(asked.message)?);
        let work = Arc::clone(&self.server.work);
        let answer = self.slow.order(move || match dry_run {
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
        let include_heartbeat = asked.message.include_heartbeat;
        let after_sequence = messages::beginning(&asked.message)?;
        let update_id = asked.message.update_id;
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
        let asked = Asked::of(request, messages::of_rollback)?;
        let ticket = asked.ticket("RollbackUpgrade", &asked.message.idempotency_key)?;
        let message = asked.message;
        let wanted = messages::rollback(message)?;
        let work = Arc::clone(&self.server.work);
        let came = self
            .slow
            .order(move || Came::of(&work, work.roll_back(ticket, wanted)?));
        Ok(Response::new(came.await?.of_rollback()))
    }

    async fn get_upgrade_history(
        &self,
        request: Request<pb::GetUpgradeHistoryRequest>,
    ) -> Answer<pb::GetUpgradeHistoryResponse> {
        let message = Asked::to_look(request)?;
        let (before, limit) = messages::page(message)?;
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
        Self {
            server,
            slow: Slow::new(),
        }
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
