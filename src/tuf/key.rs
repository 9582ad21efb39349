//! Public keys as metadata lists them. Kinds that this version does not know are kept, and never verify anything.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TufError;
use super::json::canonical;
use super::model::Role;
use crate::crypt::{PublicKey, digest_of};

const ED25519: &str = "ed25519";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub keytype: String,
    pub scheme: String,
    pub keyval: KeyValue,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    pub public: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Key {
    pub fn ed25519(public: &PublicKey) -> Self {
        Self {
            keytype: ED25519.into(),
            scheme: ED25519.into(),
            keyval: KeyValue {
                public: public.to_string(),
                unknown: Map::new(),
            },
            unknown: Map::new(),
        }
    }

    /// The SHA-256 of the key's canonical JSON. It is what the editor writes; the client takes the names that the root gives.
    pub fn id(&self) -> Result<String, TufError> {
        let malformed = |e: &dyn std::fmt::Display| TufError::malformed(Role::Root, e);
        let value = serde_json::to_value(self).map_err(|e| malformed(&e))?;
        Ok(digest_of(&canonical(&value).map_err(|e| malformed(&e))?).to_string())
    }

    /// The key itself, when it is of a kind known here. Thresholds count these: a key listed under two names signs once.
    pub fn public(&self) -> Option<PublicKey> {
        let known = self.keytype == ED25519 && self.scheme == ED25519;
        known.then(|| self.keyval.public.parse().ok()).flatten()
    }
}
