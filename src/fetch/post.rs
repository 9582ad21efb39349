//! Telling a web server something, once.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;

use super::http::{Address, proxy, retry_after};
use super::{FetchError, Network, Proxies, trust};

/// All that is read of what is answered; of the body nothing is.
const HEADER_LIMIT: usize = 16 << 10;

/// Something to post.
#[derive(Debug, Clone, Copy)]
pub struct Posting<'a> {
    /// May hold secrets, so it is never shown.
    pub url: &'a str,
    pub shown: &'a str,
    pub content_type: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a str,
    /// For all of it.
    pub limit: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("cannot post to {url}: {reason}")]
    Http { url: String, reason: String },
    #[error("{url} answered with {status} instead of taking what was posted")]
    Status {
        url: String,
        status: u16,
        /// The pause that it asks for.
        retry_after: Option<Duration>,
    },
    #[error(transparent)]
    Proxy(#[from] FetchError),
}

/// Any answer of the 200s is a yes; redirects are not followed, and the body of the answer is not read.
pub fn post(posting: Posting<'_>, proxies: &Proxies) -> Result<(), PostError> {
    let address = Address {
        url: posting.url.to_owned(),
        shown: posting.shown.to_owned(),
        is_store: false,
    };
    let network = Network {
        proxies: proxies.clone(),
        ..Network::default()
    };
    let config = Agent::config_builder()
        .user_agent(concat!("netlink/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .max_response_header_size(HEADER_LIMIT)
        .timeout_global(Some(posting.limit))
        .proxy(proxy(&address, &network)?)
        .tls_config(TlsConfig::builder().root_certs(trust::roots()).build());
    let mut request = config.build().new_agent().post(posting.url);
    request = request.header("content-type", posting.content_type);
    for (name, value) in posting.headers {
        request = request.header(*name, *value);
    }
    let answer = request.send(posting.body).map_err(|e| PostError::Http {
        url: posting.shown.to_owned(),
        reason: e.to_string().replace(posting.url, posting.shown),
    })?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        status => Err(PostError::Status {
            url: posting.shown.to_owned(),
            status,
            retry_after: retry_after(answer.headers()),
        }),
    }
}
