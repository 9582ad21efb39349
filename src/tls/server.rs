//! The server's side: a configuration for whoever accepts connections, and files that are looked at again.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

use super::current::Current;
use super::{TlsError, authorities, certificates, private_key};

/// Where certificate, key and the authorities of clients lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Only clients with a certificate of one of these are let in.
    pub client_ca: Option<PathBuf>,
}

/// What a look at the files came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    AsBefore,
    TakenUp,
    /// What was taken up last still holds.
    Broken(String),
}

pub struct ServerTls {
    files: Files,
    key: Arc<Current<CertifiedKey>>,
    clients: Option<Arc<Current<dyn ClientCertVerifier>>>,
    seen: Mutex<Seen>,
}

struct Seen {
    marks: Vec<Mark>,
    /// Why the files as they are now are not taken up.
    trouble: Option<String>,
}

/// Changes with each new file, and with each change of an old one.
type Mark = Result<(u64, u64, i64, i64, u64), io::ErrorKind>;

struct Loaded {
    key: Arc<CertifiedKey>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl ServerTls {
    pub fn load(files: Files) -> Result<Self, TlsError> {
        // Before reading: what changes meanwhile is looked at again.
        let marks = files.marks();
        let loaded = files.read()?;
        Ok(Self {
            key: Arc::new(Current::new(loaded.key)),
            clients: loaded.clients.map(|clients| Arc::new(Current::new(clients))),
            files,
            seen: Mutex::new(Seen { marks, trouble: None }),
        })
    }

    /// For a door that speaks these protocols (ALPN), best first.
    pub fn config(&self, protocols: &[&str]) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|e| TlsError::file(&self.files.certificate, e.to_string()))?;
        let builder = match &self.clients {
            Some(clients) => builder.with_client_cert_verifier(Arc::clone(clients) as Arc<dyn ClientCertVerifier>),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.key) as _);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        if self.clients.is_some() {
            // A connection that is resumed would not be asked for its certificate again.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    /// Takes the files up when one has changed since the last look, or when told to in any case.
    pub fn look(&self, in_any_case: bool) -> Looked {
        let marks = self.files.marks();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.marks == marks && !in_any_case {
            return Looked::AsBefore;
        }
        seen.marks = marks;
        match self.files.read() {
            Ok(loaded) => {
                self.key.set(loaded.key);
                if let (Some(current), Some(new)) = (&self.clients, loaded.clients) {
                    current.set(new);
                }
                seen.trouble = None;
                Looked::TakenUp
            }
            Err(error) => {
                let told = told(&error);
                seen.trouble = Some(told.clone());
                Looked::Broken(told)
            }
        }
    }

    /// Why the files as they are now do not hold; none when they do.
    pub fn trouble(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }
}

impl Files {
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    fn marks(&self) -> Vec<Mark> {
        let mark = |path: &Path| {
            let seen = std::fs::metadata(path).map_err(|e| e.kind())?;
            Ok((seen.dev(), seen.ino(), seen.mtime(), seen.mtime_nsec(), seen.len()))
        };
        self.all().map(mark).collect()
    }

    fn read(&self) -> Result<Loaded, TlsError> {
        let chain = certificates(&self.certificate)?;
        let provider = provider();
        let key = CertifiedKey::from_der(chain, private_key(&self.key)?, &provider);
        let key = key.map_err(|e| TlsError::NoPair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason: e.to_string(),
        })?;
        let clients = self.client_ca.as_deref().map(|path| {
            let roots = Arc::new(authorities(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            let verifier = verifier.map_err(|e| TlsError::file(path, e.to_string()))?;
            Ok::<_, TlsError>(verifier as Arc<dyn ClientCertVerifier>)
        });
        Ok(Loaded {
            key: Arc::new(key),
            clients: clients.transpose()?,
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
