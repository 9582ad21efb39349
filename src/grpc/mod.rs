//! The gRPC door: the calls of `proto/netlink/update/v1/upgrade.proto`, health and reflection, over the same server as REST.

mod calls;
mod guard;
mod health;
pub mod messages;
pub mod pb;
mod status;
mod views;
mod watch;
mod wire;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::runtime;
use tonic::Status;

use crate::app::{AppError, Result};
use crate::host;
use crate::serving::{Certificate, Server, say};
use calls::Calls;
use guard::Guard;
use health::Health;
use pb::upgrade_service_server::UpgradeServiceServer;

/// For calls that are under way when the server is told to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(10);
/// Calls at once over one connection.
const CALLS_AT_ONCE: u32 = 256;
/// Verbs that are at work at once, of all calls; the rest wait.
const VERBS_AT_ONCE: usize = 64;
/// Bytes of the head of a call.
const HEAD_LIMIT: u32 = 16 << 10;

/// At once, where the system knows no limit of its own.
const MOST_CONNECTIONS: usize = 10_000;

/// Where the door will be.
pub struct Door {
    listener: TcpListener,
    encrypted: Option<ServerConfig>,
}

impl Door {
    /// In TLS where there is a certificate.
    pub fn at(address: SocketAddr, certificate: &Certificate) -> Result<Self> {
        let encrypted = certificate.config(&wire::PROTOCOLS)?;
        let failed = |e: std::io::Error| {
            let message = format!(
                "cannot listen for gRPC at {address}: {e}; `server.grpc` (`--grpc`) names another address, and null (`--grpc off`) \
                 goes without gRPC"
            );
            AppError::said("NL0732", message)
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { listener, encrypted })
    }

    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|e| AppError::below("NL0732", &e))
    }

    pub fn is_encrypted(&self) -> bool {
        self.encrypted.is_some()
    }

    /// Lets in until the server is told to end, on a thread of its own; joining it waits for the calls that are under way then.
    pub fn open(self, server: Arc<Server>) -> Result<JoinHandle<()>> {
        let failed = |e: std::io::Error| AppError::below("NL0732", &e);
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(VERBS_AT_ONCE)
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

type Outcome = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn serve(door: Door, server: Arc<Server>) -> Outcome {
    let listener = tokio::net::TcpListener::from_std(door.listener)?;
    let calls = UpgradeServiceServer::new(Calls::of(Arc::clone(&server)));
    let known = [pb::DESCRIPTION, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let described = || {
        let builder = tonic_reflection::server::Builder::configure();
        known.into_iter().fold(builder, |builder, one| {
            builder.register_encoded_file_descriptor_set(one)
        })
    };
    let slow = server.settings.slow_reader;
    let routes = tonic::transport::Server::builder()
        .max_concurrent_streams(CALLS_AT_ONCE)
        .http2_max_header_list_size(HEAD_LIMIT)
        .http2_keepalive_interval(Some(slow))
        .http2_keepalive_timeout(Some(slow))
        .add_service(Guard::before(calls, Arc::clone(&server)))
        .add_service(Health::service(&server))
        .add_service(described().build_v1()?)
        // What older clients ask for, those in Python among them.
        .add_service(described().build_v1alpha()?);
    let connections = host::connections(1, MOST_CONNECTIONS);
    let incoming = wire::incoming(listener, door.encrypted, slow, connections);
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

/// The verbs are synchronous; they run beside the connections.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| status::no("NL0999", &e.to_string(), None))?;
    done.map_err(|error| status::of_error(&error))
}
