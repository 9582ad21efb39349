//! Why a relay does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::tls::TlsError;

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("cannot listen at {at}; `{option}` names another address")]
    Listen {
        at: SocketAddr,
        option: &'static str,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "a relay has no rights, and this one would run as root: start it as a user of its own (`server.relay_user`)"
    )]
    AsRoot,
    #[error(
        "a relay has no rights, and this one would run as the user of {}, who is let in there without a token: start it as a user of \
         its own (`server.relay_user`)",
        .0.display()
    )]
    AsTheServer(PathBuf),
    #[error("the relay cannot give up what it does not need")]
    Confine(#[source] io::Error),
    #[error("the relay cannot begin")]
    Run(#[source] io::Error),
}

impl RelayError {
    /// Of the one table.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } | Self::Run(_) | Self::Confine(_) => "NL0704",
            Self::Tls(_) => "NL0739",
            Self::AsRoot | Self::AsTheServer(_) => "NL0752",
        }
    }
}
