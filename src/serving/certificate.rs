//! What the doors show in TLS, and whom they let in by certificate; taken up anew while the server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustls::ServerConfig;

use super::say::say;
use crate::app::{AppError, Result};
use crate::settings;
use crate::tls::{Files, Looked, ServerTls};

/// How late new files may be noticed without a SIGHUP.
const LOOK_EVERY: Duration = Duration::from_secs(2);

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
        let Some(tls) = self.0.clone() else { return Ok(()) };
        let failed = |e: std::io::Error| AppError::below("NL0704", &e);
        let told = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&told)).map_err(failed)?;
        let look = move || {
            loop {
                let was_told = wait(&told);
                match tls.look(was_told) {
                    Looked::AsBefore => {}
                    Looked::TakenUp => say("the TLS certificate was read anew and holds from now on"),
                    Looked::Broken(why) => say(&kept(&why)),
                }
            }
        };
        let spawned = thread::Builder::new().name("certificates".into()).spawn(look);
        spawned.map(drop).map_err(failed)
    }

    /// What an administrator should see to.
    pub fn trouble(&self) -> Option<String> {
        self.0.as_ref()?.trouble().map(|why| kept(&why))
    }
}

fn kept(why: &str) -> String {
    format!("the TLS certificate stays as it was: {why}")
}

/// Until it is time, or told; whether it was told.
fn wait(told: &AtomicBool) -> bool {
    const PART: Duration = Duration::from_millis(100);
    let mut left = LOOK_EVERY;
    while !left.is_zero() {
        if told.swap(false, Ordering::SeqCst) {
            return true;
        }
        thread::sleep(PART);
        left = left.saturating_sub(PART);
    }
    false
}
