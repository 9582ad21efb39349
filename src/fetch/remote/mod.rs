//! Asking another NetLink's server (its REST interface) over the web or a Unix socket: limits on every wait and every read.

mod error;
mod lines;
mod place;
mod socket;

use std::path::PathBuf;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use ureq::http::{Request, Response, StatusCode};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, Proxy};

pub use error::{Refused, RemoteError};
pub use lines::{Line, Lines};
pub use place::{ServerPlace, ServerPlaceError};
pub use ureq::http::Method;

use super::{Proxies, trust};
use crate::crypt::Secret;
use crate::disk;
use crate::named;
use crate::tls::{TlsError, authorities, certificates, private_key};
use socket::SocketConnector;

const CONNECT: Duration = Duration::from_secs(10);
/// On a line of live events a server shows life more often than that.
const IDLE: Duration = Duration::from_secs(60);
/// From the last byte that was sent to the first that is answered.
const ANSWER: Duration = Duration::from_secs(60);
/// At a socket, where the end of the other side shows at once; what is asked has its own limit below this.
const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);
/// Of one answer: a page of a long list is far below.
const LIMIT: u64 = 64 << 20;
/// Of a private key's file.
const KEY_LIMIT: u64 = 1 << 20;
/// Of what is sent once however often it arrives.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Whom to trust, and what to show of oneself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The authorities that a server's certificate is of, in place of those of this machine.
    pub ca: Option<PathBuf>,
    /// Certificate and key that are shown to a server that asks for them.
    pub own: Option<(PathBuf, PathBuf)>,
}

