//! The addresses and what answers at each; a known one asked with another method is answered with 405.

use std::future::{Future, ready};

use actix_web::http::header::HeaderValue;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, guard, web};

use super::answer::{Answer, Said};
use super::problem::{Problem, wrong_method};
use super::{
    audit, backups, changing, events, health, maintenance, metrics, openapi, orders, page, policy, reads, session,
    tokens,
};

pub const BASE: &str = "/api/v1/system";

pub fn configure(config: &mut web::ServiceConfig) {
    config
        .service(look("/health/live", health::live))
        .service(look("/health/ready", health::ready))
        .service(look("/metrics", metrics::metrics))
        .service(look("/cluster/status", health::cluster))
        .service(look("/cluster/protocol-version", health::protocol))
        .service(look("/openapi.yaml", describe));
    of_updates(config);
    of_orders(config);
    of_backups(config);
    of_access(config);
    of_the_page(config);
}

fn of_updates(config: &mut web::ServiceConfig) {
    let at = |path: &str| format!("{BASE}{path}");
    config
        .service(look(&at("/version"), reads::version))
        .service(look(&at("/status"), reads::standing))
        .service(look(&at("/changelog"), reads::changelog))
        .service(look(&at("/updates"), reads::history))
        .service(look(&at("/updates/check"), reads::check))
        .service(look(&at("/updates/plan"), reads::plan))
        .service(look(&at("/updates/queue"), policy::queue))
        .service(look(&at("/policy"), policy::policy))
        .service(look(&at("/updates/status/{update_id}"), reads::status))
        .service(look(&at("/updates/events"), events::of_all))
        .service(look(&at("/updates/{update_id}/events"), events::of_update))
        .service(look(&at("/updates/{update_id}/report"), reads::report))
        .service(start(&at("/updates/upgrade"), changing::upgrade))
        .service(start(&at("/updates/downgrade"), changing::downgrade))
        .service(start(&at("/updates/rollback"), changing::rollback))
        .service(start(&at("/updates/{update_id}/resume"), changing::resume))
        .service(start(&at("/updates/{update_id}/cancel"), changing::cancel))
        .service(
            only(&at("/maintenance"), "GET, HEAD, PUT")
                .route(get_or_head().to(maintenance::look))
                .route(web::put().to(maintenance::switch)),
        );
}

fn of_orders(config: &mut web::ServiceConfig) {
    let at = |path: &str| format!("{BASE}/orders{path}");
    config
        .service(look(&at(""), orders::list))
        .service(look(&at("/{order_id}"), orders::look))
        .service(start(&at("/{order_id}/cancel"), orders::cancel));
}

fn of_backups(config: &mut web::ServiceConfig) {
    let at = |path: &str| format!("{BASE}/backups{path}");
    config
        .service(
            only(&at(""), "GET, HEAD, POST")
                .route(get_or_head().to(backups::list))
                .route(web::post().to(backups::create)),
        )
        .service(start(&at("/prune"), backups::prune))
        .service(look(&at("/{backup_id}"), backups::show))
        .service(start(&at("/{backup_id}/verify"), backups::verify))
        .service(start(&at("/{backup_id}/drill"), backups::drill))
        .service(start(&at("/{backup_id}/restore"), backups::restore));
}

fn of_access(config: &mut web::ServiceConfig) {
    let at = |path: &str| format!("{BASE}{path}");
    config
        .service(look(&at("/audit"), audit::rows))
        .service(look(&at("/audit/verify"), audit::verify))
        .service(
            only(&at("/tokens"), "GET, HEAD, POST")
                .route(get_or_head().to(tokens::tokens))
                .route(web::post().to(tokens::create)),
        )
        .service(only(&at("/tokens/{prefix}"), "DELETE").route(web::delete().to(tokens::revoke)))
        .service(
            only(&at("/session"), "GET, HEAD, POST, DELETE")
                .route(get_or_head().to(session::look))
                .route(web::post().to(session::begin))
                .route(web::delete().to(session::end)),
        );
}

fn of_the_page(config: &mut web::ServiceConfig) {
    config
        .service(look("/", page::home))
        .service(look("/reference", page::reference))
        .service(look("/page/{asset:.*}", page::asset));
}

fn get_or_head() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// An address that is only looked at.
fn look<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
    F::Future: Future,
{
    only(path, "GET, HEAD").route(get_or_head().to(handler))
}

/// An address that starts something.
fn start<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
    F::Future: Future,
{
    only(path, "POST").route(web::post().to(handler))
}

fn only(path: &str, methods: &'static str) -> Resource {
    let refuse = move |request: HttpRequest| ready(wrong_method(&request, methods));
    web::resource(path).default_service(web::to(refuse))
}

/// This description.
#[utoipa::path(get, operation_id = "description", tag = "server", path = "/openapi.yaml", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/yaml", body = Object)))]
pub async fn describe(request: HttpRequest) -> Answer {
    let text = openapi::document().map_err(|e| Problem::new("NL0999", e))?;
    Ok(Said::written(text, HeaderValue::from_static("application/yaml"))?.to(&request))
}
