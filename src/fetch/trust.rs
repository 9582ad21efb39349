//! Whom TLS trusts: the certificates of this machine, so that an organisation's own authority needs no setting here.

use std::sync::LazyLock;

use ureq::tls::{Certificate, RootCerts};

/// Read once; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others. A machine that keeps none trusts those of Mozilla.
static ROOTS: LazyLock<RootCerts> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    found.iter().map(|one| Certificate::from_der(one).to_owned()).into()
});

pub(super) fn roots() -> RootCerts {
    ROOTS.clone()
}
