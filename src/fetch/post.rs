//! Telling a web server something, once: a small JSON document.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::TlsConfig;

use super::trust;

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("cannot post to {url}")]
    Http {
        url: String,
        #[source]
        source: Box<ureq::Error>,
    },
    #[error("{url} answered with {status} instead of taking what was posted")]
    Status { url: String, status: u16 },
}

/// Any answer of the 200s is a yes; redirects are not followed. `limit` holds for all of it.
pub fn post_json(url: &str, body: &str, limit: Duration) -> Result<(), PostError> {
    let config = Agent::config_builder()
        .user_agent(concat!("netlink/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(limit))
        .tls_config(TlsConfig::builder().root_certs(trust::roots()).build());
    let agent = config.build().new_agent();
    // Secrets in the address are not shown.
    let shown = url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let sent = agent.post(url).header("content-type", "application/json").send(body);
    let answer = sent.map_err(|source| PostError::Http {
        url: shown.clone(),
        source: Box::new(source),
    })?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        status => Err(PostError::Status { url: shown, status }),
    }
}
