//! One server: what is asked of it, read as the views that the commands show.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{self, AppError, codes};
use crate::cli::args::Global;
use crate::cli::output::{Failed, Result};
use crate::clock::Deadline;
use crate::crypt::{self, Secret};
use crate::fetch::Proxies;
use crate::fetch::remote::{Answered, Credentials, Method, Question, Refused, Remote, RemoteError, ServerPlace};
use crate::named;
use crate::plan::{Reason, Refusal};
use crate::settings;

pub const BASE: &str = "/api/v1/system";
/// How long a server that goes away is waited for.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// What asks a repository, plans, or reads much there.
const LONG: Duration = Duration::from_secs(10 * 60);
/// Between two questions whether it is back.
pub const ASK_EVERY: Duration = Duration::from_millis(500);

pub struct Wire {
    pub remote: Arc<Remote>,
    pub patience: Duration,
}

impl Wire {
    pub fn open(global: &Global, place: ServerPlace) -> Result<Self> {
        let args = &global.remote;
        let own = match (&args.client_certificate, &args.client_key) {
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, None) => None,
            _ => {
                let message = "`--client-certificate` and `--client-key` go together";
                return Err(Failed::said("NL0110", message));
            }
        };
        let ca = args.ca.clone();
        let credentials = Credentials { ca, own };
        let proxies = Proxies::of(&settings::proxies());
        let remote = Remote::new(place, token(global)?, &credentials, &proxies).map_err(failed)?;
        Ok(Self {
            remote: Arc::new(remote),
            patience: args.wait_for_server.unwrap_or(PATIENCE),
        })
    }

    /// As `--server` takes it.
    pub fn shown(&self) -> String {
        self.remote.place().to_string()
    }

    pub fn look<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let path = address(path, query);
        let question = Question {
            path: &path,
            ..Question::default()
        };
        self.read(&self.remote.ask(&question).map_err(failed)?)
    }

    /// The same for what takes its time there.
    pub fn look_long<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        self.read(&self.answer(path, query)?)
    }

    /// The same as it is.
    pub fn answer(&self, path: &str, query: &[(&str, &str)]) -> Result<Answered> {
        let path = address(path, query);
        let question = Question {
            path: &path,
            patience: Some(LONG),
            ..Question::default()
        };
        self.remote.ask(&question).map_err(failed)
    }

    /// The same, and a server that is away for a moment is waited for.
    pub fn look_patiently<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let deadline = Deadline::after(self.patience);
        let path = address(path, &[]);
        let path = path.as_str();
        loop {
            let question = Question {
                path,
                ..Question::default()
            };
            match self.remote.ask(&question) {
                Err(error) if error.is_temporary() && !deadline.has_passed() => std::thread::sleep(ASK_EVERY),
                answered => return self.read(&answered.map_err(failed)?),
            }
        }
    }

    /// In another form than JSON.
    pub fn text(&self, path: &str, query: &[(&str, &str)], accept: &str) -> Result<String> {
        let path = address(path, query);
        let question = Question {
            path: &path,
            accept: Some(accept),
            patience: Some(LONG),
            ..Question::default()
        };
        let answered = self.remote.ask(&question).map_err(failed)?;
        Ok(String::from_utf8_lossy(&answered.body).into_owned())
    }

    /// Asks for a change; what needs no words has null for a body.
    pub fn send(&self, method: Method, path: &str, body: &Value) -> Result<Answered> {
        let path = address(path, &[]);
        let body = (!body.is_null()).then(|| body.to_string());
        let question = Question {
            path: &path,
            method,
            body: body.as_deref(),
            patience: Some(LONG),
            ..Question::default()
        };
        self.remote.ask(&question).map_err(failed)
    }

    /// Orders something. The answer may get lost on its way: what is sent again under one key is done once.
    pub fn order(&self, path: &str, body: &Value, patience: Option<Duration>) -> Result<Answered> {
        let (path, body) = (address(path, &[]), body.to_string());
        let key = hex::encode(crypt::random::<16>());
        let question = Question {
            path: &path,
            method: Method::POST,
            body: Some(&body),
            accept: None,
            key: Some(&key),
            patience: Some(patience.unwrap_or(LONG)),
        };
        self.remote.ask(&question).map_err(failed)
    }

    pub fn change<T: DeserializeOwned>(&self, method: Method, path: &str, body: &Value) -> Result<T> {
        self.read(&self.send(method, path, body)?)
    }

    pub fn read<T: DeserializeOwned>(&self, answered: &Answered) -> Result<T> {
        named::from_json(&answered.body).map_err(|e| failed(self.remote.garbled(e.to_string())))
    }
}

fn address(path: &str, query: &[(&str, &str)]) -> String {
    let pairs = query
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    let query = pairs.collect::<Vec<_>>().join("&");
    match query.is_empty() {
        true => format!("{BASE}{path}"),
        false => format!("{BASE}{path}?{query}"),
    }
}

/// Of what was named the one that is named most plainly.
fn token(global: &Global) -> Result<Option<Secret>> {
    let args = &global.remote;
    let secret = match (&args.token, &args.token_file) {
        (Some(_), Some(_)) => return Err(Failed::said("NL0110", "`--token` goes without `--token-file`")),
        (Some(token), None) => Some(Secret::from(token.clone())),
        (None, Some(path)) => Some(app::read_token_file(path)?),
        (None, None) => settings::secret("NETLINK_TOKEN"),
    };
    Ok(secret.map(|secret| {
        let text = String::from_utf8_lossy(secret.expose()).trim().to_owned();
        Secret::from(text)
    }))
}

pub fn failed(error: RemoteError) -> Failed {
    let code = match error {
        RemoteError::Refused(refused) => return Failed::App(said(*refused)),
        RemoteError::Unreachable { .. } | RemoteError::Garbled { .. } | RemoteError::Proxy { .. } => "NL0737",
        RemoteError::Untrusted { .. } | RemoteError::Tls(_) => "NL0739",
    };
    Failed::App(AppError::below(code, &error))
}

/// The same no as on the server's own machine.
fn said(refused: Refused) -> AppError {
    let Refused { code, detail, mut more } = refused;
    let witness = more.remove("witness").unwrap_or_else(|| Value::Array(Vec::new()));
    let found = more
        .remove("farthest")
        .and_then(|farthest| serde_json::from_value(farthest).ok())
        .zip(serde_json::from_value(witness).ok());
    match found {
        Some((farthest, witness)) => AppError::Refused(Box::new(Refusal {
            reason: Reason::NoPath { farthest, witness },
            message: detail,
        })),
        None => AppError::said(codes::lookup(&code).id, detail),
    }
}
