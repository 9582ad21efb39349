//! Digests of a file by their kinds, as metadata writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::crypt::{Digest, digest_of, sha512_hex};

const SHA256: &str = "sha256";
const SHA512: &str = "sha512";

/// Nearly always one: a vector takes a tenth of what a map does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Hashes(Vec<(String, String)>);

impl Hashes {
    pub fn of_sha256(digest: Digest) -> Self {
        Self(vec![(SHA256.to_owned(), digest.to_string())])
    }

    pub fn sha256(&self) -> Option<&str> {
        self.get(SHA256)
    }

    pub fn sha512(&self) -> Option<&str> {
        self.get(SHA512)
    }

    fn get(&self, kind: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == kind);
        found.map(|(_, digest)| digest.as_str())
    }

    /// The kind of the first one that `bytes` do not have. Every digest that is known here must be right, and one must be
    /// known: unknown kinds prove nothing.
    pub fn difference(&self, bytes: &[u8]) -> Option<&'static str> {
        let (sha256, sha512) = (self.sha256(), self.sha512());
        if sha256.is_some_and(|hash| *hash != digest_of(bytes).to_string()) {
            return Some("SHA-256");
        }
        if sha512.is_some_and(|hash| *hash != sha512_hex(bytes)) {
            return Some("SHA-512");
        }
        (sha256.is_none() && sha512.is_none()).then_some("kind of digest")
    }
}

impl From<BTreeMap<String, String>> for Hashes {
    fn from(all: BTreeMap<String, String>) -> Self {
        Self(all.into_iter().collect())
    }
}

impl From<Hashes> for BTreeMap<String, String> {
    fn from(hashes: Hashes) -> Self {
        hashes.0.into_iter().collect()
    }
}
