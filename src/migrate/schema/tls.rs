//! Whom an encrypted connection to a database server trusts, as its URL says (`sslmode`, `sslrootcert`), in the words of its tools.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::error::{Refused, StepError, told};
use crate::disk;
use crate::release::{ServerTls, TlsMode};

/// Certificates of all authorities that a system knows are a quarter of it.
const LIMIT: u64 = 1 << 20;
/// Where systems keep those that they trust.
const BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Never,
    IfItCan,
    Always,
}

/// What is looked at of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Nothing,
    Authority,
    AuthorityAndName,
}

/// Encrypted where it can be unless something else is said.
pub(super) fn wish(tls: &ServerTls) -> Wish {
    match tls.mode {
        Some(TlsMode::Disable) => Wish::Never,
        None | Some(TlsMode::Prefer) => Wish::IfItCan,
        Some(TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => Wish::Always,
    }
}

pub(super) fn look(tls: &ServerTls) -> Look {
    match tls.mode {
        None | Some(TlsMode::Disable | TlsMode::Prefer | TlsMode::Require) => Look::Nothing,
        Some(TlsMode::VerifyCa) => Look::Authority,
        Some(TlsMode::VerifyFull) => Look::AuthorityAndName,
    }
}

/// The file with the certificates of the authorities that are trusted: the URL's, else the system's.
pub(super) fn bundle(tls: &ServerTls) -> Result<PathBuf, StepError> {
    let named = tls.authorities.as_ref().filter(|name| *name != "system");
    let path = match named {
        // The tools run there.
        Some(name) => Some(Path::new("/").join(name)),
        None => BUNDLES.iter().map(PathBuf::from).find(|path| path.exists()),
    };
    path.ok_or_else(|| {
        Refused::other("this system keeps no certificates of authorities: name a file with `sslrootcert`")
    })
}

/// For a client that does all of TLS by itself.
pub(super) fn client(tls: &ServerTls) -> Result<ClientConfig, StepError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match look(tls) {
        Look::Nothing => Arc::new(Anybody(Arc::clone(&provider))),
        Look::Authority => Arc::new(AnyName(verifier(tls, &provider)?)),
        Look::AuthorityAndName => verifier(tls, &provider)?,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Refused::other(told(&e)))?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn verifier(tls: &ServerTls, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, StepError> {
    let path = bundle(tls)?;
    let unusable = |why: String| {
        Refused::other(format!(
            "{} has no certificate that can be trusted: {why}",
            path.display()
        ))
    };
    let pem = disk::read_limited(&path, LIMIT).map_err(|e| unusable(told(&e)))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| unusable(told(&e)))?;
        // A system's bundle may have some that nobody can read any more.
        roots.add_parsable_certificates([certificate]);
    }
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    built.map_err(|e| unusable(told(&e)))
}

/// Nothing is known of who answers, only that nobody else listens.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate of one of the authorities, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(certificate, between, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
