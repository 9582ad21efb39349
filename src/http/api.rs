//! The addresses of `/api/v1` and what they answer.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Caller;
use super::openapi;
use super::problem::{Problem, wrong_method};
use super::work::Work;
use crate::app::{self, CheckView, Goal, Installation, PlanView, Ready, RollbackTarget, UpdateView, VersionView, Wish};
use crate::store::UpdateId;
use crate::version::Version;

const BASE: &str = "/api/v1/system";

type Answer = Result<HttpResponse, Problem>;

/// Registers every address; a known one asked with another method is answered with 405.
pub fn configure(config: &mut web::ServiceConfig) {
    let get = |path: &str| web::resource(path.to_owned()).default_service(web::to(wrong_method));
    config
        .service(get("/health/live").route(web::get().to(live)))
        .service(get("/openapi.yaml").route(web::get().to(describe)))
        .service(get(&format!("{BASE}/version")).route(web::get().to(version)))
        .service(get(&format!("{BASE}/updates/check")).route(web::get().to(check)))
        .service(get(&format!("{BASE}/updates/upgrade")).route(web::post().to(upgrade)))
        .service(get(&format!("{BASE}/updates/rollback")).route(web::post().to(rollback)))
        .service(get(&format!("{BASE}/updates/status/{{update_id}}")).route(web::get().to(status)));
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpgradeRequest {
    /// The version to go to.
    #[schema(value_type = String, example = "0b1")]
    target_version: Version,
    /// Go on in spite of warnings.
    #[serde(default)]
    force: bool,
    /// Answer with the plan and do nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The update to take back; when absent, the unfinished one, else the last.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    update_id: Option<UpdateId>,
    /// Go on in spite of warnings.
    #[serde(default)]
    force: bool,
}

/// There was nothing to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct NothingToDo {
    /// `nothing_to_do`
    status: &'static str,
    #[schema(value_type = String)]
    installed: Version,
}

/// Alive, whatever the installation is doing.
#[utoipa::path(get, path = "/health/live", security(()), responses((status = 204, description = "The server answers")))]
pub async fn live() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// This description.
#[utoipa::path(get, path = "/openapi.yaml", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/yaml", body = String)))]
pub async fn describe() -> Answer {
    let text = openapi::document().map_err(|e| Problem::new("NL0999", e))?;
    Ok(HttpResponse::Ok().content_type("application/yaml").body(text))
}

/// The installed version.
#[utoipa::path(get, path = "/api/v1/system/version", responses(
    (status = 200, body = VersionView),
    (status = 401, body = Problem, content_type = "application/problem+json")))]
pub async fn version(work: web::Data<Work>, _caller: Caller) -> Answer {
    with_installation(work, |installation| app::version(&installation)).await
}

