//! A connection on a thread of its own: the client waits in a way that must not be nested, and knows no limit to its waiting.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::migrate::schema::error::{Refused, StepError};
use crate::migrate::schema::tls::{self, Wish};
use crate::release::{ServerLogin, ServerPlace};

type Work = Box<dyn FnOnce(&mut Client) + Send>;

/// Until a server is reached.
const CONNECT: Duration = Duration::from_secs(15);
/// A server that does not even acknowledge for so long is gone.
const SILENCE: Duration = Duration::from_secs(120);
/// Where the packages of distributions, and PostgreSQL itself, put the socket.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Ends the connection when it is dropped.
pub(super) struct Session {
    work: Sender<Work>,
}

impl Session {
    pub(super) fn open(login: &ServerLogin) -> Result<Self, StepError> {
        let config = config(login)?;
        let tls = MakeRustlsConnect::new(tls::client(&login.tls)?);
        let (work, to_do) = channel();
        let (tell, told) = channel();
        thread::spawn(move || serve(connect(config, tls), &tell, &to_do));
        match told.recv_timeout(2 * CONNECT) {
            Ok(Ok(())) => Ok(Self { work }),
            Ok(Err(e)) => Err(e.into()),
            Err(_) => Err(Refused::other(format!(
                "it did not answer for {} s",
                (2 * CONNECT).as_secs()
            ))),
        }
    }

    pub(super) fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Client) -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let (tell, told) = channel();
        let work: Work = Box::new(move |client| {
            // Whoever asked may have given it up.
            let _ = tell.send(work(client));
        });
        let gone = || Refused::other("the connection has ended");
        self.work.send(work).map_err(|_| gone())?;
        told.recv_timeout(limit).map_err(|e| match e {
            RecvTimeoutError::Timeout => Refused::other(format!("it did not answer for {} s", limit.as_secs())),
            RecvTimeoutError::Disconnected => gone(),
        })
    }
}

fn connect(mut config: Config, tls: MakeRustlsConnect) -> Result<Client, postgres::Error> {
    match config.connect(tls) {
        // Encryption was only preferred, and came to nothing before anybody was asked who it is.
        Err(e) if e.as_db_error().is_none() && config.get_ssl_mode() == SslMode::Prefer => {
            config.ssl_mode(SslMode::Disable).connect(NoTls)
        }
        connected => connected,
    }
}

fn serve(
    connected: Result<Client, postgres::Error>,
    tell: &Sender<Result<(), postgres::Error>>,
    to_do: &Receiver<Work>,
) {
    match connected {
        Err(e) => {
            let _ = tell.send(Err(e));
        }
        Ok(mut client) => {
            let _ = tell.send(Ok(()));
            for work in to_do {
                work(&mut client);
            }
        }
    }
}

fn config(login: &ServerLogin) -> Result<Config, StepError> {
    let mut config = Config::new();
    config
        .dbname(&login.database)
        .application_name("netlink")
        .connect_timeout(CONNECT)
        .tcp_user_timeout(SILENCE)
        .ssl_mode(match tls::wish(&login.tls) {
            Wish::Never => SslMode::Disable,
            Wish::IfItCan => SslMode::Prefer,
            Wish::Always => SslMode::Require,
        });
    if let Some(user) = &login.user {
        config.user(user);
    }
    if let Some(password) = &login.password {
        config.password(password.expose());
    }
    let port = match &login.place {
        ServerPlace::Default => {
            match SOCKETS.iter().find(|dir| Path::new(dir).join(".s.PGSQL.5432").exists()) {
                Some(dir) => at_socket(&mut config, dir),
                None => config.host("localhost"),
            };
            None
        }
        ServerPlace::Host { name, port } => {
            config.host(name);
            *port
        }
        ServerPlace::Socket { path, port } => {
            at_socket(&mut config, path);
            *port
        }
    };
    if let Some(port) = port {
        config.port(port);
    }
    Ok(config)
}

/// Nobody listens there, and as with the tools nothing is encrypted.
fn at_socket<'c>(config: &'c mut Config, dir: &str) -> &'c mut Config {
    config.ssl_mode(SslMode::Disable).host_path(dir)
}
