//! Public keys of the kinds that other signing tools use: ECDSA on P-256 and RSA, both as PEM (X.509 `SubjectPublicKeyInfo`).
//! They only verify here; NetLink itself signs with Ed25519.
//!
//! RSA is verified by ring, which is in the program already for TLS: the crate `rsa` has an open advisory (RUSTSEC-2023-0071).

#[cfg(test)]
mod tests;

use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use pkcs8::der::{Decode as _, Document};
use pkcs8::spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey};

const PEM_LABEL: &str = "PUBLIC KEY";
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The name of a key without regard to how its text was written: line ends, white space, the scheme it is listed with.
pub type KeyIdentity = Vec<u8>;

/// A point on P-256; signatures over SHA-256, DER-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcdsaKey(p256::ecdsa::VerifyingKey);

impl EcdsaKey {
    /// None for what is not PEM of a valid point on this very curve.
    pub fn from_pem(pem: &str) -> Option<Self> {
        let der = public_key_der(pem)?;
        p256::ecdsa::VerifyingKey::from_public_key_der(der.as_bytes())
            .ok()
            .map(Self)
    }

    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        p256::ecdsa::Signature::from_der(signature).is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
    }

    pub fn identity(&self) -> KeyIdentity {
        [b"p256".as_slice(), self.0.to_sec1_point(true).as_bytes()].concat()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaPadding {
    /// Salt as long as the digest.
    Pss,
    Pkcs1v15,
}

/// An RSA key of 2048 to 8192 bits; signatures over SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaKey {
    /// `RSAPublicKey` of PKCS#1 in DER.
    key: Vec<u8>,
    padding: RsaPadding,
}

impl RsaKey {
    pub fn from_pem(pem: &str, padding: RsaPadding) -> Option<Self> {
        let der = public_key_der(pem)?;
        let listed = SubjectPublicKeyInfoRef::from_der(der.as_bytes()).ok()?;
        if listed.algorithm.oid != RSA_ENCRYPTION {
            return None;
        }
        let key = listed.subject_public_key.as_bytes()?.to_vec();
        Some(Self { key, padding })
    }

    /// False too for keys that are too short or have an exponent that nobody uses: ring refuses them.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let rules: &'static RsaParameters = match self.padding {
            RsaPadding::Pss => &RSA_PSS_2048_8192_SHA256,
            RsaPadding::Pkcs1v15 => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(rules, &self.key)
            .verify(message, signature)
            .is_ok()
    }

    pub fn identity(&self) -> KeyIdentity {
        [b"rsa".as_slice(), &self.key].concat()
    }
}

fn public_key_der(pem: &str) -> Option<Document> {
    let (label, der) = Document::from_pem(pem.trim()).ok()?;
    (label == PEM_LABEL).then_some(der)
}
