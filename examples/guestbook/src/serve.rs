//! The doors of the guestbook over HTTP. On SIGTERM new connections are refused and requests in flight are answered.

use std::sync::Arc;
use std::time::Duration;

use actix_web::error::{JsonPayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType, LOCATION};
use actix_web::{App, HttpResponse, HttpServer, ResponseError, web};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::entries::{Entries, EntriesError};
use crate::page::{self, Draft};
use crate::{Edition, Failure};

pub(crate) const MAX_BODY: usize = 128 * 1024;
const MAX_AUTHOR: usize = 80;
const WORKERS: usize = 2;
/// After SIGTERM, requests in flight get this long.
const DRAIN_SECONDS: u64 = 5;
/// Below the time to drain, so that idle connections do not use it up.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'";

struct Site {
    edition: Edition,
    config: Config,
    entries: Arc<Entries>,
}

pub(crate) fn serve(edition: Edition, config: Config, entries: Arc<Entries>) -> Result<(), Failure> {
    let address = config.listen;
    let site = web::Data::new(Site {
        edition,
        config,
        entries,
    });
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(site.clone())
                .app_data(
                    web::JsonConfig::default()
                        .limit(MAX_BODY)
                        .error_handler(|e, _| of_json(&e).into()),
                )
                .app_data(
                    web::FormConfig::default()
                        .limit(MAX_BODY)
                        .error_handler(|e, _| of_form(&e).into()),
                )
                .service(
                    web::resource("/health")
                        .get(health)
                        .default_service(web::to(wrong_method)),
                )
                .service(
                    web::resource("/version")
                        .get(version)
                        .default_service(web::to(wrong_method)),
                )
                .service(
                    web::resource("/entries")
                        .get(list)
                        .post(add)
                        .default_service(web::to(wrong_method)),
                )
                .service(
                    web::resource("/")
                        .get(show_page)
                        .post(sign)
                        .default_service(web::to(wrong_method)),
                )
                .default_service(web::to(not_found))
        })
        .workers(WORKERS)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(DRAIN_SECONDS)
        .bind(address)
        .map_err(|source| Failure::Listen { address, source })?;
        for bound in server.addrs() {
            eprintln!("guestbook {} listens on http://{bound}", edition.version());
        }
        server.run().await.map_err(Failure::Serve)
    })
}

/// An answer other than the wished one: `{"error": …}`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Refused {
    status: StatusCode,
    message: String,
}

#[derive(Serialize)]
struct RefusedBody<'a> {
    error: &'a str,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(RefusedBody { error: &self.message })
    }
}

fn of_json(error: &JsonPayloadError) -> Refused {
    Refused::new(error.status_code(), error.to_string())
}

fn of_form(error: &UrlencodedError) -> Refused {
    Refused::new(error.status_code(), error.to_string())
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

async fn health(site: web::Data<Site>) -> HttpResponse {
    let (version, expected) = (site.edition.version(), site.edition.schema_level());
    let looked = blocking(&site, Entries::look).await;
    let (schema, error) = match looked {
        Ok(found) if found == expected => (Some(found), None),
        Ok(found) => {
            let error = format!("the database has schema {found}, but this version runs on schema {expected} only");
            (Some(found), Some(error))
        }
        Err(refused) => (None, Some(refused.message)),
    };
    let mut answer = match error {
        None => HttpResponse::Ok(),
        Some(_) => HttpResponse::ServiceUnavailable(),
    };
    answer.json(Health {
        status: if error.is_none() { "ok" } else { "failing" },
        version,
        schema,
        error,
    })
}

#[derive(Serialize)]
struct VersionBody {
    version: &'static str,
}

async fn version(site: web::Data<Site>) -> web::Json<VersionBody> {
    let version = site.edition.version();
    web::Json(VersionBody { version })
}

async fn list(site: web::Data<Site>) -> Result<HttpResponse, Refused> {
    Ok(HttpResponse::Ok().json(blocking(&site, Entries::list).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEntry {
    author: String,
    message: String,
}

async fn add(site: web::Data<Site>, body: web::Json<NewEntry>) -> Result<HttpResponse, Refused> {
    let NewEntry { author, message } = body.into_inner();
    accept(&author, &message, site.config.max_length)?;
    let added = blocking(&site, move |entries| entries.add(&author, &message)).await?;
    Ok(HttpResponse::Created().json(added))
}

async fn show_page(site: web::Data<Site>) -> Result<HttpResponse, Refused> {
    page_with(&site, StatusCode::OK, &Draft::default()).await
}

async fn sign(site: web::Data<Site>, form: web::Form<NewEntry>) -> Result<HttpResponse, Refused> {
    let NewEntry { author, message } = form.into_inner();
    // Forms send line ends as CR LF whatever the visitor typed.
    let message = message.replace("\r\n", "\n");
    if let Err(refused) = accept(&author, &message, site.config.max_length) {
        let draft = Draft {
            author: &author,
            message: &message,
            complaint: Some(&refused.message),
        };
        return page_with(&site, refused.status, &draft).await;
    }
    blocking(&site, move |entries| entries.add(&author, &message)).await?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/")).finish())
}

async fn page_with(site: &web::Data<Site>, status: StatusCode, draft: &Draft<'_>) -> Result<HttpResponse, Refused> {
    let entries = blocking(site, Entries::list).await?;
    let config = &site.config;
    let page = page::render(
        &config.title,
        site.edition.version(),
        config.max_length,
        &entries,
        draft,
    );
    Ok(HttpResponse::build(status)
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(page))
}

async fn not_found() -> HttpResponse {
    Refused::new(StatusCode::NOT_FOUND, "there is nothing here").error_response()
}

async fn wrong_method() -> HttpResponse {
    Refused::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method").error_response()
}

fn accept(author: &str, message: &str, max_length: usize) -> Result<(), Refused> {
    check("author", author, MAX_AUTHOR, "")?;
    check("message", message, max_length, "\n\r\t")
}

fn check(name: &str, text: &str, longest: usize, allowed: &str) -> Result<(), Refused> {
    let refuse = |what: String| Err(Refused::new(StatusCode::BAD_REQUEST, format!("`{name}` {what}")));
    let length = text.chars().count();
    if text.trim().is_empty() {
        return refuse("is empty".into());
    }
    if length > longest {
        return refuse(format!("has {length} characters, at most {longest} are taken"));
    }
    if text.chars().any(|c| c.is_control() && !allowed.contains(c)) {
        return refuse("has control characters".into());
    }
    Ok(())
}

/// Asks the database on a thread that may wait.
async fn blocking<T: Send + 'static>(
    site: &web::Data<Site>,
    ask: impl FnOnce(&Entries) -> Result<T, EntriesError> + Send + 'static,
) -> Result<T, Refused> {
    let entries = Arc::clone(&site.entries);
    let refuse = |reason: String| Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason);
    match web::block(move || ask(&entries)).await {
        Ok(answer) => answer.map_err(|error| refuse(error.to_string())),
        Err(_) => Err(refuse("the database did not answer".into())),
    }
}
