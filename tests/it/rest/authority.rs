//! Certificates of one's own authorities, and a server that shows them.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use ureq::tls::{Certificate, ClientCert, PrivateKey, TlsConfig};

use crate::world::{Installation, put};

/// An authority with a folder for what it signs.
pub struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    pub pem: PathBuf,
}

/// Files of one certificate.
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, dir.to_str().unwrap());
        let key = KeyPair::generate().unwrap();
        let pem = dir.join("ca.pem");
        fs::write(&pem, params.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            dir: dir.to_path_buf(),
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    pub fn signs(&self, name: &str, host: &str) -> Pair {
        self.signs_until(name, host, 2199)
    }

    pub fn signs_until(&self, name: &str, host: &str, year: i32) -> Pair {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let pair = Pair {
            certificate: self.dir.join(format!("{name}.pem")),
            key: self.dir.join(format!("{name}.key")),
        };
        put(&pair.certificate, &certificate.pem(), 0o644);
        put(&pair.key, &key.serialize_pem(), 0o600);
        pair
    }
}

/// A certificate that has signed itself: as one of an authority, or as that of a server alone.
pub fn self_signed(dir: &Path, name: &str, host: &str, is_ca: IsCa) -> Pair {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    let pair = Pair {
        certificate: dir.join(format!("{name}.pem")),
        key: dir.join(format!("{name}.key")),
    };
    put(&pair.certificate, &params.self_signed(&key).unwrap().pem(), 0o644);
    put(&pair.key, &key.serialize_pem(), 0o600);
    pair
}

/// Has the installation's server show this pair, and ask for certificates of these authorities.
pub fn shows(installation: &Installation, pair: &Pair, client_ca: Option<&Path>) {
    let client_ca = client_ca.map(|path| format!(", client_ca: '{}'", path.display()));
    let text = format!(
        "server: {{changes_per_minute: 0, tls: {{certificate: '{}', key: '{}'{}}}}}\n",
        pair.certificate.display(),
        pair.key.display(),
        client_ca.unwrap_or_default()
    );
    put(&installation.path("config/update.yml"), &text, 0o644);
}

/// A client that trusts this authority, with a certificate of its own or without.
pub fn trusting(ca: &Path, own: Option<&Pair>) -> TlsConfig {
    let roots = [Certificate::from_pem(&fs::read(ca).unwrap()).unwrap()];
    let own = own.map(|pair| {
        let chain = [Certificate::from_pem(&fs::read(&pair.certificate).unwrap()).unwrap()];
        ClientCert::new_with_certs(&chain, PrivateKey::from_pem(&fs::read(&pair.key).unwrap()).unwrap())
    });
    let roots = ureq::tls::RootCerts::new_with_certs(&roots);
    TlsConfig::builder().root_certs(roots).client_cert(own).build()
}
