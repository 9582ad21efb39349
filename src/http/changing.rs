//! The addresses that start something: an upgrade, a downgrade, the way back. What runs, runs on; the answer says where to look.

use std::collections::BTreeSet;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Caller, Operator};
use super::answer::{Answer, blocking};
use super::api::BASE;
use super::body::{Empty, Sent};
use super::orders::{self, Key};
use super::problem::{Problem, Refusals};
use super::work::{Submitted, Work, finished_meanwhile};
use super::{WorkId, parsed_update, parsed_version};
use crate::app::{
    self, Begin, DryRun, Fetch, Goal, Installation, Order, OrderView, Ready, Settled, UpdateView, Wanted, Wish,
};
use crate::plan::UpgradeStrategy;
use crate::release::ExtensionName;
use crate::version::Version;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeRequest {
    /// The version to go to.
    #[schema(example = "0b1")]
    target_version: String,
    /// Go on in spite of warnings and of the calendar.
    #[serde(default)]
    force: bool,
    /// Go on in spite of warnings.
    #[serde(default)]
    accept_warnings: bool,
    /// Do nothing but try it on copies, and answer with the plan and what would become of configuration, dependencies and database.
    #[serde(default)]
    dry_run: bool,
    /// Consent to the breaking changes of all releases on the way.
    #[serde(default)]
    accept_breaking: bool,
    /// Ids of the blocking upgrade notes on the way that were read and seen to.
    #[serde(default)]
    acknowledge: BTreeSet<String>,
    /// Fetch whole packages, also of what lies on the disk of the installation already.
    #[serde(default)]
    full: bool,
    /// Names of moves that are not recommended and are taken all the same.
    #[serde(default)]
    accept_risk: BTreeSet<String>,
    /// Extensions that may be switched off where a release on the way does not support them.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["gallery"]))]
    disable_incompatible: BTreeSet<ExtensionName>,
    /// How it begins; as `policy.upgrade_strategy` says when absent.
    #[serde(default)]
    strategy: Option<UpgradeStrategy>,
    /// When it begins; with `scheduled` alone, and when the calendar opens next where that has none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T02:00:00Z")]
    scheduled_time: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DowngradeRequest {
    /// The version to go to.
    #[schema(example = "0a1")]
    target_version: String,
    /// Go on in spite of warnings and of the calendar.
    #[serde(default)]
    force: bool,
    /// Go on in spite of warnings.
    #[serde(default)]
    accept_warnings: bool,
    /// Do nothing but try it on copies, and answer with the plan and what would become of configuration, dependencies and database.
    #[serde(default)]
    dry_run: bool,
    /// Names of moves that are not recommended and are taken all the same.
    #[serde(default)]
    accept_risk: BTreeSet<String>,
    /// Extensions that may be switched off where a release on the way does not support them.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["gallery"]))]
    disable_incompatible: BTreeSet<ExtensionName>,
    /// How it begins; as `policy.upgrade_strategy` says when absent.
    #[serde(default)]
    strategy: Option<UpgradeStrategy>,
    /// When it begins; with `scheduled` alone, and when the calendar opens next where that has none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T02:00:00Z")]
    scheduled_time: Option<String>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The update to take back; when absent, the unfinished one, else the last completed one.
    #[serde(default)]
    #[schema(example = "update_0a1_0b1_20241219_120000")]
    update_id: Option<String>,
    /// Go on in spite of warnings and of the calendar.
    #[serde(default)]
    force: bool,
    /// Go on in spite of warnings.
    #[serde(default)]
    accept_warnings: bool,
    /// Do nothing but try it on copies, and answer with the plan and what would become of configuration, dependencies and database.
    #[serde(default)]
    dry_run: bool,
    /// Extensions that may be switched off where the release to go back to does not support them.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["gallery"]))]
    disable_incompatible: BTreeSet<ExtensionName>,
}

/// There was nothing to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct NothingToDo {
    status: Nothing,
    #[schema(value_type = String)]
    installed: Version,
    /// Higher releases that were wished for in general, each with why it is not taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed_over: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Nothing {
    NothingToDo,
}

/// A plan with what came of trying it, or word that there is nothing to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DryRunOrNothing {
    DryRun(Box<DryRun>),
    Nothing(NothingToDo),
}

/// An update that has begun, or the order that waits to become one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Progress {
    Update(Box<UpdateView>),
    Order(Box<OrderView>),
}

