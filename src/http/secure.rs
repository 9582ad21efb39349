//! The door in TLS: what is kept of each connection, who is at its other end, and that browsers come back in TLS alone.

use std::any::Any;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::{Error, HttpRequest};

use crate::tls::{self, STRICT, is_strict_at};

/// What this door speaks. Not HTTP/2, of which the framework below limits neither heads nor requests at once.
pub const PROTOCOLS: [&str; 1] = ["http/1.1"];
const HSTS: HeaderValue = HeaderValue::from_static(STRICT);

/// Of a connection in TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Encrypted {
    /// Whom the client's certificate is for.
    client: Option<String>,
    is_strict: bool,
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
    let local = plain.local_addr().map(|address| address.ip());
    known.insert(Encrypted {
        client: tls::client(session),
        is_strict: local.map_or(true, is_strict_at),
    });
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
    let insists = encrypted.is_some_and(|encrypted| encrypted.is_strict);
    let mut answer = next.call(request).await?;
    if insists {
        answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    Ok(answer)
}
