//! `grpc.health.v1`: serving as long as `/health/ready` would say so; asked without a token, as there.

use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{Stream, stream};
use tokio::sync::watch;
use tonic::{Request, Response, Status, async_trait};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{self, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::pb::upgrade_service_server::SERVICE_NAME;
use super::status;
use super::verbs::blocking;
use crate::serving::Server;

/// How late those who watch hear of a change.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest request, in bytes.
const MESSAGE_LIMIT: usize = 4 << 10;

pub struct Health {
    server: Arc<Server>,
    seen: Arc<watch::Sender<ServingStatus>>,
}

impl Health {
    pub fn service(server: &Arc<Server>) -> HealthServer<Self> {
        let seen = Arc::new(watch::Sender::new(ServingStatus::Unknown));
        tokio::spawn(look_again(Arc::clone(server), Arc::downgrade(&seen)));
        let health = Self {
            server: Arc::clone(server),
            seen,
        };
        HealthServer::new(health).max_decoding_message_size(MESSAGE_LIMIT)
    }
}

/// One look for all who watch, and none when nobody does.
async fn look_again(server: Arc<Server>, seen: Weak<watch::Sender<ServingStatus>>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(seen) = seen.upgrade() else { return };
        if seen.receiver_count() > 0 {
            tell(&seen, judged(&server).await);
        }
    }
}

fn tell(seen: &watch::Sender<ServingStatus>, now: ServingStatus) {
    seen.send_if_modified(|known| std::mem::replace(known, now) != now);
}

async fn judged(server: &Arc<Server>) -> ServingStatus {
    let work = Arc::clone(&server.work);
    match blocking(move || Ok(work.not_ready())).await {
        Ok(reasons) if reasons.is_empty() => ServingStatus::Serving,
        _ => ServingStatus::NotServing,
    }
}

/// The whole server, or its one service.
fn is_known(service: &str) -> bool {
    service.is_empty() || service == SERVICE_NAME
}

fn told(now: ServingStatus) -> Result<HealthCheckResponse, Status> {
    Ok(HealthCheckResponse { status: now.into() })
}

type Told = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[async_trait]
impl health_server::Health for Health {
    type WatchStream = Told;

    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        if !is_known(&request.get_ref().service) {
            return Err(status::no("NL0702", "there is no such service here", None));
        }
        told(judged(&self.server).await).map(Response::new)
    }

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Told>, Status> {
        let server = Arc::clone(&self.server);
        if !is_known(&request.get_ref().service) {
            // It will not come to be known; the line stays, as clients expect it to.
            let unknown = stream::once(async { told(ServingStatus::ServiceUnknown) });
            let end = stream::once(async move { server.ended().await });
            let end = futures_util::StreamExt::filter_map(end, |()| async { None });
            return Ok(Response::new(Box::pin(futures_util::StreamExt::chain(unknown, end))));
        }
        tell(&self.seen, judged(&server).await);
        let mut seen = self.seen.subscribe();
        seen.mark_changed();
        let stream = stream::unfold(Some((server, seen)), |state| async move {
            let (server, mut seen) = state?;
            let changed = match select(pin!(seen.changed()), pin!(server.ended())).await {
                Either::Left((changed, _)) => changed.is_ok(),
                Either::Right(_) => false,
            };
            if !changed {
                return Some((told(ServingStatus::NotServing), None));
            }
            let now = *seen.borrow_and_update();
            Some((told(now), Some((server, seen))))
        });
        Ok(Response::new(Box::pin(stream)))
    }
}
