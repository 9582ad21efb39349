//! A target as a role lists it. There may be tens of thousands of them, so what they hold is kept small.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::hashes::Hashes;
use crate::crypt::Digest;
use crate::named;
use crate::release::TargetRef;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetFile {
    pub length: u64,
    pub hashes: Hashes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// What others than the specification say of a target: an object, kept as its text, of which most are asked for one word.
#[derive(Debug, Clone)]
pub struct Custom(Box<str>);

impl TargetFile {
    pub fn new(target: &TargetRef, custom: Custom) -> Self {
        Self {
            length: target.length,
            hashes: Hashes::of_sha256(target.sha256),
            custom: Some(custom),
            unknown: Map::new(),
        }
    }

    pub fn sha256(&self) -> Option<Digest> {
        self.hashes.sha256()?.parse().ok()
    }

    pub fn sha512(&self) -> Option<&str> {
        self.hashes.sha512()
    }

    /// The first thing in which `bytes` differ from what is signed.
    pub fn difference(&self, bytes: &[u8]) -> Option<&'static str> {
        if self.length != bytes.len() as u64 {
            return Some("length");
        }
        self.hashes.difference(bytes)
    }
}

impl Custom {
    /// `what` is written as an object.
    pub fn of(what: &impl Serialize) -> Result<Self, serde_json::Error> {
        Self::deserialize(serde_json::to_value(what)?)
    }

    pub fn read<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        named::from_json(self.0.as_bytes())
    }
}

/// The order of its words means nothing.
impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        let read = |one: &Self| one.read::<Value>().ok();
        self.0 == other.0 || read(self) == read(other)
    }
}

impl Serialize for Custom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.read::<Value>().map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Custom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Box<str> = Box::<RawValue>::deserialize(deserializer)?.into();
        if text.starts_with('{') {
            return Ok(Self(text));
        }
        Err(D::Error::custom("what is said of a target is not an object"))
    }
}
