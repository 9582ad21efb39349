//! Where to listen, or that there is nowhere: `off` and null say that wherever it is said.

use std::net::{AddrParseError, SocketAddr};
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Where a door is to be, if anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorAt {
    Address(SocketAddr),
    Off,
}

impl DoorAt {
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Off => None,
        }
    }
}

impl FromStr for DoorAt {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        match text {
            "off" | "null" => Ok(Self::Off),
            address => address.parse().map(Self::Address),
        }
    }
}

pub fn or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let door: DoorAt = text
        .parse()
        .map_err(|e| D::Error::custom(format!("{e}, and not `off`")))?;
    Ok(door.address())
}
