//! The REST door: parse, call app, render. Updates run on engine threads of this process; a client may come and go.

mod access;
mod answer;
mod api;
mod audit;
mod backups;
mod body;
mod changing;
mod clockwork;
mod events;
mod feed;
mod health;
mod maintenance;
mod metrics;
pub mod openapi;
mod orders;
mod page;
mod policy;
mod problem;
mod rate;
mod reads;
mod session;
mod socket;
mod tokens;
mod work;
mod work_id;

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};

use crate::app::{self, AppError, Gate, Installation};
use access::Access;
use feed::Feed;
use metrics::Metrics;
use work::Work;
use work_id::{WorkId, parsed_update, parsed_version};

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
    app::first_token(&installation)?;
    let settings = installation.settings.server.clone();
    drop(installation);
    let access = Arc::new(Access::new(Gate::open(root, config)?, &settings));
    let feed = Arc::new(Feed::new());
    feed.follow(root, config, settings.heartbeat)?;
    let work = web::Data::new(Work::new(root, config, Arc::clone(&feed)));
    let failed = |e: std::io::Error| AppError::below("NL0704", &e);
    let listener = TcpListener::bind(listen).map_err(|e| {
        AppError::said(
            "NL0704",
            format!("cannot listen at {listen}: {e}; `--listen` or `server.listen` names another address"),
        )
    })?;
    let socket = settings.socket.as_deref().map(app::listen_at_socket).transpose()?;
    let courier = app::Courier::start(root, config, work::say)?;
    work.go_on_after_restart();
    ready(listener.local_addr().map_err(failed)?);
    let metrics = web::Data::new(Metrics::default());
    let shared = work.clone();
    allow_many_connections();
    let served = actix_web::rt::System::new().block_on(async move {
        let app = move || {
            App::new()
                .wrap(from_fn(audit::record))
                .wrap(from_fn(access::identify))
                .wrap(headers())
                .app_data(shared.clone())
                .app_data(metrics.clone())
                .app_data(web::Data::from(Arc::clone(&access)))
                .configure(problem::configure)
                .configure(api::configure)
        };
        end_with_signals(&feed)?;
        let server = HttpServer::new(app)
            .workers(2)
            .on_connect(move |connection, known| {
                cut_slow_readers(connection, settings.slow_reader);
                socket::note_peer(connection, known);
            })
            .shutdown_timeout(SHUTDOWN_LIMIT)
            .listen(listener)?;
        let server = match socket {
            Some(socket) => server.listen_uds(socket)?,
            None => server,
        };
        server.run().await
    });
    work.end();
    courier.end(Duration::ZERO);
    served.map_err(failed)
}

/// As many files as this process may open at most, not as many as it may at first.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is not allowed fewer connections are.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}

/// Lines of live events have no end of their own: they are let go before the server waits for what is under way.
fn end_with_signals(feed: &Arc<Feed>) -> std::io::Result<()> {
    let feed = Arc::clone(feed);
    let mut signals = signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT])?;
    let wait = move || {
        if signals.forever().next().is_some() {
            feed.end();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
}

/// The system ends a connection whose other side has taken nothing for so long.
fn cut_slow_readers(connection: &dyn Any, limit: Duration) {
    if let Some(connection) = connection.downcast_ref::<TcpStream>() {
        let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(connection, limit);
    }
}

/// What is answered tells of one installation at one moment: nobody keeps it, nobody guesses its type.
fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Cache-Control", "no-store"))
        .add(("X-Content-Type-Options", "nosniff"))
}
