//! TLS: certificates and keys in PEM files, what a server shows and asks for, and taking up new files while it runs.

mod current;
mod error;
mod follow;
mod pem;
mod server;
mod strict;
mod subject;

pub use error::TlsError;
pub use follow::{follow, kept};
pub use pem::{authorities, certificates, private_key};
pub use server::{Files, Looked, ServerTls};
pub use strict::{STRICT, is_strict_at};
pub use subject::client;
