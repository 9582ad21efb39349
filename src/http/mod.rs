//! The REST door: parse, call app, render. Updates run on engine threads of this process; a client may come and go.

mod access;
mod answer;
mod api;
mod changing;
pub mod openapi;
mod problem;
mod work;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpServer, web};

use crate::app::{self, AppError, Installation};
use access::Access;
use work::Work;

/// Longest request body, in bytes; all that is sent here is a few short fields.
const BODY_LIMIT: usize = 64 << 10;
/// Seconds for requests that are under way when the server is told to end.
const SHUTDOWN_LIMIT: u64 = 10;

/// Serves until SIGTERM or SIGINT. A running update finishes its step, then waits for the next start.
pub fn serve(
    root: &Path,
    config: Option<&Path>,
    listen: SocketAddr,
    ready: impl FnOnce(SocketAddr),
) -> app::Result<()> {
    let installation = Installation::open(root, config)?;
    let access = Arc::new(Access::new(&app::server_token(&installation)?));
    drop(installation);
    let work = web::Data::new(Work::new(root, config));
    let failed = |e: std::io::Error| AppError::below("NL0704", &e);
    let listener = TcpListener::bind(listen).map_err(|e| {
        AppError::said(
            "NL0704",
            format!("cannot listen at {listen}: {e}; `--listen` or `server.listen` names another address"),
        )
    })?;
    work.go_on_after_restart();
    ready(listener.local_addr().map_err(failed)?);
    let shared = work.clone();
    let served = actix_web::rt::System::new().block_on(async move {
        let app = move || {
            App::new()
                .wrap(headers())
                .app_data(shared.clone())
                .app_data(web::Data::from(Arc::clone(&access)))
                .configure(problem::configure)
                .configure(api::configure)
        };
        HttpServer::new(app)
            .workers(2)
            .shutdown_timeout(SHUTDOWN_LIMIT)
            .listen(listener)?
            .run()
            .await
    });
    work.end();
    served.map_err(failed)
}

/// What is answered tells of one installation at one moment: nobody keeps it, nobody guesses its type.
fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Cache-Control", "no-store"))
        .add(("X-Content-Type-Options", "nosniff"))
}
