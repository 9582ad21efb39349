//! The addresses that start something: an upgrade, a downgrade, the way back. What runs, runs on; the answer says where to look.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Caller, Operator};
use super::answer::{Answer, blocking};
use super::body::{Empty, Sent};
use super::orders::{Key, accepted, cancelled, ordered};
use super::problem::{Problem, Refusals};
use super::text::{IdempotencyKey, Seconds, VersionText, extensions};
use crate::app::{Begin, DryRun, OrderView, Ready, Settled, Ticket};
use crate::plan::UpgradeStrategy;
use crate::serving::{Move, Progress, RollBack, Way, Work, WorkId, parsed_update, parsed_version};
use crate::version::Version;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeRequest {
    /// The version to go to.
    #[schema(value_type = VersionText)]
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
    #[schema(value_type = Vec<String>)]
    accept_risk: BTreeSet<String>,
    /// Extensions that may be switched off where a release on the way does not support them.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["gallery"]))]
    disable_incompatible: BTreeSet<String>,
    /// How it begins; as `policy.upgrade_strategy` says when absent.
    #[serde(default)]
    strategy: Option<UpgradeStrategy>,
    /// When it begins; with `scheduled` alone, and when the calendar opens next where that has none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T02:00:00Z")]
    scheduled_time: Option<String>,
    /// With `graceful` alone: in which the product may become quiet; as `policy.graceful_timeout` says when absent.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4294967295i64, example = 60)]
    graceful_timeout_seconds: Option<Seconds>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DowngradeRequest {
    /// The version to go to.
    #[schema(value_type = VersionText)]
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
    #[schema(value_type = Vec<String>)]
    accept_risk: BTreeSet<String>,
    /// Extensions that may be switched off where a release on the way does not support them.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["gallery"]))]
    disable_incompatible: BTreeSet<String>,
    /// How it begins; as `policy.upgrade_strategy` says when absent.
    #[serde(default)]
    strategy: Option<UpgradeStrategy>,
    /// When it begins; with `scheduled` alone, and when the calendar opens next where that has none.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T02:00:00Z")]
    scheduled_time: Option<String>,
    /// With `graceful` alone: in which the product may become quiet; as `policy.graceful_timeout` says when absent.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 4294967295i64, example = 60)]
    graceful_timeout_seconds: Option<Seconds>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The update to take back; when absent, the unfinished one, else the last completed one, which is no rollback then.
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
    disable_incompatible: BTreeSet<String>,
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

/// Starts an upgrade; where something is under way already it waits for its turn, and where it is scheduled for its time.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/upgrade", security(("token" = ["operator"])),
    params(IdempotencyKey),
    request_body = UpgradeRequest, responses(
    (status = 200, description = "With `dry_run` the plan and what came of trying it; or nothing to do: that version is installed", body = DryRunOrNothing),
    (status = 202, description = "Accepted: it has begun, or waits", body = Progress,
        headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn upgrade(caller: Caller<Operator>, key: Key, work: web::Data<Work>, sent: Sent<UpgradeRequest>) -> Answer {
    let ticket = key.ticket(&caller.identity, sent.fingerprint)?;
    let asked = sent.value;
    let wanted = Move {
        begin: begin(
            asked.strategy,
            asked.scheduled_time.as_deref(),
            asked.graceful_timeout_seconds,
        )?,
        target_version: parsed_version("target_version", &asked.target_version)?,
        way: Way::Up {
            accept_breaking: asked.accept_breaking,
            acknowledge: asked.acknowledge,
            full: asked.full,
        },
        force: asked.force,
        accept_warnings: asked.accept_warnings,
        accept_risk: asked.accept_risk,
        disable_incompatible: extensions(asked.disable_incompatible)?,
    };
    moved(work, ticket, wanted, asked.dry_run).await
}

/// Starts a downgrade; where something is under way already it waits for its turn, and where it is scheduled for its time.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/downgrade", security(("token" = ["operator"])),
    params(IdempotencyKey),
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
    let ticket = key.ticket(&caller.identity, sent.fingerprint)?;
    let asked = sent.value;
    let wanted = Move {
        begin: begin(
            asked.strategy,
            asked.scheduled_time.as_deref(),
            asked.graceful_timeout_seconds,
        )?,
        target_version: parsed_version("target_version", &asked.target_version)?,
        way: Way::Down,
        force: asked.force,
        accept_warnings: asked.accept_warnings,
        accept_risk: asked.accept_risk,
        disable_incompatible: extensions(asked.disable_incompatible)?,
    };
    moved(work, ticket, wanted, asked.dry_run).await
}

/// For a dry run the answer comes when all of it has been tried.
async fn moved(work: web::Data<Work>, ticket: Ticket, wanted: Move, dry_run: bool) -> Answer {
    if !dry_run {
        return ordered(work, move |work| work.move_to(ticket, wanted)).await;
    }
    tried(blocking(move || work.try_move(wanted)).await?)
}

fn tried(tried: Ready<Box<DryRun>>) -> Answer {
    Ok(HttpResponse::Ok().json(match tried {
        Ready::AlreadyThere(settled) => DryRunOrNothing::Nothing(settled.into()),
        Ready::Go(tried) => DryRunOrNothing::DryRun(tried),
    }))
}

/// A time with its offset, as RFC 3339 writes it.
fn begin(
    strategy: Option<UpgradeStrategy>,
    time: Option<&str>,
    graceful_timeout: Option<Seconds>,
) -> Result<Begin, Problem> {
    let wrong = |text: &str| {
        Problem::malformed(format!(
            "scheduled_time: `{text}` is not a time such as `2026-12-01T02:00:00Z`"
        ))
    };
    let at = time.map(|text| text.parse().map_err(|_| wrong(text))).transpose()?;
    Ok(Begin {
        strategy,
        at,
        graceful_timeout: graceful_timeout.map(|Seconds(seconds)| seconds),
    })
}

/// Takes an update back: an unfinished one is turned round, a completed one is followed by the way down.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/rollback", security(("token" = ["operator"])),
    params(IdempotencyKey),
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
    let ticket = key.ticket(&caller.identity, sent.fingerprint)?;
    let asked = sent.value;
    let wanted = RollBack {
        update_id: asked.update_id.map(|id| parsed_update(&id)).transpose()?,
        force: asked.force,
        accept_warnings: asked.accept_warnings,
        disable_incompatible: extensions(asked.disable_incompatible)?,
    };
    if !asked.dry_run {
        return ordered(work, move |work| work.roll_back(ticket, wanted)).await;
    }
    tried(blocking(move || work.try_roll_back(wanted)).await?)
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
    let resumed = blocking(move || asked.go_on(&id)).await?;
    accepted(work, WorkId::Update(resumed)).await
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
    cancelled(work, id.parse()?, caller.name()).await
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
