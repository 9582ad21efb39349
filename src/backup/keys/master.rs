//! The master key, what is derived from it, and the ring of the current and the older ones.
//!
//! What chunks are named and cut by is a key of its own that no rotation changes: names stand only where they are sealed, and with
//! other names everything would be written again.

use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypt::{Hasher, Secret, random};

pub const LENGTH: usize = 32;

/// 32 random bytes that all of a repository hangs on. No byte of it is ever used as a key itself.
#[derive(Debug, Clone)]
pub struct Master(Secret);

/// Tells one master key from another without telling anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 8]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the fingerprint of a key: expected 16 hex digits")]
pub struct FingerprintError(String);

/// The key that new files are sealed with, the older ones that files of before a rotation still need, and the chunks' own.
#[derive(Debug, Clone)]
pub struct Keyring {
    current: Master,
    older: Vec<Master>,
    chunks: ChunkKey,
    /// Of keys that were on the ring after the older ones, and are needed no more.
    forgotten: Vec<Fingerprint>,
}

/// 32 random bytes that chunks are named and cut by.
#[derive(Debug, Clone)]
pub struct ChunkKey(Secret);

impl ChunkKey {
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random::<LENGTH>());
        Self(Secret::new(bytes.to_vec()))
    }

    /// None unless it is as long as a key is.
    pub fn from_secret(secret: Secret) -> Option<Self> {
        (secret.expose().len() == LENGTH).then_some(Self(secret))
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// A key for one purpose.
    pub fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        derive(&self.0, b"", purpose)
    }
}

impl Master {
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random::<LENGTH>());
        Self(Secret::new(bytes.to_vec()))
    }

    /// None unless it is as long as a key is.
    pub fn from_secret(secret: Secret) -> Option<Self> {
        (secret.expose().len() == LENGTH).then_some(Self(secret))
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }

    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = Hasher::default();
        hasher.update(b"netlink backup key fingerprint\n");
        hasher.update(self.0.expose());
        let mut mark = [0; 8];
        mark.copy_from_slice(&hasher.finish().as_bytes()[..8]);
        Fingerprint(mark)
    }

    /// A key for one purpose: HKDF-SHA256 of the master key, `salt` and `purpose`.
    pub fn derive(&self, salt: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        derive(&self.0, salt, purpose)
    }
}

fn derive(secret: &Secret, salt: &[u8], purpose: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    match Hkdf::<Sha256>::new(Some(salt), secret.expose()).expand(purpose, key.as_mut()) {
        Ok(()) => key,
        Err(_) => unreachable!("HKDF gives up to 8160 bytes (RFC 5869)"),
    }
}

impl Keyring {
    pub fn generate() -> Self {
        Self::new(Master::generate(), Vec::new(), ChunkKey::generate(), Vec::new())
    }

    pub fn new(current: Master, older: Vec<Master>, chunks: ChunkKey, forgotten: Vec<Fingerprint>) -> Self {
        Self {
            current,
            older,
            chunks,
            forgotten,
        }
    }

    /// With a new key in front.
    pub fn rotated(&self) -> Self {
        let older = std::iter::once(&self.current).chain(&self.older).cloned().collect();
        Self {
            current: Master::generate(),
            older,
            ..self.clone()
        }
    }

    /// With no more than the first so many keys; of the others it knows that they were there.
    pub fn without_all_after(&self, keys: usize) -> Self {
        let mut shorter = self.clone();
        let gone = shorter.older.split_off(keys.saturating_sub(1).min(self.older.len()));
        let gone = gone.iter().map(Master::fingerprint);
        shorter.forgotten = gone.chain(self.forgotten.iter().copied()).collect();
        shorter
    }

    pub fn chunks(&self) -> &ChunkKey {
        &self.chunks
    }

    pub fn forgotten(&self) -> &[Fingerprint] {
        &self.forgotten
    }

    pub fn current(&self) -> &Master {
        &self.current
    }

    pub fn older(&self) -> &[Master] {
        &self.older
    }

    /// The key of this fingerprint, if it is on the ring.
    pub fn find(&self, mark: Fingerprint) -> Option<&Master> {
        let mut all = std::iter::once(&self.current).chain(&self.older);
        all.find(|one| one.fingerprint() == mark)
    }
}

impl Fingerprint {
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }

    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 8];
        let right = hex::decode_to_slice(text, &mut bytes).is_ok() && hex::encode(bytes) == text;
        if right {
            return Ok(Self(bytes));
        }
        Err(FingerprintError(text.to_owned()))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(mark: Fingerprint) -> Self {
        mark.to_string()
    }
}
