//! The REST door: parse, call app, render. Updates run on engine threads of this process; a client may come and go.

mod access;
mod answer;
mod api;
mod audit;
mod backups;
mod body;
mod changing;
mod events;
mod health;
mod kept;
mod maintenance;
mod metrics;
pub mod openapi;
mod orders;
mod page;
mod policy;
mod problem;
mod query;
mod reads;
mod request_id;
mod secure;
mod session;
mod socket;
mod text;
mod tokens;

use std::any::Any;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use rustls::ServerConfig;

use crate::app::{self, AppError, SocketFile};
use crate::host;
use crate::serving::Server;
use kept::Kept;
use metrics::Metrics;
use session::CookieName;

/// Longest request body, in bytes; all that is sent here is a few short fields.
const BODY_LIMIT: usize = 64 << 10;
/// Seconds for requests that are under way when the server is told to end.
const SHUTDOWN_LIMIT: u64 = 10;

const WORKERS: usize = 2;
/// At once, where the system knows no limit of its own.
const MOST_CONNECTIONS: usize = 50_000;

/// Where this door is; nobody is answered before [`serve`].
pub struct Listening {
    network: Option<Network>,
    socket: Option<(UnixListener, SocketFile)>,
    kept: Kept,
}

/// At an address, in the clear or in TLS.
struct Network {
    address: SocketAddr,
    encrypted: Option<ServerConfig>,
    listener: TcpListener,
}

impl fmt::Display for Listening {
    /// As `--server` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.network, &self.socket) {
            (Some(at), _) if at.encrypted.is_some() => write!(f, "https://{}", at.address),
            (Some(at), _) => write!(f, "http://{}", at.address),
            (None, Some((_, file))) => write!(f, "unix:{}", file.path().display()),
            (None, None) => f.write_str("nowhere"),
        }
    }
}

/// Listens there, in TLS where there is a certificate, and at the socket of the settings, for a relay alone where there is one.
pub fn listen(at: Option<SocketAddr>, served: &Server) -> app::Result<Listening> {
    let settings = &served.settings;
    if at.is_none() && settings.socket.is_none() {
        let nowhere = "there is nowhere to listen at: `server.listen` is off, and `server.socket` names no socket";
        return Err(AppError::said("NL0704", nowhere));
    }
    // The address first: where that is taken nothing is left of the socket.
    let network = at.map(|at| listen_at(at, served)).transpose()?;
    let group = served.relay.as_ref().map(|user| user.group);
    let socket = settings.socket.as_deref();
    Ok(Listening {
        network,
        socket: socket.map(|path| app::listen_at_socket(path, group)).transpose()?,
        kept: Kept::of(&served.root, served.config.as_deref())?,
    })
}

fn listen_at(at: SocketAddr, served: &Server) -> app::Result<Network> {
    let encrypted = served.certificate.config(&secure::PROTOCOLS)?;
    let failed = |e: std::io::Error| {
        AppError::said(
            "NL0704",
            format!("cannot listen at {at}: {e}; `--listen` or `server.listen` names another address"),
        )
    };
    let listener = TcpListener::bind(at).map_err(failed)?;
    Ok(Network {
        address: listener.local_addr().map_err(failed)?,
        encrypted,
        listener,
    })
}

/// Serves until the server is told to end.
pub fn serve(served: &Server, at: Listening) -> app::Result<()> {
    let slow_reader = served.settings.slow_reader;
    let metrics = web::Data::new(Metrics::default());
    let work = web::Data::from(Arc::clone(&served.work));
    let access = web::Data::from(Arc::clone(&served.access));
    let certificate = web::Data::from(Arc::clone(&served.certificate));
    let cookie = web::Data::new(CookieName::of(&served.id, &served.root));
    let kept = web::Data::new(at.kept);
    let connections = host::connections(6, MOST_CONNECTIONS);
    let (socket, _until_the_end) = at.socket.unzip();
    let ending = Arc::clone(&served.work);
    let running = actix_web::rt::System::new().block_on(async move {
        let app = move || {
            App::new()
                .wrap(from_fn(audit::record))
                .wrap(from_fn(access::identify))
                .wrap(from_fn(request_id::name))
                .wrap(from_fn(secure::insist))
                .wrap(headers())
                .app_data(work.clone())
                .app_data(metrics.clone())
                .app_data(access.clone())
                .app_data(certificate.clone())
                .app_data(cookie.clone())
                .app_data(kept.clone())
                .configure(problem::configure)
                .configure(api::configure)
        };
        let server = HttpServer::new(app)
            .workers(WORKERS)
            .max_connections((connections / WORKERS).max(1))
            .on_connect(move |connection, known| {
                cut_slow_readers(connection, slow_reader);
                socket::note_peer(connection, known);
                secure::note(connection, known);
            })
            .shutdown_timeout(SHUTDOWN_LIMIT)
            // Whoever is told to end before this begins to serve ends, too.
            .disable_signals();
        let server = match at.network {
            Some(Network {
                encrypted: Some(config),
                listener,
                ..
            }) => server.listen_rustls_0_23(listener, config)?,
            Some(Network { listener, .. }) => server.listen(listener)?,
            None => server,
        };
        let server = match socket {
            Some(socket) => server.listen_uds(socket)?,
            None => server,
        };
        let running = server.run();
        let handle = running.handle();
        actix_web::rt::spawn(async move {
            ending.feed().ended().await;
            handle.stop(true).await;
        });
        running.await
    });
    running.map_err(|e| AppError::below("NL0704", &e))
}

/// The system ends a connection whose other side has taken nothing for so long.
fn cut_slow_readers(connection: &dyn Any, limit: Duration) {
    let plain = connection.downcast_ref::<TcpStream>();
    if let Some(connection) = plain.or_else(|| secure::plain(connection)) {
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
