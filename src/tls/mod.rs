//! TLS: certificates and keys in PEM files, what a server shows and asks for, and taking up new files while it runs.

mod current;
mod error;
mod pem;
mod server;
mod subject;

pub use error::TlsError;
pub use pem::{authorities, certificates, private_key};
pub use server::{Files, Looked, ServerTls};
pub use subject::client;
