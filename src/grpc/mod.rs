//! The gRPC door: the calls of `proto/netlink/update/v1/upgrade.proto`, health and reflection, over the same server as REST.

mod calls;
mod guard;
mod health;
pub mod messages;
pub mod pb;
mod status;
mod verbs;
mod views;
mod watch;
mod wire;

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::Stream;
use rustls::ServerConfig;
use tokio::runtime;
use tokio::sync::Semaphore;
use tonic::service::InterceptorLayer;

use crate::app::{self, AppError, Result, SocketFile};
use crate::serving::{Server, say};
use crate::{host, relay};
use calls::Calls;
use guard::Guard;
use health::Health;
use pb::upgrade_service_server::UpgradeServiceServer;
use wire::{Connection, Meeting};

/// For calls that are under way when the server is told to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a question after the services that are here, which anybody may ask.
const QUESTION_LIMIT: usize = 4 << 10;

/// At once, where the system knows no limit of its own.
const MOST_CONNECTIONS: usize = 10_000;

/// Where the door will be.
pub struct Door {
    network: Option<Network>,
    /// For a relay.
    socket: Option<(UnixListener, SocketFile)>,
}

struct Network {
    listener: TcpListener,
    address: SocketAddr,
    encrypted: Option<ServerConfig>,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let network = self.network.as_ref().map(|at| match &at.encrypted {
            Some(_) => format!("gRPC in TLS at {}", at.address),
            None => format!("gRPC at {}", at.address),
        });
        let socket = self.socket.as_ref();
        let socket = socket.map(|(_, file)| format!("gRPC at unix:{}", file.path().display()));
        let all: Vec<String> = network.into_iter().chain(socket).collect();
        f.write_str(&all.join("; "))
    }
}

impl Door {
    /// At this address, in TLS where there is a certificate, and where a relay is expected beside the socket that it asks at.
    pub fn at(address: Option<SocketAddr>, server: &Server) -> Result<Option<Self>> {
        let network = address.map(|address| listen(address, server)).transpose()?;
        let relay = server.relay.as_ref().zip(server.settings.socket.as_deref());
        let socket = relay.map(|(user, socket)| {
            let path = relay::socket_for_grpc(socket);
            let (listener, file) = app::listen_at_socket(&path, Some(user.group))?;
            let set = listener.set_nonblocking(true);
            set.map_err(|e| AppError::below("NL0732", &e))?;
            Ok::<_, AppError>((listener, file))
        });
        let socket = socket.transpose()?;
        Ok((network.is_some() || socket.is_some()).then_some(Self { network, socket }))
    }

    /// Lets in until the server is told to end, on a thread of its own; joining it waits for the calls that are under way then.
    pub fn open(self, server: Arc<Server>) -> Result<JoinHandle<()>> {
        let failed = |e: std::io::Error| AppError::below("NL0732", &e);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(verbs::AT_ONCE)
            .build()
            .map_err(failed)?;
        let run = move || {
            if let Err(error) = runtime.block_on(serve(self, server)) {
                say(&format!("gRPC has ended: {error}"));
            }
            // Verbs that nobody waits for any more do not hold up the end.
            runtime.shutdown_background();
        };
        std::thread::Builder::new()
            .name("grpc".into())
            .spawn(run)
            .map_err(failed)
    }
}

fn listen(address: SocketAddr, server: &Server) -> Result<Network> {
    let encrypted = server.certificate.config(&wire::PROTOCOLS)?;
    let failed = |e: std::io::Error| {
        let message = format!(
            "cannot listen for gRPC at {address}: {e}; `server.grpc` (`--grpc`) names another address, and null (`--grpc off`) \
             goes without gRPC"
        );
        AppError::said("NL0732", message)
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(Network {
        address: listener.local_addr().map_err(failed)?,
        listener,
        encrypted,
    })
}

type Outcome = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn serve(door: Door, server: Arc<Server>) -> Outcome {
    let calls = UpgradeServiceServer::new(Calls::of(Arc::clone(&server)));
    let known = [pb::DESCRIPTION, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let described = || {
        let builder = tonic_reflection::server::Builder::configure();
        known.into_iter().fold(builder, |builder, one| {
            builder.register_encoded_file_descriptor_set(one)
        })
    };
    let access = Arc::clone(&server.access);
    let slow = server.settings.slow_reader;
    let routes = tonic::transport::Server::builder()
        .max_concurrent_streams(relay::CALLS_AT_ONCE)
        .http2_max_header_list_size(relay::HEAD_LIMIT)
        .http2_keepalive_interval(Some(slow))
        .http2_keepalive_timeout(Some(slow))
        .http2_max_pending_accept_reset_streams(Some(relay::TAKEN_BACK))
        .http2_max_local_error_reset_streams(Some(relay::TAKEN_BACK))
        .max_connection_age(server.settings.grpc_connection)
        .layer(InterceptorLayer::new(move |request| guard::known(&access, request)))
        .add_service(Guard::before(calls, Arc::clone(&server)))
        .add_service(Health::service(&server))
        .add_service(described().build_v1()?.max_decoding_message_size(QUESTION_LIMIT))
        // What older clients ask for, those in Python among them.
        .add_service(described().build_v1alpha()?.max_decoding_message_size(QUESTION_LIMIT));
    let (incoming, _until_the_end) = incoming(door, slow)?;
    let serving = routes.serve_with_incoming_shutdown(incoming, server.ended());
    let over = async {
        server.ended().await;
        tokio::time::sleep(SHUTDOWN_LIMIT).await;
    };
    let (serving, over) = (std::pin::pin!(serving), std::pin::pin!(over));
    match futures_util::future::select(serving, over).await {
        futures_util::future::Either::Left((served, _)) => Ok(served?),
        futures_util::future::Either::Right(_) => Ok(()),
    }
}

/// All who connect, wherever the door is.
fn incoming(
    door: Door,
    slow: Duration,
) -> std::io::Result<(impl Stream<Item = std::io::Result<Connection>>, Option<SocketFile>)> {
    let meeting = Meeting {
        slow,
        room: Arc::new(Semaphore::new(host::connections(1, MOST_CONNECTIONS))),
    };
    let mut ways: Vec<Pin<Box<dyn Stream<Item = std::io::Result<Connection>> + Send>>> = Vec::new();
    let mut socket = None;
    if let Some(at) = door.network {
        let listener = tokio::net::TcpListener::from_std(at.listener)?;
        ways.push(Box::pin(wire::from_network(listener, at.encrypted, meeting.clone())));
    }
    if let Some((listener, file)) = door.socket {
        socket = Some(file);
        let listener = tokio::net::UnixListener::from_std(listener)?;
        ways.push(Box::pin(wire::from_socket(listener, meeting)));
    }
    Ok((wire::all(ways), socket))
}
