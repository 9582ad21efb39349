//! A check with all its names filled in, and one look at it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ureq::http::Uri;

use super::http;
use crate::host::Run;
use crate::release::{CheckSpec, CommandCheck, HttpCheck, TemplateError, expand};

/// Something to ask that is either so or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// A GET whose answer has this status and this text in its body.
    Http {
        url: String,
        status: u16,
        body: Option<String>,
        timeout: Duration,
    },
    /// A command that exits with 0.
    Command {
        argv: Vec<String>,
        dir: PathBuf,
        timeout: Duration,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("a health check has a name that cannot be filled in")]
    Template(#[from] TemplateError),
    #[error("the health check `{0}` is not a URL: expected http://host/… or https://host/…")]
    Url(String),
    #[error("the health check {url} expects status {status}: expected one from 200 to 599")]
    Status { url: String, status: u16 },
    #[error("a health check has an empty command")]
    EmptyCommand,
}

/// Fills in the names. A command runs in the folder of the release.
pub fn resolve(spec: &CheckSpec, values: &BTreeMap<String, String>) -> Result<Check, ProbeError> {
    match spec {
        CheckSpec::Http(spec) => resolve_http(spec, values),
        CheckSpec::Command(spec) => resolve_command(spec, values),
    }
}

fn resolve_http(spec: &HttpCheck, values: &BTreeMap<String, String>) -> Result<Check, ProbeError> {
    let url = expand(&spec.http, values)?;
    let is_web = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    };
    if !url.parse().as_ref().is_ok_and(is_web) {
        return Err(ProbeError::Url(without_user(&url)));
    }
    if !(200..=599).contains(&spec.status) {
        let url = without_user(&url);
        return Err(ProbeError::Status {
            url,
            status: spec.status,
        });
    }
    Ok(Check::Http {
        url,
        status: spec.status,
        body: spec.body.clone(),
        timeout: spec.timeout,
    })
}

fn resolve_command(spec: &CommandCheck, values: &BTreeMap<String, String>) -> Result<Check, ProbeError> {
    let argv: Vec<String> = spec
        .command
        .iter()
        .map(|text| expand(text, values))
        .collect::<Result<_, _>>()?;
    if argv.first().is_none_or(String::is_empty) {
        return Err(ProbeError::EmptyCommand);
    }
    Ok(Check::Command {
        argv,
        dir: values.get("release").map_or_else(|| "/".into(), PathBuf::from),
        timeout: spec.timeout,
    })
}

/// What a check found instead of what it expected.
pub(super) struct Mismatch {
    pub expected: String,
    pub found: String,
}

impl Check {
    /// Asks once, for at most `limit` and the check's own limit.
    pub(super) fn ask(&self, limit: Duration) -> Result<(), Mismatch> {
        match self {
            Self::Http {
                url,
                status,
                body,
                timeout,
            } => http::ask(url, *status, body.as_deref(), limit.min(*timeout)),
            Self::Command { argv, dir, timeout } => run(argv, dir, limit.min(*timeout)),
        }
    }
}

fn run(argv: &[String], dir: &std::path::Path, limit: Duration) -> Result<(), Mismatch> {
    let run = Run {
        argv: argv.to_vec(),
        dir: dir.to_path_buf(),
        env: BTreeMap::new(),
        stdin: Vec::new(),
        limit,
    };
    let found = match run.run() {
        Ok(done) if done.status.success() => return Ok(()),
        Ok(done) => {
            let last = [&done.stderr, &done.stdout]
                .into_iter()
                .find_map(|text| text.lines().last());
            format!("{}: {}", done.status, last.unwrap_or("nothing printed"))
        }
        Err(error) => match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    };
    let expected = "exit status: 0".into();
    Err(Mismatch { expected, found })
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { url, .. } => write!(f, "GET {}", without_user(url)),
            Self::Command { argv, .. } => write!(f, "`{}`", argv.join(" ")),
        }
    }
}

/// A URL as it may be shown: without a user name and password.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}
