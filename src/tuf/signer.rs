//! Whoever can sign with one key, wherever that key is kept.

use std::error::Error;

use super::Key;
use crate::crypt::SigningKey;

/// Why a signature could not be made.
pub type SignerError = Box<dyn Error + Send + Sync>;

pub trait Signer {
    /// The public half, as metadata lists it.
    fn key(&self) -> Key;

    /// What is given is not believed before it verifies with [`Signer::key`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError>;
}

impl Signer for SigningKey {
    fn key(&self) -> Key {
        Key::ed25519(&self.public())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(SigningKey::sign(self, message).to_vec())
    }
}
