//! The two halves of an offline recipient, as texts that notice a mistyped character.

use std::fmt;
use std::str::FromStr;

use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, Serializable};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypt::{Secret, digest_of};

const PUBLIC: &str = "netlink-backup-public-";
const PRIVATE: &str = "netlink-backup-private-";
const CHECK: usize = 4;

pub type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
pub type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;

/// Backups are wrapped for it on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicHalf([u8; 32]);

/// Opens them, and never needs to be on the host.
#[derive(Debug, Clone)]
pub struct PrivateHalf(Secret);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    #[error(
        "not a recipient's public key: expected `{PUBLIC}` and 72 hex digits, as `netlink backup keys new-recipient` prints it"
    )]
    Public,
    #[error(
        "not a recipient's private key: expected `{PRIVATE}` and 72 hex digits, as `netlink backup keys new-recipient` writes it"
    )]
    Private,
}

impl PrivateHalf {
    pub fn generate() -> Self {
        let (private, _) = X25519HkdfSha256::gen_keypair();
        Self::of(&private)
    }

    /// The half that belongs to a secret of at least 128 bits of chance (RFC 9180, DeriveKeyPair).
    pub fn derive(secret: &[u8]) -> Self {
        let (private, _) = X25519HkdfSha256::derive_keypair(secret);
        Self::of(&private)
    }

    pub fn public(&self) -> Result<PublicHalf, RecipientError> {
        let public = X25519HkdfSha256::sk_to_pk(&self.key()?);
        Ok(PublicHalf(public.to_bytes().into()))
    }

    pub fn parse(text: &str) -> Result<Self, RecipientError> {
        let bytes = read(PRIVATE, text).ok_or(RecipientError::Private)?;
        Ok(Self(Secret::new(bytes.to_vec())))
    }

    /// The text to write to a file.
    pub fn text(&self) -> Secret {
        Secret::from(written(PRIVATE, self.0.expose()))
    }

    pub(super) fn key(&self) -> Result<PrivateKey, RecipientError> {
        PrivateKey::from_bytes(self.0.expose()).map_err(|_| RecipientError::Private)
    }

    fn of(private: &PrivateKey) -> Self {
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(private.to_bytes().into());
        Self(Secret::new(bytes.to_vec()))
    }
}

impl PublicHalf {
    pub(super) fn key(self) -> Result<PublicKey, RecipientError> {
        PublicKey::from_bytes(&self.0).map_err(|_| RecipientError::Public)
    }
}

impl fmt::Display for PublicHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(PUBLIC, &self.0))
    }
}

impl FromStr for PublicHalf {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let bytes = read(PUBLIC, text).ok_or(RecipientError::Public)?;
        PublicKey::from_bytes(bytes.as_slice()).map_err(|_| RecipientError::Public)?;
        Ok(Self(*bytes))
    }
}

impl TryFrom<String> for PublicHalf {
    type Error = RecipientError;

    fn try_from(text: String) -> Result<Self, RecipientError> {
        text.parse()
    }
}

impl From<PublicHalf> for String {
    fn from(half: PublicHalf) -> Self {
        half.to_string()
    }
}

fn written(begin: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(begin.len() + 72);
    text.push_str(begin);
    let digits = Zeroizing::new(hex::encode(bytes));
    text.push_str(&digits);
    text.push_str(&hex::encode(check(begin, bytes)));
    text
}

fn read(begin: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim().strip_prefix(begin)?;
    let mut all = Zeroizing::new([0; 32 + CHECK]);
    hex::decode_to_slice(digits, all.as_mut_slice()).ok()?;
    let (bytes, found) = all.split_at(32);
    let is_whole = found == check(begin, bytes) && !digits.bytes().any(|b| b.is_ascii_uppercase());
    let bytes: [u8; 32] = bytes.try_into().ok()?;
    is_whole.then(|| Zeroizing::new(bytes))
}

fn check(begin: &str, bytes: &[u8]) -> [u8; CHECK] {
    let all = Zeroizing::new([begin.as_bytes(), bytes].concat());
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest_of(&all).as_bytes()[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_read_back_and_a_mistyped_digit_is_noticed() {
        let private = PrivateHalf::generate();
        let public = private.public().unwrap();
        assert_eq!(public.to_string().parse(), Ok(public));
        let text = String::from_utf8(private.text().expose().to_vec()).unwrap();
        assert_eq!(PrivateHalf::parse(&format!("{text}\n")).unwrap().public(), Ok(public));
        let shown = public.to_string();
        for at in PUBLIC.len()..shown.len() {
            let other = if &shown[at..=at] == "0" { "1" } else { "0" };
            let bent = format!("{}{other}{}", &shown[..at], &shown[at + 1..]);
            assert!(bent.parse::<PublicHalf>().is_err(), "{bent}");
        }
        assert!(text.parse::<PublicHalf>().is_err());
        assert!(PrivateHalf::parse(&shown).is_err());
        assert!(format!("{private:?}").contains("***"));
    }
}
