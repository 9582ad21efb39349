//! The door in TLS: what is kept of each connection, who is at its other end, and certificates that change while the server runs.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::{Error, HttpRequest};

use super::work::say;
use crate::app::{self, AppError};
use crate::settings;
use crate::tls::{Files, Looked, ServerTls, subject};

/// Best first.
const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];
/// How late new files may be noticed without a SIGHUP.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Browsers ask in TLS alone from then on.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What the server shows now; none where it speaks in the clear.
pub struct Certificate(pub Option<Arc<ServerTls>>);

/// Of a connection in TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Encrypted {
    /// Whom the client's certificate is for.
    client: Option<String>,
    is_on_loopback: bool,
}

/// As the settings say; none where the server speaks in the clear.
pub fn load(wanted: &settings::Tls) -> app::Result<Option<Arc<ServerTls>>> {
    let (Some(certificate), Some(key)) = (wanted.certificate.clone(), wanted.key.clone()) else {
        return Ok(None);
    };
    let client_ca = wanted.client_ca.clone();
    let loaded = ServerTls::load(Files {
        certificate,
        key,
        client_ca,
    });
    Ok(Some(Arc::new(loaded.map_err(|e| AppError::below("NL0739", &e))?)))
}

pub fn config(tls: &ServerTls) -> app::Result<rustls::ServerConfig> {
    tls.config(&PROTOCOLS).map_err(|e| AppError::below("NL0739", &e))
}

/// Looks at the files every few seconds, and at once when SIGHUP says so.
pub fn follow(tls: &Arc<ServerTls>) -> std::io::Result<()> {
    let told = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::clone(&told))?;
    let tls = Arc::clone(tls);
    let look = move || {
        loop {
            let was_told = wait(&told);
            match tls.look(was_told) {
                Looked::AsBefore => {}
                Looked::TakenUp => say("the TLS certificate was read anew and holds from now on"),
                Looked::Broken(why) => say(&format!("the TLS certificate stays as it was: {why}")),
            }
        }
    };
    thread::Builder::new().name("certificates".into()).spawn(look).map(drop)
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

/// The connection below TLS, where there is TLS.
pub fn plain(connection: &dyn Any) -> Option<&TcpStream> {
    let encrypted = connection.downcast_ref::<TlsStream<TcpStream>>();
    encrypted.map(|stream| stream.get_ref().0)
}

/// Keeps of a connection what its requests need to know.
pub fn note(connection: &dyn Any, known: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else {
        return;
    };
    let (plain, session) = stream.get_ref();
    let shown = session.peer_certificates().and_then(<[_]>::first);
    let local = plain.local_addr().map(|address| address.ip());
    known.insert(Encrypted {
        client: shown.map(|certificate| subject(certificate).unwrap_or_else(|| "unreadable".to_owned())),
        is_on_loopback: local.is_ok_and(is_loopback),
    });
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whom the certificate is for that the client has shown.
pub fn client(request: &HttpRequest) -> Option<String> {
    request.conn_data::<Encrypted>()?.client.clone()
}

/// Has browsers come back in TLS alone; not on loopback, where other servers answer in the clear under the same name.
pub async fn insist(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let encrypted = request.request().conn_data::<Encrypted>();
    let insists = encrypted.is_some_and(|encrypted| !encrypted.is_on_loopback);
    let mut answer = next.call(request).await?;
    if insists {
        answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    Ok(answer)
}

impl Certificate {
    /// What an administrator should see to.
    pub fn trouble(&self) -> Option<String> {
        let why = self.0.as_ref()?.trouble()?;
        Some(format!("the TLS certificate stays as it was: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_in_all_its_forms() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("192.0.2.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