/// Starts an upgrade; where something is under way already it waits for its turn, and where it is scheduled for its time.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/upgrade", security(("token" = ["operator"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    request_body = UpgradeRequest, responses(
    (status = 200, description = "With `dry_run` the plan and what came of trying it; or nothing to do: that version is installed", body = DryRunOrNothing),
    (status = 202, description = "Accepted: it has begun, or waits", body = Progress,
        headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn upgrade(caller: Caller<Operator>, key: Key, work: web::Data<Work>, sent: Sent<UpgradeRequest>) -> Answer {
    let ticket = key.ticket(caller.name(), sent.fingerprint);
    let UpgradeRequest {
        target_version,
        force,
        accept_warnings,
        dry_run,
        accept_breaking,
        acknowledge,
        full,
        accept_risk,
        disable_incompatible,
        strategy,
        scheduled_time,
    } = sent.value;
    let begin = begin(strategy, scheduled_time.as_deref())?;
    let target_version = parsed_version("target_version", &target_version)?;
    if dry_run {
        let fetch = if full { Fetch::Full } else { Fetch::AsNeeded };
        let goal = Goal::Upgrade(Wish::To(target_version), fetch);
        return self::dry_run(work, app::order_of(goal, accept_risk, disable_incompatible)).await;
    }
    orders::ordered(work, ticket, move |installation| {
        let (strategy, scheduled_time) = app::beginning(installation, begin, force)?;
        Ok(Wanted::Upgrade {
            target_version,
            force,
            accept_warnings,
            accept_breaking,
            acknowledge,
            full,
            accept_risk,
            disable_incompatible,
            strategy,
            scheduled_time,
        })
    })
    .await
}

/// Starts a downgrade; where something is under way already it waits for its turn, and where it is scheduled for its time.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/downgrade", security(("token" = ["operator"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    request_body = DowngradeRequest, responses(
    (status = 200, description = "With `dry_run` the plan and what came of trying it; or nothing to do: that version is installed", body = DryRunOrNothing),
    (status = 202, description = "Accepted: it has begun, or waits", body = Progress,
        headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn downgrade(
    caller: Caller<Operator>,
    key: Key,
    work: web::Data<Work>,
    sent: Sent<DowngradeRequest>,
) -> Answer {
    let ticket = key.ticket(caller.name(), sent.fingerprint);
    let DowngradeRequest {
        target_version,
        force,
        accept_warnings,
        dry_run,
        accept_risk,
        disable_incompatible,
        strategy,
        scheduled_time,
    } = sent.value;
    let begin = begin(strategy, scheduled_time.as_deref())?;
    let target_version = parsed_version("target_version", &target_version)?;
    if dry_run {
        let goal = Goal::Downgrade(target_version);
        return self::dry_run(work, app::order_of(goal, accept_risk, disable_incompatible)).await;
    }
    orders::ordered(work, ticket, move |installation| {
        let (strategy, scheduled_time) = app::beginning(installation, begin, force)?;
        Ok(Wanted::Downgrade {
            target_version,
            force,
            accept_warnings,
            accept_risk,
            disable_incompatible,
            strategy,
            scheduled_time,
        })
    })
    .await
}

/// A time with its offset, as RFC 3339 writes it.
fn begin(strategy: Option<UpgradeStrategy>, time: Option<&str>) -> Result<Begin, Problem> {
    let wrong = |text: &str| {
        let detail = format!("scheduled_time: `{text}` is not a time such as `2026-12-01T02:00:00Z`");
        Problem::new("NL0122", detail)
    };
    let at = time.map(|text| text.parse().map_err(|_| wrong(text))).transpose()?;
    Ok(Begin { strategy, at })
}

/// Takes an update back: an unfinished one is turned round, a completed one is followed by the way down.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/rollback", security(("token" = ["operator"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key is the same order, for a day")),
    request_body = RollbackRequest, responses(
    (status = 200, description = "With `dry_run` the plan and what came of trying it; or nothing to do: the version before is installed", body = DryRunOrNothing),
    (status = 202, description = "Accepted: it has begun, or waits", body = Progress,
        headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn rollback(
    caller: Caller<Operator>,
    key: Key,
    work: web::Data<Work>,
    sent: Sent<RollbackRequest>,
) -> Answer {
    let ticket = key.ticket(caller.name(), sent.fingerprint);
    let RollbackRequest {
        update_id,
        force,
        accept_warnings,
        dry_run,
        disable_incompatible,
    } = sent.value;
    let named = update_id.map(|id| parsed_update(&id)).transpose()?;
    if dry_run {
        return tried(work, move |installation| {
            let goal = app::way_back(installation, named.as_ref())?;
            Ok(app::order_of(goal, BTreeSet::new(), disable_incompatible))
        })
        .await;
    }
    let asked = work.clone();
    let submitted = blocking(move || {
        asked.submit(ticket, |installation| {
            let update_id = app::update_to_roll_back(installation, named)?;
            Ok(Wanted::Rollback {
                update_id,
                force,
                accept_warnings,
                disable_incompatible,
            })
        })
    });
    match submitted.await? {
        Submitted::Settled(value) => Ok(HttpResponse::Ok().json(value)),
        Submitted::Update(id) => accepted(work, WorkId::Update(id)).await,
        Submitted::Waits(id) => accepted(work, WorkId::Order(id)).await,
    }
}

/// Goes on with an update that waits for a person or whose process died.
#[utoipa::path(post, operation_id = "resume_update", tag = "system", path = "/api/v1/system/updates/{update_id}/resume", security(("token" = ["operator"])),
    params(("update_id" = String, Path, example = "update_0a1_0b1_20241219_120000")), responses(
    (status = 202, description = "It goes on", body = Progress, headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn resume(
    _caller: Caller<Operator>,
    work: web::Data<Work>,
    id: web::Path<String>,
    _sent: Sent<Empty>,
) -> Answer {
    let id = parsed_update(&id)?;
    let asked = work.clone();
    let resumed = blocking(move || {
        let installation = asked.open()?;
        if app::update(&installation, &id)?.finished_at.is_some() {
            let message = format!("update {id} is finished; there is nothing to go on with");
            return Err(app::AppError::said("NL0719", message));
        }
        asked.resume()?.ok_or_else(finished_meanwhile)
    });
    accepted(work, WorkId::Update(resumed.await?)).await
}

/// Takes back what waits; turns back what runs, after the step that it is in.
#[utoipa::path(post, operation_id = "cancel_update", tag = "system", path = "/api/v1/system/updates/{update_id}/cancel", security(("token" = ["operator"])),
    params(("update_id" = String, Path, description = "Of an update, or of an order", example = "update_0a1_0b1_20241219_120000")), responses(
    (status = 200, description = "The order is cancelled", body = OrderView),
    (status = 202, description = "The update is turned back", body = Progress, headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn cancel(
    caller: Caller<Operator>,
    work: web::Data<Work>,
    id: web::Path<String>,
    _sent: Sent<Empty>,
) -> Answer {
    let update = match id.parse::<WorkId>()? {
        WorkId::Update(id) => id,
        WorkId::Order(id) => {
            let view = blocking(move || work.cancel(&id)).await?;
            return Ok(HttpResponse::Ok().json(view));
        }
    };
    let (asked, by) = (work.clone(), caller.name());
    let turned = blocking(move || {
        let installation = asked.open()?;
        if app::update(&installation, &update)?.finished_at.is_some() {
            let message = format!("update {update} is finished; roll it back instead");
            return Err(app::AppError::said("NL0719", message));
        }
        app::refuse_committed(&installation, &update)?;
        asked.turn_back(&update, &by)?.ok_or_else(finished_meanwhile)
    });
    accepted(work, WorkId::Update(turned.await?)).await
}

/// The answer comes when all of it has been tried.
async fn dry_run(work: web::Data<Work>, order: Order) -> Answer {
    tried(work, |_| Ok(order)).await
}

async fn tried(
    work: web::Data<Work>,
    order: impl FnOnce(&Installation) -> app::Result<Order> + Send + 'static,
) -> Answer {
    let tried = blocking(move || {
        let installation = work.open()?;
        let order = order(&installation)?;
        Ok(match app::preview(&installation, &order)? {
            Ready::AlreadyThere(settled) => DryRunOrNothing::Nothing(settled.into()),
            Ready::Go(view) => DryRunOrNothing::DryRun(Box::new(app::dry_run(&installation, &order, view)?)),
        })
    });
    Ok(HttpResponse::Ok().json(tried.await?))
}

impl From<Settled> for NothingToDo {
    fn from(settled: Settled) -> Self {
        Self {
            status: Nothing::NothingToDo,
            installed: settled.version,
            passed_over: settled.passed_over,
        }
    }
}

pub async fn accepted(work: web::Data<Work>, id: WorkId) -> Answer {
    let place = format!("{BASE}/updates/status/{id}");
    let progress = blocking(move || progress_of(&work, &id)).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, place))
        .json(progress))
}

/// How an update goes, or what an order waits for; of an order that has begun, how its update goes.
pub fn progress_of(work: &Work, id: &WorkId) -> app::Result<Progress> {
    let installation = work.open()?;
    let of_update = |id| Ok(Progress::Update(Box::new(app::update(&installation, id)?)));
    match id {
        WorkId::Update(id) => of_update(id),
        WorkId::Order(id) => {
            let view = orders::view(work, id)?;
            match &view.update_id {
                Some(update) => of_update(update),
                None => Ok(Progress::Order(Box::new(view))),
            }
        }
    }
}
