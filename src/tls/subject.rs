//! Whom a certificate is for.

use rustls::ServerConnection;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Longer ones are cut: they are written down with every request.
const LIMIT: usize = 200;

/// Whom the certificate is for that the client of this connection has shown.
pub fn client(connection: &ServerConnection) -> Option<String> {
    let shown = connection.peer_certificates()?.first()?;
    Some(subject(shown).unwrap_or_else(|| "unreadable".to_owned()))
}

/// The subject as RFC 4514 writes it, e.g. `CN=operator,O=Example`; none for a certificate that is not understood.
fn subject(certificate: &CertificateDer<'_>) -> Option<String> {
    let parsed = Certificate::from_der(certificate).ok()?;
    let told = parsed.tbs_certificate.subject.to_string();
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    Some(told.chars().map(shown).take(LIMIT).collect())
}
