//! Ed25519 signing keys, kept as PKCS#8 PEM that OpenSSL reads too.
//!
//! PKCS#8 version 1, thus without the public half: OpenSSL 3.0 does not read version 2. The scrypt cost is 2^14 because
//! OpenSSL refuses more than 32 MiB of memory for a key file, which 2^15 is over.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
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

impl PublicKey {
    /// PEM as `openssl pkey -pubout` writes it; none for what is not that, or not an Ed25519 key.
    pub fn from_pem(pem: &str) -> Option<Self> {
        ed25519_dalek::VerifyingKey::from_public_key_pem(pem.trim())
            .ok()
            .map(Self)
    }

    pub fn to_pem(&self) -> Result<String, KeyError> {
        let pem = self.0.to_public_key_pem(LineEnding::LF);
        pem.map_err(|e| KeyError::Encode(e.into()))
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

    /// The order of the base point, least byte first.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    /// What dalek's feature `legacy_compatibility` would accept: a second signature that anybody can make of a first one.
    #[test]
    fn a_signature_with_a_number_over_the_order_is_refused() {
        let key = SigningKey::generate();
        let mut signature = key.sign(b"message");
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(!key.public().verify(b"message", &signature));
    }

    #[test]
    fn signatures_that_are_none_are_refused() {
        let key = SigningKey::generate();
        let good = key.sign(b"message");
        let mut neutral = [0; 64];
        neutral[0] = 1;
        for (what, bad) in [
            ("empty", vec![]),
            ("zero", vec![0; 64]),
            ("ones", vec![0xff; 64]),
            ("neutral", neutral.to_vec()),
            ("longer", [&good[..], &[0]].concat()),
            ("first half alone", [&good[..32], &[0; 32]].concat()),
            ("halves changed", [&good[32..], &good[..32]].concat()),
        ] {
            assert!(!key.public().verify(b"message", &bad), "{what}");
        }
    }

    /// Written by OpenSSL 3: plain, with scrypt, with PBKDF2. Throw-away keys, for this test only.
    const FOREIGN: [&str; 3] = [
        "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICf2KepYnWWVgYz2DVP59Wzs4YtxLDSzXdo9+XQoRMnW
-----END PRIVATE KEY-----
",
        "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAhAjLxdmQO8ogICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBCcuL/j8C5YxLAi8GuGM5y5BEApWWvdi4HbInSo
dlMK4dhAdpaihjGH+zAPTlWWo+MUESsp4GmkuR4YrT0nwxOYefiRXGhDl+lqpCOF
PElntHPE
-----END ENCRYPTED PRIVATE KEY-----
",
        "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiPOfkJxX152AICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGt1f2yZLrfd+JM4FBKyoKAEQNC5
FSPnDP1dpIkoBUmb1veVwBEC4hz7cp6VI+kOcCrZ/lgyDqd4JUHWAvJF3RdR7YQk
7Zt4Jggg8YrkFGQK/bE=
-----END ENCRYPTED PRIVATE KEY-----
",
    ];
    const FOREIGN_PUBLIC: &str = "9648c132f758d90db977eebad9708d73d7d60300e3b20ac5193c787d7cf1e824";

    #[test]
    fn keys_of_openssl_are_read() {
        let passphrase = Secret::from("pass".to_owned());
        for pem in FOREIGN {
            let key = SigningKey::from_pem(pem, Some(&passphrase)).unwrap();
            assert_eq!(key.public().to_string(), FOREIGN_PUBLIC);
        }
    }

    #[test]
    fn what_is_no_key_is_said_to_be_none() {
        let certificate = FOREIGN[0].replace("PRIVATE KEY", "CERTIFICATE");
        let cut = &FOREIGN[0][..60];
        for bad in ["", "hello", cut, certificate.as_str()] {
            let refused = SigningKey::from_pem(bad, None).unwrap_err();
            assert!(matches!(refused, KeyError::Malformed(_)), "{bad}: {refused:?}");
        }
    }

    /// Version 1 and no public half: this very length is what OpenSSL 3.0 reads.
    #[test]
    fn a_key_file_is_pkcs8_version_1() {
        let pem = SigningKey::generate().to_pem(None).unwrap();
        let (label, der) = pkcs8::SecretDocument::from_pem(text(&pem)).unwrap();
        assert_eq!((label, der.as_bytes().len()), ("PRIVATE KEY", 48));
        assert_eq!(der.as_bytes()[..5], [0x30, 46, 2, 1, 0]);
    }
}
