//! The addresses of `/api/v1` and what they answer; those that start something are in [`super::changing`].

use std::future::ready;

use actix_web::{HttpRequest, HttpResponse, Resource, guard, web};
use serde::Serialize;

use super::access::Caller;
use super::answer::{Answer, blocking};
use super::changing::{rollback, upgrade};
use super::openapi;
use super::problem::{Problem, Refusals, wrong_method};
use super::work::Work;
use crate::app::{self, CheckView, Installation, UpdateView, VersionView};
use crate::store::UpdateId;

pub const BASE: &str = "/api/v1/system";

/// Registers every address; a known one asked with another method is answered with 405.
pub fn configure(config: &mut web::ServiceConfig) {
    let get_or_head = || web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    let readable = |path: &str| only(path, "GET, HEAD");
    let startable = |path: &str| only(path, "POST");
    config
        .service(readable("/health/live").route(get_or_head().to(live)))
        .service(readable("/openapi.yaml").route(get_or_head().to(describe)))
        .service(readable(&format!("{BASE}/version")).route(get_or_head().to(version)))
        .service(readable(&format!("{BASE}/updates/check")).route(get_or_head().to(check)))
        .service(readable(&format!("{BASE}/updates/status/{{update_id}}")).route(get_or_head().to(status)))
        .service(startable(&format!("{BASE}/updates/upgrade")).route(web::post().to(upgrade)))
        .service(startable(&format!("{BASE}/updates/rollback")).route(web::post().to(rollback)));
}

fn only(path: &str, methods: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| ready(wrong_method(&request, methods));
    web::resource(path).default_service(web::to(refuse))
}

/// Alive, whatever the installation is doing.
#[utoipa::path(get, tag = "server", path = "/health/live", security(()), responses((status = 204, description = "The server answers")))]
pub async fn live() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// This description.
#[utoipa::path(get, tag = "server", path = "/openapi.yaml", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/yaml", body = String)))]
pub async fn describe() -> Answer {
    let text = openapi::document().map_err(|e| Problem::new("NL0999", e))?;
    Ok(HttpResponse::Ok().content_type("application/yaml").body(text))
}

/// The installed version.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/version", responses(
    (status = 200, description = "What is installed, and where from", body = VersionView),
    Refusals))]
pub async fn version(_caller: Caller, work: web::Data<Work>) -> Answer {
    with_installation(work, |installation| app::version(&installation)).await
}

/// Whether there is something newer. Asks the repository and verifies its answer.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/updates/check", responses(
    (status = 200, description = "What there is", body = CheckView),
    Refusals))]
pub async fn check(_caller: Caller, work: web::Data<Work>) -> Answer {
    with_installation(work, |installation| app::check(&installation)).await
}

/// How an update is going, or went.
#[utoipa::path(get, tag = "system", path = "/api/v1/system/updates/status/{update_id}",
    params(("update_id" = String, Path, description = "As the answer to starting it gave")),
    responses((status = 200, description = "Its state and that of each step", body = UpdateView), Refusals))]
pub async fn status(_caller: Caller, work: web::Data<Work>, id: web::Path<String>) -> Answer {
    let unknown = |e| Problem::new("NL0406", format!("there is no update of that id: {e}"));
    let id: UpdateId = id.parse().map_err(unknown)?;
    with_installation(work, move |installation| app::update(&installation, &id)).await
}

async fn with_installation<T, F>(work: web::Data<Work>, ask: F) -> Answer
where
    T: Serialize + Send + 'static,
    F: FnOnce(Installation) -> app::Result<T> + Send + 'static,
{
    let answer = blocking(move || ask(Installation::open(work.root(), work.config())?)).await?;
    Ok(HttpResponse::Ok().json(answer))
}
