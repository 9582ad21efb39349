//! Public keys as metadata lists them. Kinds that this version does not know are kept, and never verify anything.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TufError;
use super::json::canonical;
use super::model::Role;
use crate::crypt::{EcdsaKey, KeyIdentity, PublicKey, RsaKey, RsaPadding, digest_of};

const ED25519: &str = "ed25519";
const P256: &str = "ecdsa-sha2-nistp256";
const RSA_PSS: &str = "rsassa-pss-sha256";

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
    /// Kinds of other tools, such as those of single sign-on, have no public key but other fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Key {
    pub fn ed25519(public: &PublicKey) -> Self {
        Self {
            keytype: ED25519.into(),
            scheme: ED25519.into(),
            keyval: KeyValue {
                public: Some(public.to_string()),
                unknown: Map::new(),
            },
            unknown: Map::new(),
        }
    }

    /// A public key as other tools write it (PEM of X.509's `SubjectPublicKeyInfo`): Ed25519, ECDSA on P-256, or RSA.
    pub fn from_pem(pem: &str) -> Option<Self> {
        if let Some(key) = PublicKey::from_pem(pem) {
            return Some(Self::ed25519(&key));
        }
        let listed = |keytype: &str, scheme: &str| Self {
            keytype: keytype.into(),
            scheme: scheme.into(),
            keyval: KeyValue {
                public: Some(pem.trim().to_owned() + "\n"),
                unknown: Map::new(),
            },
            unknown: Map::new(),
        };
        let kinds = [listed("ecdsa", P256), listed("rsa", RSA_PSS)];
        kinds.into_iter().find(|key| key.verifier().is_some())
    }

    /// The SHA-256 of the key's canonical JSON. It is what the editor writes; the client takes the names that the root gives.
    pub fn id(&self) -> Result<String, TufError> {
        let malformed = |e: &dyn std::fmt::Display| TufError::malformed(Role::Root, e);
        let value = serde_json::to_value(self).map_err(|e| malformed(&e))?;
        Ok(digest_of(&canonical(&value).map_err(|e| malformed(&e))?).to_string())
    }

    /// The key itself, when it is an Ed25519 key, as NetLink's own are.
    pub fn public(&self) -> Option<PublicKey> {
        match self.verifier()? {
            Verifier::Ed25519(key) => Some(key),
            Verifier::Ecdsa(_) | Verifier::Rsa(_) => None,
        }
    }

    /// What verifies with this key; none for a kind that is not known here, or a key that is none.
    pub fn verifier(&self) -> Option<Verifier> {
        let public = self.keyval.public.as_deref()?;
        match (self.keytype.as_str(), self.scheme.as_str()) {
            (ED25519, ED25519) => public.parse().ok().map(Verifier::Ed25519),
            // Older tools name the curve as the type, too.
            ("ecdsa" | P256, P256) => EcdsaKey::from_pem(public).map(Verifier::Ecdsa),
            ("rsa", RSA_PSS) => RsaKey::from_pem(public, RsaPadding::Pss).map(Verifier::Rsa),
            // Not a scheme of the specification, but one that its reference implementation offers.
            ("rsa", "rsa-pkcs1v15-sha256") => RsaKey::from_pem(public, RsaPadding::Pkcs1v15).map(Verifier::Rsa),
            _ => None,
        }
    }
}

/// A key that can be asked whether a signature is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    Ed25519(PublicKey),
    Ecdsa(EcdsaKey),
    Rsa(RsaKey),
}

impl Verifier {
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => key.verify(message, signature),
            Self::Ecdsa(key) => key.verify(message, signature),
            Self::Rsa(key) => key.verify(message, signature),
        }
    }

    /// Thresholds count these: a key listed under two names, or with two schemes, signs once.
    pub fn identity(&self) -> KeyIdentity {
        match self {
            Self::Ed25519(key) => key.to_string().into_bytes(),
            Self::Ecdsa(key) => key.identity(),
            Self::Rsa(key) => key.identity(),
        }
    }
}