pub struct Remote {
    agent: Agent,
    place: ServerPlace,
    base: String,
    token: Option<Secret>,
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question<'a> {
    pub path: &'a str,
    /// JSON; a question without is a look.
    pub body: Option<&'a str>,
    pub method: Method,
    /// In place of JSON.
    pub accept: Option<&'a str>,
    /// The same key is the same order, so it may be sent again.
    pub key: Option<&'a str>,
    /// How long the answer may take to begin, where it takes more than a look.
    pub patience: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Remote {
    pub fn new(
        place: ServerPlace,
        token: Option<Secret>,
        credentials: &Credentials,
        proxies: &Proxies,
    ) -> Result<Self, RemoteError> {
        let config = Agent::config_builder()
            .user_agent(concat!("netlink/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_per_write(Some(IDLE))
            .tls_config(tls(credentials)?)
            .proxy(proxy(&place, proxies)?);
        let (agent, base) = match &place {
            ServerPlace::Web { address, .. } => (config.build().new_agent(), address.clone()),
            ServerPlace::Socket(path) => {
                let path = path.clone();
                let connector = SocketConnector { path, idle: LONGEST };
                let config = config.max_idle_connections(0).build();
                // Who is asked is at the other end of the socket, whatever the host.
                let agent = Agent::with_parts(config, connector, DefaultResolver::default());
                (agent, "http://127.0.0.1".to_owned())
            }
        };
        Ok(Self {
            agent,
            place,
            base,
            token,
        })
    }

    pub fn place(&self) -> &ServerPlace {
        &self.place
    }

    /// The whole answer; a problem document is an error.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answered, RemoteError> {
        let mut tried = 1;
        loop {
            match self.ask_once(question) {
                Err(RemoteError::Unreachable { .. }) if question.key.is_some() && tried < TRIES => {
                    tried += 1;
                    std::thread::sleep(PAUSE);
                }
                answered => return answered,
            }
        }
    }

    fn ask_once(&self, question: &Question<'_>) -> Result<Answered, RemoteError> {
        let accept = question.accept.unwrap_or("application/json");
        let mut request = self
            .request(question.method.clone(), question.path)
            .header("accept", accept);
        if let Some(key) = question.key {
            request = request.header("idempotency-key", key);
        }
        if question.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let patience = question.patience.unwrap_or(ANSWER);
        let response = match question.body {
            Some(body) => self.run(request.body(body.to_owned()), patience)?,
            None => self.run(request.body(()), patience)?,
        };
        self.whole(response)
    }

    /// Events after the one of this id, or all from the beginning; none when all of them were seen.
    pub fn lines(&self, path: &str, after: i64) -> Result<Option<Lines>, RemoteError> {
        let request = self.request(Method::GET, path).header("accept", "text/event-stream");
        let response = self.run(request.header("last-event-id", after).body(()), IDLE)?;
        match response.status() {
            StatusCode::OK => {
                let reader = response.into_body().into_with_config().limit(u64::MAX).reader();
                Ok(Some(Lines::new(self.place.clone(), reader)))
            }
            StatusCode::NO_CONTENT => Ok(None),
            _ => {
                let answered = self.whole(response)?;
                Err(self.garbled(format!("status {}", answered.status)))
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        match &self.token {
            Some(token) => {
                let bearer = format!("Bearer {}", String::from_utf8_lossy(token.expose()));
                request.header("authorization", bearer)
            }
            None => request,
        }
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        request: Result<Request<B>, ureq::http::Error>,
        patience: Duration,
    ) -> Result<Response<Body>, RemoteError> {
        let request = request.map_err(|e| RemoteError::of(&self.place, e.into()))?;
        let request = self.agent.configure_request(request);
        let request = request
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .build();
        self.agent.run(request).map_err(|e| RemoteError::of(&self.place, e))
    }

    fn whole(&self, response: Response<Body>) -> Result<Answered, RemoteError> {
        let status = response.status();
        let body = response.into_body().into_with_config().limit(LIMIT).read_to_vec();
        let body = body.map_err(|e| RemoteError::of(&self.place, e))?;
        if status.is_success() {
            let status = status.as_u16();
            return Ok(Answered { status, body });
        }
        match named::from_json::<Refused>(&body) {
            Ok(refused) => Err(RemoteError::Refused(Box::new(refused))),
            Err(_) => Err(self.garbled(format!("status {status} without a reason"))),
        }
    }

    pub fn garbled(&self, reason: String) -> RemoteError {
        RemoteError::Garbled {
            server: self.place.clone(),
            reason,
        }
    }
}

fn proxy(place: &ServerPlace, proxies: &Proxies) -> Result<Option<Proxy>, RemoteError> {
    let ServerPlace::Web { address, .. } = place else {
        return Ok(None);
    };
    let uri: Option<ureq::http::Uri> = address.parse().ok();
    let named = uri.as_ref().and_then(|uri| {
        let (scheme, host) = uri.scheme_str().zip(uri.host())?;
        proxies.for_host(scheme, host, uri.port_u16())
    });
    named.map(Proxy::new).transpose().map_err(|e| RemoteError::Proxy {
        server: place.clone(),
        reason: e.to_string(),
    })
}

fn tls(credentials: &Credentials) -> Result<TlsConfig, TlsError> {
    let roots = match &credentials.ca {
        None => trust::roots(),
        Some(path) => {
            authorities(path)?;
            certificates(path)?
                .iter()
                .map(|one| Certificate::from_der(one).to_owned())
                .collect::<Vec<_>>()
                .into()
        }
    };
    let own = credentials.own.as_ref().map(|(certificate, key)| {
        let (chain, private) = (certificates(certificate)?, private_key(key)?);
        // Whoever shows a pair that is none is told so here.
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let no_pair = |reason: rustls::Error| TlsError::NoPair {
            certificate: certificate.clone(),
            key: key.clone(),
            reason: reason.to_string(),
        };
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(no_pair)?
            .with_root_certificates(RootCertStore::empty())
            .with_client_auth_cert(chain.clone(), private)
            .map_err(no_pair)?;
        let chain: Vec<_> = chain.iter().map(|one| Certificate::from_der(one).to_owned()).collect();
        let pem = disk::read_limited(key, KEY_LIMIT)?;
        let private = PrivateKey::from_pem(&pem).map_err(|e| TlsError::File {
            path: key.clone(),
            reason: e.to_string(),
        })?;
        Ok::<_, TlsError>(ClientCert::new_with_certs(&chain, private))
    });
    let roots: RootCerts = roots;
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(own.transpose()?)
        .build())
}
