//! Why another server gave no answer, or said no.

use std::io;

use serde::Deserialize;

use super::ServerPlace;
use crate::tls::TlsError;

#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("{server} cannot be reached: {reason}")]
    Unreachable { server: ServerPlace, reason: String },
    /// Who it is cannot be told, or it does not let this client in.
    #[error("no trusted connection to {server}: {reason}")]
    Untrusted { server: ServerPlace, reason: String },
    #[error("what {server} answered is not what a NetLink server of this version says: {reason}")]
    Garbled { server: ServerPlace, reason: String },
    #[error("{}", .0.detail)]
    Refused(Box<Refused>),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the proxy for {server} cannot be used: {reason}")]
    Proxy { server: ServerPlace, reason: String },
}

/// A problem document (RFC 9457), as far as it is heeded.
#[derive(Debug, Clone, Deserialize)]
pub struct Refused {
    pub code: String,
    pub detail: String,
    /// What else it says.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

impl RemoteError {
    /// The same may do better in a moment.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            // The server is ending; the one behind a relay is not there, or has just gone.
            Self::Refused(refused) => matches!(refused.code.as_str(), "NL0720" | "NL0750" | "NL0754"),
            _ => false,
        }
    }

    pub(super) fn of(server: &ServerPlace, error: ureq::Error) -> Self {
        let server = server.clone();
        let reason = error.to_string();
        match error {
            ureq::Error::Io(e) => Self::of_io(server, &e),
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => Self::untrusted(server, &reason),
            ureq::Error::Timeout(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                Self::Unreachable { server, reason }
            }
            ureq::Error::BodyExceedsLimit(limit) => Self::Garbled {
                server,
                reason: format!("it is longer than {limit} bytes"),
            },
            _ => {
                let hint = match &server {
                    ServerPlace::Web {
                        is_encrypted: false, ..
                    } => "; if it speaks TLS, its address begins with `https://`",
                    _ => "",
                };
                Self::Garbled {
                    server,
                    reason: format!("{reason}{hint}"),
                }
            }
        }
    }

    pub(super) fn of_io(server: ServerPlace, error: &io::Error) -> Self {
        let reason = error.to_string();
        match error.kind() {
            // So TLS says that the other side is none to be trusted, or does not trust us.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::untrusted(server, &reason),
            _ => Self::Unreachable { server, reason },
        }
    }

    fn untrusted(server: ServerPlace, reason: &str) -> Self {
        let reason = in_words(reason).map_or_else(|| format!("{reason}{}", hint(reason)), str::to_owned);
        Self::Untrusted { server, reason }
    }
}

/// What the library says in its own names alone.
fn in_words(reason: &str) -> Option<&'static str> {
    reason.contains("CaUsedAsEndEntity").then_some(
        "its certificate is one of an authority (CA:TRUE), which a server may not show as its own; a plain `openssl req -x509` makes \
         such: make it anew with `-addext basicConstraints=critical,CA:FALSE`, and give `--ca` the new one",
    )
}

fn hint(reason: &str) -> &'static str {
    let asks_for_certificate = [
        "CertificateRequired",
        "HandshakeFailure",
        "CertificateUnknown",
        "DecryptError",
        "UnknownCA",
    ];
    if reason.contains("fatal alert") && asks_for_certificate.iter().any(|alert| reason.contains(alert)) {
        "; the server wants a certificate of an authority that it knows: `--client-certificate` and `--client-key`"
    } else if reason.contains("UnknownIssuer") {
        "; `--ca FILE` names the authority that has signed its certificate"
    } else if reason.contains("InvalidContentType") || reason.contains("corrupt message") {
        "; if it speaks no TLS, its address begins with `http://`"
    } else {
        ""
    }
}
