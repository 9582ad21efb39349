//! Ed25519 signing keys, kept as PKCS#8 PEM that OpenSSL reads too.
//!
//! PKCS#8 version 1, thus without the public half: OpenSSL 3.0 does not read version 2. The scrypt cost is 2^14 because
//! OpenSSL refuses more than 32 MiB of memory for a key file, which 2^15 is over.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use pkcs8::der::pem::PemLabel as _;
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Secret, random};

const SCRYPT_LOG_N: u8 = 14;
const SCRYPT_R: u32 = 8;
const SCRYPT_P: u32 = 1;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key is encrypted and no passphrase was given")]
    PassphraseNeeded,
    #[error("the passphrase does not open the key, or the key is damaged")]
    WrongPassphrase,
    #[error("not an Ed25519 private key in PKCS#8 PEM")]
    Malformed(#[source] pkcs8::Error),
    #[error("cannot write the key as PKCS#8 PEM")]
    Encode(#[source] pkcs8::Error),
    #[error("`{0}` is not an Ed25519 public key: expected 64 hex digits of a point on the curve")]
    PublicKey(String),
}

/// The half that signs. Wiped from memory when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    pub fn generate() -> Self {
        let seed = Zeroizing::new(random::<32>());
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    /// PEM text; encrypted (scrypt, AES-256-CBC) when there is a passphrase.
    pub fn to_pem(&self, passphrase: Option<&Secret>) -> Result<Secret, KeyError> {
        let bare = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        let der = bare.to_pkcs8_der().map_err(KeyError::Encode)?;
        let (label, der) = match passphrase {
            None => (PrivateKeyInfoRef::PEM_LABEL, der),
            Some(passphrase) => {
                let sealed = seal(der.as_bytes(), passphrase).map_err(KeyError::Encode)?;
                (EncryptedPrivateKeyInfoRef::PEM_LABEL, sealed)
            }
        };
        let pem = der
            .to_pem(label, LineEnding::LF)
            .map_err(|e| KeyError::Encode(e.into()))?;
        Ok(Secret::new(pem.as_bytes().to_vec()))
    }

    /// Reads what [`SigningKey::to_pem`] or `openssl genpkey -algorithm ed25519` wrote.
    pub fn from_pem(pem: &str, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let (label, der) = pkcs8::SecretDocument::from_pem(pem).map_err(|e| KeyError::Malformed(e.into()))?;
        if label != EncryptedPrivateKeyInfoRef::PEM_LABEL {
            PrivateKeyInfoRef::validate_pem_label(label).map_err(|e| KeyError::Malformed(e.into()))?;
            let key = ed25519_dalek::SigningKey::from_pkcs8_der(der.as_bytes()).map_err(KeyError::Malformed)?;
            return Ok(Self(key));
        }
        let passphrase = passphrase.ok_or(KeyError::PassphraseNeeded)?;
        let sealed = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(KeyError::Malformed)?;
        let bare = sealed
            .decrypt(passphrase.expose())
            .map_err(|_| KeyError::WrongPassphrase)?;
        let key = ed25519_dalek::SigningKey::from_pkcs8_der(bare.as_bytes()).map_err(|_| KeyError::WrongPassphrase)?;
        Ok(Self(key))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

/// The half that everyone may know; 64 hex digits in text.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Whether `signature` is this key's over `message`; strict, so that no second signature passes for the same message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError::PublicKey(text.to_owned());
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| wrong())?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| wrong())?;
        Ok(Self(key))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

fn seal(der: &[u8], passphrase: &Secret) -> Result<pkcs8::SecretDocument, pkcs8::Error> {
    let cost = scrypt::Params::new(SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P).map_err(|_| pkcs8::Error::ParametersMalformed)?;
    let scheme = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &random::<16>(), random::<16>())?;
    PrivateKeyInfoRef::try_from(der)?.encrypt_with_params(scheme, passphrase.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pem: &Secret) -> &str {
        std::str::from_utf8(pem.expose()).unwrap()
    }

    #[test]
    fn a_key_survives_its_file_plain_and_encrypted() {
        let key = SigningKey::generate();
        let passphrase = Secret::from("correct horse".to_owned());
        let plain = key.to_pem(None).unwrap();
        let sealed = key.to_pem(Some(&passphrase)).unwrap();
        assert!(text(&sealed).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        assert_eq!(SigningKey::from_pem(text(&plain), None).unwrap().public(), key.public());
        let opened = SigningKey::from_pem(text(&sealed), Some(&passphrase)).unwrap();
        assert_eq!(opened.public(), key.public());
        let wrong = SigningKey::from_pem(text(&sealed), Some(&Secret::from("incorrect".to_owned())));
        assert!(matches!(wrong, Err(KeyError::WrongPassphrase)), "{wrong:?}");
        let none = SigningKey::from_pem(text(&sealed), None);
        assert!(matches!(none, Err(KeyError::PassphraseNeeded)), "{none:?}");
    }

    #[test]
    fn only_the_message_that_was_signed_verifies() {
        let key = SigningKey::generate();
        let signature = key.sign(b"message");
        assert!(key.public().verify(b"message", &signature));
        assert!(!key.public().verify(b"massage", &signature));
        assert!(!key.public().verify(b"message", &signature[..63]));
        assert!(!SigningKey::generate().public().verify(b"message", &signature));
    }

    #[test]
    fn a_key_of_small_order_verifies_nothing() {
        // With the neutral element as key, a plain verification accepts this signature for every message.
        let neutral: PublicKey = format!("01{}", "00".repeat(31)).parse().unwrap();
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!neutral.verify(b"anything", &signature));
    }
}
