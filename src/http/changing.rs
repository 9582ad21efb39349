//! The addresses that start something: an upgrade, or the way back. What runs, runs on; the answer says where to look.

use std::collections::BTreeSet;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Caller;
use super::answer::{Answer, blocking};
use super::api::BASE;
use super::problem::{Problem, Refusals};
use super::work::Work;
use crate::app::{
    self, AppError, Consent, Fetch, Goal, Installation, Order, PlanView, Ready, RollbackTarget, UpdateView, Wish,
};
use crate::store::UpdateId;
use crate::version::Version;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeRequest {
    /// The version to go to.
    #[schema(example = "0b1")]
    target_version: String,
    /// Go on in spite of warnings.
    #[serde(default)]
    force: bool,
    /// Answer with the plan and do nothing.
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
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The update to take back; when absent, the unfinished one, else the last completed one.
    #[serde(default)]
    #[schema(example = "update_0a1_0b1_20241219_120000")]
    update_id: Option<String>,
    /// Go on in spite of warnings.
    #[serde(default)]
    force: bool,
}

/// There was nothing to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct NothingToDo {
    status: Nothing,
    #[schema(value_type = String)]
    installed: Version,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Nothing {
    NothingToDo,
}

/// The plan of a dry run, or word that there is nothing to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DryRunOrNothing {
    Plan(Box<PlanView>),
    Nothing(NothingToDo),
}

/// Starts an upgrade.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/upgrade", request_body = UpgradeRequest, responses(
    (status = 200, description = "With `dry_run` the plan; or nothing to do: that version is installed", body = DryRunOrNothing),
    (status = 202, description = "Accepted", body = UpdateView,
        headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn upgrade(caller: Caller, work: web::Data<Work>, request: web::Json<UpgradeRequest>) -> Answer {
    let UpgradeRequest {
        target_version,
        force,
        dry_run,
        accept_breaking,
        acknowledge,
        full,
        accept_risk,
    } = request.into_inner();
    let malformed = |e: crate::version::VersionError| Problem::new("NL0101", format!("target_version: {e}"));
    let version: Version = target_version.parse().map_err(malformed)?;
    let fetch = if full { Fetch::Full } else { Fetch::AsNeeded };
    let order = Order {
        goal: Goal::Upgrade(Wish::To(version), fetch),
        accepted_risks: accept_risk,
        bundle: None,
    };
    if dry_run {
        return preview(work, order).await;
    }
    let consent = Consent {
        breaking: accept_breaking,
        acknowledged: acknowledge,
    };
    start(caller, work, order, (force, consent)).await
}

/// Takes an update back: an unfinished one is turned round, a completed one is followed by the way down.
#[utoipa::path(post, tag = "system", path = "/api/v1/system/updates/rollback", request_body = RollbackRequest, responses(
    (status = 200, description = "Nothing to do: the version before is installed", body = NothingToDo),
    (status = 202, description = "Accepted", body = UpdateView,
        headers(("Location" = String, description = "Where its status is"))),
    Refusals))]
pub async fn rollback(caller: Caller, work: web::Data<Work>, request: web::Json<RollbackRequest>) -> Answer {
    let RollbackRequest { update_id, force } = request.into_inner();
    let unknown = |e| Problem::new("NL0406", format!("there is no update of that id: {e}"));
    let wanted: Option<UpdateId> = update_id.map(|id| id.parse().map_err(unknown)).transpose()?;
    let asked = work.clone();
    let target = blocking(move || {
        let installation = Installation::open(asked.root(), asked.config())?;
        let target = app::rollback_target(&installation, wanted.as_ref())?;
        Ok((target, installation.store.unfinished()?))
    });
    match target.await? {
        (RollbackTarget::To(version), _) => {
            start(
                caller,
                work,
                Goal::Rollback(version).into(),
                (force, Consent::default()),
            )
            .await
        }
        (RollbackTarget::Unfinished, Some(id)) => turn_back(caller, work, id).await,
        (RollbackTarget::Unfinished, None) => Err(finished_meanwhile().into()),
    }
}

async fn turn_back(caller: Caller, work: web::Data<Work>, id: UpdateId) -> Answer {
    let asked = work.clone();
    let turned = blocking(move || {
        let update = app::update(&Installation::open(asked.root(), asked.config())?, &id)?;
        if update.course == "committed" {
            let message =
                format!("update {id} is past its last point of return and will be finished; roll it back then");
            return Err(AppError::said("NL0407", message));
        }
        asked.turn_back(&id, &caller.name)?.ok_or_else(finished_meanwhile)
    });
    accepted(work, turned.await?).await
}

fn finished_meanwhile() -> AppError {
    AppError::said("NL0407", "the update has just finished by itself; ask for its status")
}

async fn preview(work: web::Data<Work>, order: Order) -> Answer {
    let made = blocking(move || app::preview(&Installation::open(work.root(), work.config())?, &order));
    let answer = match made.await? {
        Ready::AlreadyThere(settled) => DryRunOrNothing::Nothing(nothing_to_do(settled.version)),
        Ready::Go(plan) => DryRunOrNothing::Plan(Box::new(plan)),
    };
    Ok(HttpResponse::Ok().json(answer))
}

async fn start(caller: Caller, work: web::Data<Work>, order: Order, (force, consent): (bool, Consent)) -> Answer {
    let asked = work.clone();
    let begun = blocking(move || {
        let prepared = match app::prepare_at_once(asked.root(), asked.config(), &order)? {
            Ready::AlreadyThere(settled) => return Ok(Ready::AlreadyThere(settled)),
            Ready::Go(prepared) => prepared,
        };
        // A risk that was taken by its name needs no second word.
        let mut warnings = prepared
            .plan()
            .warnings()
            .iter()
            .filter(|warning| warning.code != "accepted-risk");
        let warning = warnings.next().filter(|_| !force);
        if let Some(warning) = warning {
            let message = format!("{}; send `force: true` to go on all the same", warning.message);
            return Err(AppError::said("NL0108", message));
        }
        Ok(Ready::Go(asked.run(prepared.accept(&caller.name, &consent)?)?))
    });
    match begun.await? {
        Ready::AlreadyThere(settled) => Ok(HttpResponse::Ok().json(nothing_to_do(settled.version))),
        Ready::Go(id) => accepted(work, id).await,
    }
}

fn nothing_to_do(installed: Version) -> NothingToDo {
    NothingToDo {
        status: Nothing::NothingToDo,
        installed,
    }
}

async fn accepted(work: web::Data<Work>, id: UpdateId) -> Answer {
    let place = format!("{BASE}/updates/status/{id}");
    let view = blocking(move || app::update(&Installation::open(work.root(), work.config())?, &id)).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, place))
        .json(view))
}
