//! PEM files: chains of certificates, authorities, private keys.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;
use crate::disk;

/// Certificates of all authorities that a system knows are a quarter of it.
const LIMIT: u64 = 1 << 20;
/// Others on the machine may do nothing with a key, the group at most read it.
const TOO_OPEN: u32 = 0o027;

/// Those of a file, at least one, in its order.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = disk::read_limited(path, LIMIT)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|e| TlsError::file(path, e.to_string()))?;
    match found.is_empty() {
        true => Err(TlsError::file(path, "it has no certificate in PEM")),
        false => Ok(found),
    }
}

/// The certificates of a file as those that are trusted to sign others.
pub fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        let added = roots.add(certificate);
        added.map_err(|e| TlsError::file(path, e.to_string()))?;
    }
    Ok(roots)
}

/// The first private key of a file that is closed to others.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = disk::read_limited(path, LIMIT)?;
    let seen = std::fs::metadata(path).map_err(|e| TlsError::file(path, e.to_string()))?;
    let mode = seen.permissions().mode() & 0o7777;
    if mode & TOO_OPEN != 0 {
        return Err(TlsError::OpenToAll {
            path: path.to_path_buf(),
            mode,
        });
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|e| TlsError::file(path, format!("it has no private key in PEM: {e}")))
}
