//! What the doors show in TLS, and whom they let in by certificate; taken up anew while the server runs.

use std::sync::Arc;

use rustls::ServerConfig;

use super::say::{say, say_warning};
use crate::app::{AppError, Finding, Result};
use crate::settings;
use crate::tls::{self, Files, ServerTls};

/// Of one server, whatever its doors; none where it speaks in the clear.
pub struct Certificate(Option<Arc<ServerTls>>);

impl Certificate {
    /// As the settings say.
    pub fn load(wanted: &settings::Tls) -> Result<Self> {
        let (Some(certificate), Some(key)) = (wanted.certificate.clone(), wanted.key.clone()) else {
            return Ok(Self(None));
        };
        let client_ca = wanted.client_ca.clone();
        let loaded = ServerTls::load(Files {
            certificate,
            key,
            client_ca,
        });
        Ok(Self(Some(Arc::new(loaded.map_err(|e| AppError::below("NL0739", &e))?))))
    }

    /// For a door that speaks these protocols (ALPN), best first; none where it speaks in the clear.
    pub fn config(&self, protocols: &[&str]) -> Result<Option<ServerConfig>> {
        let config = self.0.as_ref().map(|tls| tls.config(protocols));
        config.transpose().map_err(|e| AppError::below("NL0739", &e))
    }

    /// Looks at the files every few seconds, and at once when SIGHUP says so.
    pub fn follow(&self) -> Result<()> {
        tls::follow(self.0.clone(), say, say_warning).map_err(|e| AppError::below("NL0704", &e))
    }

    /// What an administrator should see to.
    pub fn trouble(&self) -> Option<Finding> {
        let why = self.0.as_ref()?.trouble()?;
        Some(Finding {
            outline: tls::kept("the new one cannot be used; the server's log says why [NL0739]"),
            detail: tls::kept(&why),
        })
    }
}