/// Whether there is something newer. Asks the repository and verifies its answer.
#[utoipa::path(get, path = "/api/v1/system/updates/check", responses(
    (status = 200, body = CheckView),
    (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn check(work: web::Data<Work>, _caller: Caller) -> Answer {
    with_installation(work, |installation| app::check(&installation)).await
}

/// How an update is going, or went.
#[utoipa::path(get, path = "/api/v1/system/updates/status/{update_id}",
    params(("update_id" = String, Path, description = "As the answer to starting it gave")),
    responses((status = 200, body = UpdateView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn status(work: web::Data<Work>, id: web::Path<String>, _caller: Caller) -> Answer {
    let id: UpdateId = parsed(&id)?;
    with_installation(work, move |installation| app::update(&installation, &id)).await
}

/// Starts an upgrade.
#[utoipa::path(post, path = "/api/v1/system/updates/upgrade", request_body = UpgradeRequest, responses(
    (status = 200, description = "With `dry_run` the plan; or nothing to do: that version is installed", body = DryRunOrNothing),
    (status = 202, description = "Accepted; `Location` is where its status is", body = UpdateView, headers(("Location" = String))),
    (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn upgrade(work: web::Data<Work>, caller: Caller, request: web::Json<UpgradeRequest>) -> Answer {
    let UpgradeRequest {
        target_version,
        force,
        dry_run,
    } = request.into_inner();
    start(
        work,
        caller,
        Goal::Upgrade(Wish::To(target_version)),
        Consent { force, dry_run },
    )
    .await
}

/// Takes an update back: the unfinished one is turned back, a completed one is followed by the way down.
#[utoipa::path(post, path = "/api/v1/system/updates/rollback", request_body = RollbackRequest, responses(
    (status = 202, description = "Accepted; `Location` is where its status is", body = UpdateView, headers(("Location" = String))),
    (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn rollback(work: web::Data<Work>, caller: Caller, request: web::Json<RollbackRequest>) -> Answer {
    let RollbackRequest { update_id, force } = request.into_inner();
    let asked = work.clone();
    let target = blocking(move || {
        let installation = Installation::open(asked.root(), asked.config())?;
        let target = app::rollback_target(&installation, update_id.as_ref())?;
        Ok((target, installation.store.unfinished()?))
    });
    match target.await? {
        (RollbackTarget::To(version), _) => {
            start(work, caller, Goal::Rollback(version), Consent { force, dry_run: false }).await
        }
        (RollbackTarget::Unfinished, id) => {
            let id = id.ok_or_else(|| Problem::new("NL0407", "the update has just finished by itself".into()))?;
            work.turn_back()?;
            accepted(work, id).await
        }
    }
}

struct Consent {
    force: bool,
    dry_run: bool,
}

/// The plan of a dry run, or word that there is nothing to do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DryRunOrNothing {
    #[schema(value_type = Object)]
    Plan(Box<PlanView>),
    Nothing(NothingToDo),
}

async fn start(work: web::Data<Work>, caller: Caller, goal: Goal, consent: Consent) -> Answer {
    let asked = work.clone();
    let begun = blocking(move || {
        if consent.dry_run {
            let installation = Installation::open(asked.root(), asked.config())?;
            return Ok(match app::preview(&installation, &goal)? {
                Ready::AlreadyThere(installed) => Begun::Answered(nothing_to_do(installed)),
                Ready::Go(view) => Begun::Answered(DryRunOrNothing::Plan(Box::new(view))),
            });
        }
        let prepared = match app::prepare(asked.root(), asked.config(), &goal, &mut |_| {})? {
            Ready::AlreadyThere(installed) => return Ok(Begun::Answered(nothing_to_do(installed))),
            Ready::Go(prepared) => prepared,
        };
        if !consent.force
            && let Some(warning) = prepared.plan().warnings().first()
        {
            let message = format!("{}; send `force: true` to go on all the same", warning.message);
            return Err(app::AppError::said("NL0108", message));
        }
        Ok(Begun::Started(asked.run(prepared.accept(&caller.name)?)?))
    });
    match begun.await? {
        Begun::Answered(answer) => Ok(HttpResponse::Ok().json(answer)),
        Begun::Started(id) => accepted(work, id).await,
    }
}

enum Begun {
    Answered(DryRunOrNothing),
    Started(UpdateId),
}

fn nothing_to_do(installed: Version) -> DryRunOrNothing {
    DryRunOrNothing::Nothing(NothingToDo {
        status: "nothing_to_do",
        installed,
    })
}

async fn accepted(work: web::Data<Work>, id: UpdateId) -> Answer {
    let place = format!("{BASE}/updates/status/{id}");
    let view = blocking(move || app::update(&Installation::open(work.root(), work.config())?, &id)).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, place))
        .json(view))
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|e: T::Err| Problem::new("NL0406", e.to_string()))
}

async fn with_installation<T, F>(work: web::Data<Work>, ask: F) -> Answer
where
    T: Serialize + Send + 'static,
    F: FnOnce(Installation) -> app::Result<T> + Send + 'static,
{
    let answer = blocking(move || ask(Installation::open(work.root(), work.config())?)).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// The verbs are synchronous; they run beside the event loop.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> app::Result<T> + Send + 'static) -> Result<T, Problem> {
    let done = web::block(work)
        .await
        .map_err(|e| Problem::new("NL0999", e.to_string()))?;
    done.map_err(Problem::from)
}
