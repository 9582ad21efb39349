//! One GET as a stranger would send it: no proxy, no kept connection, no redirect followed.

use std::io::Read;
use std::time::Duration;

use ureq::{Agent, Error};

use super::check::Mismatch;

/// Of a body, this much is looked at.
const BODY_LIMIT: u64 = 64 * 1024;
const SHOWN: usize = 200;

pub(super) fn ask(url: &str, status: u16, text: Option<&str>, limit: Duration) -> Result<(), Mismatch> {
    let mismatch = |found| Mismatch {
        expected: match text {
            Some(text) => format!("status {status} and `{text}` in the body"),
            None => format!("status {status}"),
        },
        found,
    };
    let agent = Agent::config_builder()
        .user_agent(concat!("netlink/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_idle_connections(0)
        .timeout_global(Some(limit))
        .build()
        .new_agent();
    let response = agent.get(url).call().map_err(|e| mismatch(reason(e, limit)))?;
    let answered = response.status().as_u16();
    if answered == status && text.is_none() {
        return Ok(());
    }
    let mut body = Vec::new();
    let read = response
        .into_body()
        .into_reader()
        .take(BODY_LIMIT)
        .read_to_end(&mut body);
    let body = String::from_utf8_lossy(&body);
    if answered == status && text.is_some_and(|text| body.contains(text)) {
        return Ok(());
    }
    let cut = read.err().map(|e| format!(" (then {})", reason(e.into(), limit)));
    let found = format!("status {answered} with {}{}", shown(&body), cut.unwrap_or_default());
    Err(mismatch(found))
}

fn shown(body: &str) -> String {
    let start: String = body.trim().chars().take(SHOWN).collect();
    if start.is_empty() {
        "no body".into()
    } else {
        format!("`{}`", start.replace(char::is_control, " "))
    }
}

fn reason(error: Error, limit: Duration) -> String {
    match error {
        Error::Timeout(_) => format!("no answer within {} s", limit.as_secs_f32()),
        Error::Io(e) => e.to_string(),
        other => other.to_string(),
    }
}
