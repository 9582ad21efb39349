//! Where a database on a server is and who it is asked as: a URL, of which a manifest has the form and the operator's
//! configuration the values.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{ServerEngine, TemplateError, expand, template};
use crate::crypt::Secret;

/// A URL with `{name}` of variables in it. A value stands for itself: what it holds need not be percent-encoded. Only where the
/// whole is one variable, that variable is a URL itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlTemplate(String);

/// What a client needs to know to reach a database.
#[derive(Debug, Clone)]
pub struct ServerLogin {
    pub engine: ServerEngine,
    pub place: ServerPlace,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub database: String,
    pub tls: ServerTls,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerPlace {
    /// The tools' own default, most often a socket.
    Default,
    Host {
        name: String,
        port: Option<u16>,
    },
    /// A socket of MySQL or MariaDB; for PostgreSQL the folder that it lies in.
    Socket {
        path: String,
        port: Option<u16>,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTls {
    pub mode: Option<TlsMode>,
    /// File with the certificates of authorities.
    pub authorities: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// None of them shows any of the URL: it may be the password that is misread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the database's URL is none of {0}: it must begin with `{0}://`")]
    Scheme(&'static str),
    #[error("the database's URL names no database: it ends with `/NAME`")]
    NoDatabase,
    #[error(
        "the port in the database's URL is not a number from 1 to 65535 (is an `@`, `:` or `/` of a name or password not percent-encoded?)"
    )]
    Port,
    #[error("the {0} in the database's URL has a line end or another control character")]
    Control(&'static str),
    #[error("the {0} in the database's URL is not UTF-8")]
    NotText(&'static str),
    #[error(
        "the database's URL has a parameter that is not known; known are host, port, socket, sslmode and sslrootcert"
    )]
    Parameter,
    #[error("`sslmode` in the database's URL is disable, prefer, require, verify-ca or verify-full")]
    TlsMode,
}

impl TlsMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Disable,
            Self::Prefer,
            Self::Require,
            Self::VerifyCa,
            Self::VerifyFull,
        ];
        all.into_iter().find(|mode| mode.name() == text)
    }
}

impl TryFrom<String> for UrlTemplate {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        template::names(&text)?;
        Ok(Self(text))
    }
}

impl From<UrlTemplate> for String {
    fn from(url: UrlTemplate) -> Self {
        url.0
    }
}

impl UrlTemplate {
    /// The variables that it names.
    pub fn variables(&self) -> Vec<String> {
        // It was parsed when it was made.
        template::names(&self.0).unwrap_or_default()
    }

    /// Whether it can be a URL of this engine, whatever the values are.
    pub fn check(&self, engine: ServerEngine) -> Result<(), ServerUrlError> {
        if self.is_one_variable() {
            return Ok(());
        }
        let any = self.variables().into_iter().map(|name| (name, "1".to_owned()));
        self.login(engine, &any.collect()).map(drop)
    }

    /// The login that these values give.
    pub fn login(
        &self,
        engine: ServerEngine,
        values: &BTreeMap<String, String>,
    ) -> Result<ServerLogin, ServerUrlError> {
        if self.is_one_variable() {
            return ServerLogin::parse(engine, &zeroize::Zeroizing::new(expand(&self.0, values)?));
        }
        let named = self.variables();
        let encoded = values
            .iter()
            .filter(|(name, _)| named.contains(name))
            .map(|(name, value)| (name.clone(), utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()));
        let encoded: BTreeMap<String, String> = encoded.collect();
        ServerLogin::parse(engine, &zeroize::Zeroizing::new(expand(&self.0, &encoded)?))
    }

    fn is_one_variable(&self) -> bool {
        self.variables()
            .first()
            .is_some_and(|name| self.0 == format!("{{{name}}}"))
    }
}

impl ServerLogin {
    /// `scheme://user:password@host:port/database?parameter=value`, where all but scheme and database may be left out.
    pub fn parse(engine: ServerEngine, url: &str) -> Result<Self, ServerUrlError> {
        let rest = without_scheme(engine, url.trim())?;
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').ok_or(ServerUrlError::NoDatabase)?;
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (user, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            Some((user, password)) => (decoded(user, "user")?, decoded(password, "password")?),
            None => (None, None),
        };
        let (host, port) = host_and_port(place)?;
        let mut login = Self {
            engine,
            place: ServerPlace::Default,
            user,
            password: password.map(Secret::from),
            database: decoded(database, "name of the database")?.ok_or(ServerUrlError::NoDatabase)?,
            tls: ServerTls::default(),
        };
        login.find_place(host, port, parameters)?;
        Ok(login)
    }

    fn find_place(
        &mut self,
        mut host: Option<String>,
        mut port: Option<u16>,
        parameters: &str,
    ) -> Result<(), ServerUrlError> {
        let mut socket = None;
        for parameter in parameters.split('&').filter(|one| !one.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(ServerUrlError::Parameter)?;
            let value = decoded(value, "parameter")?;
            match name {
                "host" => host = value,
                "port" => port = value.map(|port| port_of(&port)).transpose()?,
                "socket" => socket = value,
                "sslrootcert" => self.tls.authorities = value,
                "sslmode" => {
                    let mode = value.map(|mode| TlsMode::parse(&mode).ok_or(ServerUrlError::TlsMode));
                    self.tls.mode = mode.transpose()?;
                }
                _ => return Err(ServerUrlError::Parameter),
            }
        }
        self.place = match (socket, host) {
            (Some(path), _) => ServerPlace::Socket { path, port },
            (None, Some(path)) if path.starts_with('/') => ServerPlace::Socket { path, port },
            (None, Some(name)) => ServerPlace::Host { name, port },
            (None, None) if port.is_some() => ServerPlace::Host {
                name: "localhost".into(),
                port,
            },
            (None, None) => ServerPlace::Default,
        };
        Ok(())
    }
}

fn without_scheme(engine: ServerEngine, url: &str) -> Result<&str, ServerUrlError> {
    let schemes: &[&str] = match engine {
        ServerEngine::Postgresql => &["postgresql", "postgres"],
        ServerEngine::Mysql => &["mysql", "mariadb"],
    };
    let (scheme, rest) = url.split_once("://").ok_or(ServerUrlError::Scheme(engine.name()))?;
    // Drivers of some languages are named too: `postgresql+psycopg2`, `mysql+pymysql`.
    let kind = scheme.split('+').next().unwrap_or(scheme);
    match schemes.contains(&kind.to_ascii_lowercase().as_str()) {
        true => Ok(rest),
        false => Err(ServerUrlError::Scheme(engine.name())),
    }
}

fn host_and_port(place: &str) -> Result<(Option<String>, Option<u16>), ServerUrlError> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = port.map(|port| decoded(port, "port")).transpose()?.flatten();
    Ok((decoded(host, "host")?, port.map(|port| port_of(&port)).transpose()?))
}

fn port_of(text: &str) -> Result<u16, ServerUrlError> {
    let port = text.parse().map_err(|_| ServerUrlError::Port)?;
    if port == 0 { Err(ServerUrlError::Port) } else { Ok(port) }
}

/// None when it is empty.
fn decoded(text: &str, what: &'static str) -> Result<Option<String>, ServerUrlError> {
    let text = percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| ServerUrlError::NotText(what))?;
    if text.chars().any(char::is_control) {
        return Err(ServerUrlError::Control(what));
    }
    Ok(Some(text.into_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests;
