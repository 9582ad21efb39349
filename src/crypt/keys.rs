//! Ed25519 signing keys and their files: PKCS#8 version 1 in PEM, which OpenSSL reads, encrypted by a passphrase or plain.

use std::fmt;

use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, KeypairBytes};
use pkcs8::der::pem::PemLabel as _;
use pkcs8::{
    DecodePrivateKey as _, EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument, pkcs5::pbes2,
};
use zeroize::Zeroizing;

use super::{Secret, random};

/// scrypt's cost 2^14: a tenth of a second, 16 MB; more is refused by OpenSSL's default memory limit.
const SCRYPT_LOG_N: u8 = 14;

pub struct SigningKey(ed25519_dalek::SigningKey);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key is encrypted: its passphrase is needed")]
    PassphraseNeeded,
    #[error("the key cannot be decrypted: the passphrase is wrong or the file is damaged")]
    WrongPassphrase,
    #[error("not an ed25519 private key in PKCS#8 PEM: {0}")]
    Malformed(String),
    #[error("the key cannot be encoded: {0}")]
    Encoding(String),
}

impl SigningKey {
    pub fn generate() -> Self {
        let seed = Zeroizing::new(random::<32>());
        Self(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The key as PEM text, encrypted by scrypt and AES-256-CBC when a passphrase is given.
    pub fn to_pem(&self, passphrase: Option<&Secret>) -> Result<Secret, KeyError> {
        let wrong = |e: &dyn fmt::Display| KeyError::Encoding(e.to_string());
        // Without the public part it is version 1; OpenSSL does not read version 2.
        let pair = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        let plain = pair.to_pkcs8_der().map_err(|e| wrong(&e))?;
        let Some(passphrase) = passphrase else {
            let pem = plain
                .to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
                .map_err(|e| wrong(&e))?;
            return Ok(Secret::new(pem.as_bytes().to_vec()));
        };
        let scrypt = scrypt_params().map_err(|e| wrong(&e))?;
        let params = pbes2::Parameters::generate_scrypt_aes256cbc(scrypt, &random::<16>(), random::<16>())
            .map_err(|e| wrong(&e))?;
        let sealed = PrivateKeyInfoRef::try_from(plain.as_bytes())
            .map_err(|e| wrong(&e))?
            .encrypt_with_params(params, passphrase.expose())
            .map_err(|e| wrong(&e))?;
        let pem = sealed
            .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF)
            .map_err(|e| wrong(&e))?;
        Ok(Secret::new(pem.as_bytes().to_vec()))
    }

    pub fn from_pem(pem: &str, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let wrong = |e: &dyn fmt::Display| KeyError::Malformed(e.to_string());
        let (label, document) = SecretDocument::from_pem(pem).map_err(|e| wrong(&e))?;
        let plain = match label {
            EncryptedPrivateKeyInfoRef::PEM_LABEL => {
                let passphrase = passphrase.ok_or(KeyError::PassphraseNeeded)?;
                EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                    .map_err(|e| wrong(&e))?
                    .decrypt(passphrase.expose())
                    .map_err(|_| KeyError::WrongPassphrase)?
            }
            PrivateKeyInfoRef::PEM_LABEL => document,
            other => return Err(KeyError::Malformed(format!("it is labelled `{other}`"))),
        };
        let pair = KeypairBytes::from_pkcs8_der(plain.as_bytes()).map_err(|e| wrong(&e))?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&pair.secret_key)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", self.public())
    }
}

impl PublicKey {
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Strict: neither weak keys nor signatures that only some verifiers accept.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0);
        let signature = ed25519_dalek::Signature::from_slice(signature);
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

fn scrypt_params() -> Result<scrypt::Params, scrypt::errors::InvalidParams> {
    scrypt::Params::new(SCRYPT_LOG_N, 8, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file() {
        let key = SigningKey::generate();
        let secret = Secret::from("correct horse".to_owned());
        for passphrase in [None, Some(&secret)] {
            let pem = key.to_pem(passphrase).unwrap();
            let text = std::str::from_utf8(pem.expose()).unwrap();
            let again = SigningKey::from_pem(text, passphrase).unwrap();
            assert_eq!(again.public(), key.public());
        }
        let pem = key.to_pem(Some(&secret)).unwrap();
        let text = std::str::from_utf8(pem.expose()).unwrap();
        let wrong = Secret::from("wrong".to_owned());
        assert!(matches!(
            SigningKey::from_pem(text, Some(&wrong)),
            Err(KeyError::WrongPassphrase)
        ));
        assert!(matches!(
            SigningKey::from_pem(text, None),
            Err(KeyError::PassphraseNeeded)
        ));
    }

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let key = SigningKey::generate();
        let signature = key.sign(b"message");
        assert!(key.public().verify(b"message", &signature));
        assert!(!key.public().verify(b"massage", &signature));
        assert!(!SigningKey::generate().public().verify(b"message", &signature));
        assert!(!key.public().verify(b"message", &signature[..63]));
    }
}
