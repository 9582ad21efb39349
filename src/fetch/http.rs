//! Asking a web server: limits, redirects, tries, and errors in words.

use std::io;
use std::time::Duration;

use backon::{BlockingRetryable, ExponentialBuilder};
use ureq::http::Response;
use ureq::{Agent, Body, Error, Timeout};

use super::FetchError;
use crate::clock::Deadline;

const MAX_REDIRECTS: u32 = 5;
const TRIES: usize = 3;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub connect: Duration,
    /// Without a single byte arriving.
    pub silence: Duration,
    /// All tries together.
    pub whole: Duration,
    /// Before the second try; longer before the third.
    pub pause: Duration,
}

impl Limits {
    /// For files that are read into memory: a server that drips must not hold up a mere look for updates for an hour.
    pub const SMALL: Self = Self {
        whole: Duration::from_secs(5 * 60),
        ..Self::LARGE
    };
    pub const LARGE: Self = Self {
        connect: Duration::from_secs(10),
        silence: Duration::from_secs(30),
        whole: Duration::from_secs(60 * 60),
        pause: Duration::from_millis(500),
    };
}

/// Asks for one URL, as often as needed, through the proxy that the environment names, if any.
pub(super) struct Client<'a> {
    agent: Agent,
    url: &'a str,
    limits: Limits,
    deadline: Deadline,
}

impl<'a> Client<'a> {
    pub fn new(url: &'a str, limits: Limits) -> Self {
        let agent = Agent::config_builder()
            .user_agent(concat!("netlink/", env!("CARGO_PKG_VERSION")))
            // A compressed answer could not be continued, and its length would not be the one that is signed.
            .accept_encoding("identity")
            .http_status_as_error(false)
            .https_only(url.starts_with("https:"))
            .max_redirects(MAX_REDIRECTS)
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_per_read(Some(limits.silence))
            .timeout_per_write(Some(limits.silence))
            .build()
            .new_agent();
        Self {
            agent,
            url,
            limits,
            deadline: Deadline::after(limits.whole),
        }
    }

    pub fn url(&self) -> &str {
        self.url
    }

    #[cfg(test)]
    pub fn is_https_only(&self) -> bool {
        self.agent.config().https_only()
    }

    /// Repeats `attempt` where trying again may help.
    pub fn with_tries<T>(&self, attempt: impl FnMut() -> Result<T, FetchError>) -> Result<T, FetchError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.limits.pause)
            .with_max_times(TRIES - 1)
            .with_jitter();
        let again = |error: &FetchError| error.is_temporary() && !self.deadline.has_passed();
        attempt.retry(pauses).when(again).call()
    }

    /// The answer, whatever its status; none when the server says that there is no such file.
    pub fn get(&self, headers: &[(&str, &str)]) -> Result<Option<Response<Body>>, FetchError> {
        let mut request = self.agent.get(self.url);
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
            url: self.url.to_owned(),
            status: response.status().as_u16(),
        }
    }

    /// Reading a body failed.
    pub fn broken(&self, error: io::Error) -> FetchError {
        self.failure(error.into())
    }

    fn failure(&self, error: Error) -> FetchError {
        let url = self.url.to_owned();
        let seconds = |limit: Duration| limit.as_secs_f32();
        match error {
            Error::Timeout(Timeout::Global) => FetchError::TimedOut {
                url,
                limit: self.limits.whole,
            },
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => FetchError::Unreachable {
                url,
                reason: format!("no connection within {} s", seconds(self.limits.connect)),
            },
            Error::Timeout(_) => FetchError::Cut {
                url,
                reason: format!("nothing arrived for {} s", seconds(self.limits.silence)),
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
                url,
                reason: other.to_string(),
            },
        }
    }
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
