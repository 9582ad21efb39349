//! A slot as it stands in its file: what it is, how its key is made, and the ring of master keys sealed with that.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fingerprint, Keyring, Master, PublicHalf};
use crate::crypt::{digest_of, random};
use crate::named;

pub const FORMAT: u32 = 2;
/// A slot's file is at most this long.
pub const FILE_LIMIT: u64 = 64 << 10;
/// Of master keys that a repository may ever have had.
pub const RING_LIMIT: usize = 256;
const LABEL_LIMIT: usize = 200;
const SALT: usize = 32;

/// What opens a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Passphrase,
    KeyFile,
    /// From an environment variable or a command.
    Secret,
    Recipient,
    RecoveryCode,
}

/// Four random bytes; stays when the slot is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotId([u8; 4]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a slot: expected 8 hex digits")]
pub struct SlotIdError(String);

/// How the key that seals the ring comes about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub enum Wrapping {
    Argon2id {
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        salt: Salt,
    },
    Hkdf {
        salt: Salt,
    },
    /// RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
    Hpke {
        recipient: PublicHalf,
        encapsulated: Salt,
    },
}

/// 32 bytes that are no secret, in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(pub [u8; SALT]);

/// All of a slot that is readable without its secret; each byte of it is authenticated with the ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub format: u32,
    pub id: SlotId,
    pub kind: Kind,
    pub label: String,
    pub created: Timestamp,
    pub by: String,
    /// Of the master keys that it holds, the current one first.
    pub masters: Vec<Fingerprint>,
    /// Of those that it held after these, until nothing was sealed with them any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<Fingerprint>,
    pub wrapping: Wrapping,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    #[serde(rename = "slot")]
    pub head: Head,
    /// The ring: master keys of 32 bytes, the current one first, the chunks' key of 32 bytes, and a tag of 16 bytes.
    #[serde(with = "hex::serde")]
    pub sealed: Vec<u8>,
    /// Only who has the ring can make it, so that a slot of somebody else is never taken for one of ours.
    #[serde(with = "hex::serde")]
    pub seal: [u8; 32],
}

impl Head {
    /// Of all master keys that there have been, the current one first. It only ever gets longer, and in front.
    pub fn all_masters(&self) -> Vec<Fingerprint> {
        self.masters.iter().chain(&self.forgotten).copied().collect()
    }

    /// What is authenticated beside the ring.
    pub fn context(&self) -> Vec<u8> {
        let mut context = b"netlink backup slot\n".to_vec();
        context.extend(serde_json::to_vec(self).unwrap_or_default());
        context
    }
}

impl Slot {
    pub fn seal_of(head: &Head, sealed: &[u8], master: &Master) -> [u8; 32] {
        let key = master.derive(b"", b"netlink backup slot seal");
        let mut hasher = blake3::Hasher::new_keyed(&key);
        let context = head.context();
        hasher.update(&(context.len() as u64).to_be_bytes());
        hasher.update(&context);
        hasher.update(sealed);
        *hasher.finalize().as_bytes()
    }

    /// Whether somebody made it who had a ring that `ring` goes on from.
    pub fn is_of(&self, ring: &Keyring) -> bool {
        let master = self.head.masters.first().and_then(|mark| ring.find(*mark));
        master.is_some_and(|master| {
            blake3::Hash::from_bytes(Self::seal_of(&self.head, &self.sealed, master)) == self.seal
        })
    }

    /// The file's content.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file's content, which must be exactly as this version writes it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let slot: Self = named::from_json(bytes).map_err(|e| format!("it is not understood: {e}"))?;
        if slot.head.format != FORMAT {
            return Err(format!(
                "it is of format {}, which this NetLink does not know",
                slot.head.format
            ));
        }
        if slot.bytes() != bytes {
            return Err("it is not written as a slot is".into());
        }
        let held = slot.head.masters.len();
        let limit = RING_LIMIT.saturating_sub(slot.head.forgotten.len());
        if held == 0 || held > limit || slot.sealed.len() != held * 32 + 32 + 16 {
            return Err(format!("it does not hold the {held} keys that it names"));
        }
        slot.head.wrapping.check(slot.head.kind)?;
        Ok(slot)
    }
}

impl Wrapping {
    /// What opening may cost at most, whatever a forged slot asks for.
    const MEMORY_KIB: u32 = 1 << 20;
    const PASSES: u32 = 16;
    const LANES: u32 = 16;

    /// Memory of 64 MiB, three passes, four lanes.
    pub fn for_text() -> Self {
        Self::Argon2id {
            memory_kib: 64 << 10,
            passes: 3,
            lanes: 4,
            salt: Salt::fresh(),
        }
    }

    fn check(&self, kind: Kind) -> Result<(), String> {
        let fits = match self {
            Self::Argon2id { .. } => matches!(kind, Kind::Passphrase | Kind::Secret),
            Self::Hkdf { .. } => matches!(kind, Kind::KeyFile | Kind::Secret),
            Self::Hpke { .. } => matches!(kind, Kind::Recipient | Kind::RecoveryCode),
        };
        if !fits {
            return Err(format!("a {kind} is not wrapped in its way"));
        }
        match *self {
            Self::Argon2id {
                memory_kib,
                passes,
                lanes,
                ..
            } if memory_kib > Self::MEMORY_KIB
                || !(1..=Self::PASSES).contains(&passes)
                || !(1..=Self::LANES).contains(&lanes)
                || memory_kib < 8 * lanes =>
            {
                Err(format!(
                    "opening it would take {memory_kib} KiB of memory, {passes} passes and {lanes} lanes; \
                     more than {} KiB, {} and {} are refused",
                    Self::MEMORY_KIB,
                    Self::PASSES,
                    Self::LANES
                ))
            }
            _ => Ok(()),
        }
    }
}

impl Salt {
    pub fn fresh() -> Self {
        Self(random())
    }
}

impl SlotId {
    pub fn fresh() -> Self {
        Self(random())
    }
}

/// The name of a file with this content: the first 16 bytes of its SHA-256.
pub fn file_name(bytes: &[u8]) -> String {
    format!("{}.json", hex::encode(&digest_of(bytes).as_bytes()[..16]))
}

/// A text of ours in a slot: on one line, not endless.
pub fn plain(text: &str) -> String {
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(LABEL_LIMIT).collect::<String>().trim().to_owned()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key file",
            Self::Secret => "secret",
            Self::Recipient => "recipient",
            Self::RecoveryCode => "recovery kit",
        })
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl FromStr for SlotId {
    type Err = SlotIdError;

    fn from_str(text: &str) -> Result<Self, SlotIdError> {
        lower_hex(text).map(Self).ok_or_else(|| SlotIdError(text.to_owned()))
    }
}

impl TryFrom<String> for SlotId {
    type Error = SlotIdError;

    fn try_from(text: String) -> Result<Self, SlotIdError> {
        text.parse()
    }
}

impl From<SlotId> for String {
    fn from(id: SlotId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for Salt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        lower_hex(&text).map(Self).ok_or("expected 64 hex digits")
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        hex::encode(salt.0)
    }
}

fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let right = hex::decode_to_slice(text, &mut bytes).is_ok() && hex::encode(bytes) == text;
    right.then_some(bytes)
}
