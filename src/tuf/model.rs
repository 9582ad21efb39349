//! The four roles as section 4 of the specification writes them. Fields that this version does not know are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::delegation::{Delegations, check_keys};
use super::hashes::Hashes;
use super::target::TargetFile;
use super::{Key, TufError};
use crate::crypt::digest_of;
use crate::named;

/// The version of the specification that the editor writes.
pub const SPEC_VERSION: &str = "1.0.31";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Root,
    Timestamp,
    Snapshot,
    Targets,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets];

    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }

    /// What is not announced by other metadata may still not be endless.
    pub fn limit(self) -> u64 {
        match self {
            Self::Root => 512_000,
            Self::Timestamp => 16 << 10,
            Self::Snapshot => 2 << 20,
            Self::Targets => 5 << 20,
        }
    }

    pub fn file(self) -> String {
        format!("{}.json", self.name())
    }

    pub fn versioned_file(self, version: u64) -> String {
        format!("{version}.{}.json", self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.name() == text);
        role.ok_or_else(|| "the roles are root, targets, snapshot and timestamp".to_owned())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What every role's metadata has, and its own content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Signed<C> {
    #[serde(rename = "_type")]
    pub kind: String,
    pub spec_version: String,
    pub version: u64,
    pub expires: jiff::Timestamp,
    #[serde(flatten)]
    pub content: C,
}

/// The content of a role's metadata.
pub trait Content: Serialize + DeserializeOwned {
    const ROLE: Role;

    /// Rules that the types do not carry.
    fn check(&self) -> Result<(), String>;

    /// Fields that this version does not know.
    fn unknown(&mut self) -> &mut Map<String, Value>;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Root {
    #[serde(default)]
    pub consistent_snapshot: bool,
    pub keys: BTreeMap<String, Key>,
    pub roles: BTreeMap<String, RoleRule>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Which keys sign a role, and how many of them must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRule {
    pub keyids: Vec<String>,
    pub threshold: u64,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Whose signatures a file needs, and who says so.
#[derive(Debug)]
pub struct Mandate<'a> {
    pub keys: &'a BTreeMap<String, Key>,
    pub keyids: &'a [String],
    pub threshold: u64,
    /// With its version, e.g. `root 3`.
    pub by: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timestamp {
    pub meta: BTreeMap<String, MetaFile>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    pub meta: BTreeMap<String, MetaFile>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// How one metadata file announces another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaFile {
    pub version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashes: Option<Hashes>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Targets {
    pub targets: BTreeMap<String, TargetFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl<C: Content> Signed<C> {
    /// Of a text without duplicate keys. It is gone through twice: serde's `flatten` would build all of the content once more.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Head {
            _type: String,
            spec_version: String,
            version: u64,
            expires: jiff::Timestamp,
        }
        let head: Head = named::from_json(text.as_bytes())?;
        let mut content: C = named::from_json(text.as_bytes())?;
        let unknown = content.unknown();
        for name in ["_type", "spec_version", "version", "expires"] {
            unknown.remove(name);
        }
        Ok(Self {
            kind: head._type,
            spec_version: head.spec_version,
            version: head.version,
            expires: head.expires,
            content,
        })
    }

    pub fn check(&self) -> Result<(), TufError> {
        let role = C::ROLE;
        let wrong = |reason: String| Err(TufError::Malformed { role, reason });
        if self.kind != role.name() {
            return wrong(format!("its type is `{}`", self.kind));
        }
        let parts: Vec<_> = self.spec_version.split('.').collect();
        let numbers = parts.iter().all(|part| part.parse::<u32>().is_ok());
        if !numbers || !(2..=3).contains(&parts.len()) || parts[0] != "1" {
            let version = &self.spec_version;
            return wrong(format!("it follows specification {version}, known here is 1.x"));
        }
        if self.version == 0 {
            return wrong("its version is 0".into());
        }
        self.content.check().or_else(wrong)
    }
}

impl Root {
    /// The rule of a role; [`Content::check`] has seen that it is there.
    pub fn rule(&self, role: Role) -> Option<&RoleRule> {
        self.roles.get(role.name())
    }

    /// Who signs a role.
    pub fn mandate(&self, role: Role, version: u64) -> Option<Mandate<'_>> {
        self.rule(role).map(|rule| Mandate {
            keys: &self.keys,
            keyids: &rule.keyids,
            threshold: rule.threshold,
            by: format!("root {version}"),
        })
    }

    /// The keys that sign a role and the number needed, without regard to names.
    pub fn signatories(&self, role: Role) -> (Vec<&Key>, u64) {
        let Some(rule) = self.rule(role) else {
            return (Vec::new(), u64::MAX);
        };
        let mut keys: Vec<_> = rule.keyids.iter().filter_map(|id| self.keys.get(id)).collect();
        keys.sort_by(|a, b| a.keyval.public.cmp(&b.keyval.public));
        (keys, rule.threshold)
    }

    pub fn file_of(&self, role: Role, version: u64) -> String {
        self.file_named(role.name(), version)
    }

    /// Where a role's file lies, also a delegated one's.
    pub fn file_named(&self, role: &str, version: u64) -> String {
        if self.consistent_snapshot {
            format!("{version}.{role}.json")
        } else {
            format!("{role}.json")
        }
    }
}

impl Content for Root {
    const ROLE: Role = Role::Root;

    fn check(&self) -> Result<(), String> {
        for role in Role::ALL {
            let rule = self.rule(role).ok_or_else(|| format!("it has no role {role}"))?;
            check_keys(role.name(), &rule.keyids, rule.threshold)?;
        }
        Ok(())
    }

    fn unknown(&mut self) -> &mut Map<String, Value> {
        &mut self.unknown
    }
}

impl Content for Timestamp {
    const ROLE: Role = Role::Timestamp;

    fn check(&self) -> Result<(), String> {
        check_meta(&self.meta, Role::Snapshot)
    }

    fn unknown(&mut self) -> &mut Map<String, Value> {
        &mut self.unknown
    }
}

impl Content for Snapshot {
    const ROLE: Role = Role::Snapshot;

    fn check(&self) -> Result<(), String> {
        check_meta(&self.meta, Role::Targets)
    }

    fn unknown(&mut self) -> &mut Map<String, Value> {
        &mut self.unknown
    }
}

impl Content for Targets {
    const ROLE: Role = Role::Targets;

    fn check(&self) -> Result<(), String> {
        self.delegations.as_ref().map_or(Ok(()), Delegations::check)
    }

    fn unknown(&mut self) -> &mut Map<String, Value> {
        &mut self.unknown
    }
}

fn check_meta(meta: &BTreeMap<String, MetaFile>, needed: Role) -> Result<(), String> {
    if let Some((name, _)) = meta.iter().find(|(_, file)| file.version == 0) {
        return Err(format!("it announces version 0 of {name}"));
    }
    if !meta.contains_key(&needed.file()) {
        return Err(format!("it does not announce {}", needed.file()));
    }
    Ok(())
}

impl MetaFile {
    pub fn of(version: u64, bytes: &[u8]) -> Self {
        Self {
            version,
            length: Some(bytes.len() as u64),
            hashes: Some(Hashes::of_sha256(digest_of(bytes))),
            unknown: Map::new(),
        }
    }

    /// The first thing in which `bytes` differ from what is announced.
    pub fn difference(&self, bytes: &[u8]) -> Option<&'static str> {
        if self.length.is_some_and(|length| length != bytes.len() as u64) {
            return Some("length");
        }
        self.hashes.as_ref()?.difference(bytes)
    }
}
