//! Asking a web server: limits, redirects, tries, and errors in words.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use backon::{BlockingRetryable, ExponentialBuilder};
use ureq::http::{HeaderMap, Response, Uri, header};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, BodyReader, Error, Proxy, Timeout};

use super::meter::{Meter, Metered};
use super::pace::Paced;
use super::{FetchError, Limits, Network, trust};
use crate::clock::Deadline;

const MAX_REDIRECTS: u32 = 5;
/// How many are used at once, and kept to be used again, at the server of one place.
pub(super) const CONNECTIONS: usize = 4;

/// What is asked for, and how it is called in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// May hold a signature, so it is never shown.
    pub url: String,
    pub shown: String,
    /// Of an object store, whatever its host is called.
    pub is_store: bool,
}

/// Asks for one URL, as often as needed.
pub(super) struct Client<'a> {
    agent: &'a Agent,
    address: Address,
    limits: Limits,
    whole: Duration,
    deadline: Deadline,
    meter: &'a Meter,
}

/// Connections to the server of `address`, through the proxy that the environment names for it, if any.
pub(super) fn agent(address: &Address, network: &Network) -> Result<Agent, FetchError> {
    let limits = &network.limits;
    let builder = Agent::config_builder()
        .user_agent(concat!("netlink/", env!("CARGO_PKG_VERSION")))
        // A compressed answer could not be continued, and its length would not be the one that is signed.
        .accept_encoding("identity")
        .http_status_as_error(false)
        .https_only(address.url.starts_with("https:"))
        .max_redirects(MAX_REDIRECTS)
        .max_idle_connections_per_host(CONNECTIONS)
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.idle))
        .timeout_per_read(Some(limits.idle))
        .timeout_per_write(Some(limits.idle))
        .tls_config(TlsConfig::builder().root_certs(trust::roots()).build())
        .proxy(proxy(address, network)?);
    Ok(builder.build().new_agent())
}

pub(super) fn proxy(address: &Address, network: &Network) -> Result<Option<Proxy>, FetchError> {
    let uri: Option<Uri> = address.url.parse().ok();
    let named = uri.as_ref().and_then(|uri| {
        let (scheme, host) = uri.scheme_str().zip(uri.host())?;
        network.proxies.for_host(scheme, host, uri.port_u16())
    });
    named.map(Proxy::new).transpose().map_err(|e| FetchError::Proxy {
        url: address.shown.clone(),
        reason: e.to_string(),
    })
}

impl<'a> Client<'a> {
    pub fn new(agent: &'a Agent, address: Address, limits: Limits, meter: &'a Meter) -> Self {
        let uri: Option<Uri> = address.url.parse().ok();
        let whole = match uri.as_ref().and_then(Uri::host) {
            _ if address.is_store => limits.whole.max(limits.whole_from_store),
            host => limits.whole_at(host.unwrap_or_default()),
        };
        Self {
            agent,
            address,
            limits,
            whole,
            deadline: Deadline::after(whole),
            meter,
        }
    }

    /// What the file is called in words.
    pub fn shown(&self) -> &str {
        &self.address.shown
    }

    /// What the answer holds, counted, and not too slowly.
    pub fn body(&self, response: Response<Body>) -> Paced<Metered<'a, BodyReader<'static>>> {
        Paced::new(self.meter.over(response.into_body().into_reader()), &self.limits)
    }

    /// Repeats `attempt` where trying again may help. `arrived` grows as long as tries bring something that is worth keeping;
    /// then they are counted anew.
    pub fn with_tries<T>(
        &self,
        arrived: &Cell<u64>,
        mut attempt: impl FnMut() -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let worth = self.limits.resume_from.max(1);
        let may_help = |error: &FetchError| error.is_temporary() && !self.deadline.has_passed();
        loop {
            let before = arrived.get();
            let is_further = || arrived.get() >= before.saturating_add(worth);
            let pauses = ExponentialBuilder::default()
                .with_min_delay(self.limits.pause)
                .with_max_times(self.limits.tries.saturating_sub(1) as usize)
                .with_jitter();
            // The pause that follows by itself is not enough where the server asks for more.
            let longer = |error: &FetchError, pause: Duration| {
                let asked = error.asked_pause().unwrap_or_default().min(self.deadline.left());
                std::thread::sleep(asked.saturating_sub(pause));
            };
            let tried = (&mut attempt).retry(pauses).notify(longer);
            match tried.when(|error| may_help(error) && !is_further()).call() {
                Err(error) if may_help(&error) && is_further() => std::thread::sleep(self.limits.pause),
                ended => return ended,
            }
        }
    }

    /// The answer, whatever its status; none when the server says that there is no such file.
    pub fn get(&self, headers: &[(&str, &str)]) -> Result<Option<Response<Body>>, FetchError> {
        let mut request = self.agent.get(&self.address.url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let limited = request.config().timeout_global(Some(self.deadline.left())).build();
        let response = limited.call().map_err(|e| self.failure(e))?;
        Ok(Some(response).filter(|response| !matches!(response.status().as_u16(), 404 | 410)))
    }

    /// The error for an answer whose status is of no use.
    pub fn unexpected(&self, response: &Response<Body>) -> FetchError {
        FetchError::Status {
            url: self.shown().to_owned(),
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        }
    }

    /// Reading a body failed.
    pub fn broken(&self, error: io::Error) -> FetchError {
        self.failure(error.into())
    }

    fn failure(&self, error: Error) -> FetchError {
        let url = self.shown().to_owned();
        let seconds = |limit: Duration| limit.as_secs_f32();
        match error {
            Error::Timeout(Timeout::Global) => FetchError::TimedOut { url, limit: self.whole },
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => FetchError::Unreachable {
                url,
                reason: format!("no connection within {} s", seconds(self.limits.connect)),
            },
            Error::Timeout(Timeout::RecvResponse) => FetchError::Cut {
                url,
                reason: format!("no answer within {} s", seconds(self.limits.idle)),
            },
            Error::Timeout(_) => FetchError::Cut {
                url,
                reason: format!("nothing arrived for {} s", seconds(self.limits.idle)),
            },
            Error::HostNotFound => FetchError::Unreachable {
                url,
                reason: "the name of the host is not known".into(),
            },
            Error::ConnectionFailed => FetchError::Unreachable {
                url,
                reason: "no connection".into(),
            },
            Error::TooManyRedirects => FetchError::Redirects {
                url,
                limit: MAX_REDIRECTS,
            },
            Error::RequireHttpsOnly(_) => FetchError::Downgrade { url },
            Error::Io(e) => broken_connection(url, &e),
            other => FetchError::Refused {
                reason: other.to_string().replace(&self.address.url, &url),
                url,
            },
        }
    }
}

/// RFC 9110, 10.2.3: seconds from now; the other form, a date, is passed over, for clocks differ.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn broken_connection(url: String, error: &io::Error) -> FetchError {
    let reason = error.to_string();
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::TimedOut
        | io::ErrorKind::WouldBlock => FetchError::Cut { url, reason },
        // So TLS says that it does not trust the server: trying again would not help.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => FetchError::Refused { url, reason },
        // Among them a name that is not found, which has no kind of its own.
        _ => FetchError::Unreachable { url, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_host_is_tried_again_and_an_untrusted_server_is_not() {
        let of = |error| broken_connection("http://host/a".into(), &error);
        assert!(of(io::Error::other("Name or service not known")).is_temporary());
        assert!(!of(io::Error::new(io::ErrorKind::InvalidData, "UnknownIssuer")).is_temporary());
    }
}
