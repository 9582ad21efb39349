//! Digests of a file by their kinds, as metadata writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypt::{Digest, digest_of, sha512_hex};

const SHA256: &str = "sha256";
const SHA512: &str = "sha512";

/// Nearly always one: a vector takes a tenth of what a map does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hashes(Vec<(Kind, Box<str>)>);

/// Those that are known here take no memory of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Kind(Cow<'static, str>);

impl Hashes {
    pub fn of_sha256(digest: Digest) -> Self {
        Self(vec![(Kind(SHA256.into()), digest.to_string().into())])
    }

    pub fn sha256(&self) -> Option<&str> {
        self.get(SHA256)
    }

    pub fn sha512(&self) -> Option<&str> {
        self.get(SHA512)
    }

    fn get(&self, kind: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known.0 == kind);
        found.map(|(_, digest)| &**digest)
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

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kind, digest)| (kind, digest)))
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HashesVisitor)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KindVisitor)
    }
}

struct HashesVisitor;

impl<'de> Visitor<'de> for HashesVisitor {
    type Value = Hashes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("digests by their kinds")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Hashes, A::Error> {
        let mut all = Vec::with_capacity(1);
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        all.sort();
        Ok(Hashes(all))
    }
}

struct KindVisitor;

impl Visitor<'_> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind of digest")
    }

    fn visit_str<E>(self, kind: &str) -> Result<Kind, E> {
        Ok(Kind(match kind {
            SHA256 => SHA256.into(),
            SHA512 => SHA512.into(),
            other => other.to_owned().into(),
        }))
    }
}
