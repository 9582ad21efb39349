//! Who signs what: the keys of each role and how many of them it takes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::crypt::PublicKey;
use crate::tuf::model::{RoleRule, Root};
use crate::tuf::{Key, Role, TufError};

#[derive(Debug, Clone)]
pub struct RoleKeys {
    pub keys: Vec<PublicKey>,
    pub threshold: u64,
}

impl From<PublicKey> for RoleKeys {
    /// One key that signs alone.
    fn from(key: PublicKey) -> Self {
        Self {
            keys: vec![key],
            threshold: 1,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Signatories {
    pub root: RoleKeys,
    pub targets: RoleKeys,
    pub snapshot: RoleKeys,
    pub timestamp: RoleKeys,
}

impl Signatories {
    pub(super) fn to_root(&self, unknown: Map<String, Value>) -> Result<Root, TufError> {
        let mut root = Root {
            consistent_snapshot: true,
            keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            unknown,
        };
        let all = [
            (Role::Root, &self.root),
            (Role::Targets, &self.targets),
            (Role::Snapshot, &self.snapshot),
            (Role::Timestamp, &self.timestamp),
        ];
        for (role, RoleKeys { keys, threshold }) in all {
            let mut keyids = Vec::new();
            for key in keys.iter().map(Key::ed25519) {
                let id = key.id()?;
                root.keys.insert(id.clone(), key);
                keyids.push(id);
            }
            keyids.sort();
            keyids.dedup();
            if *threshold == 0 || keyids.len() < usize::try_from(*threshold).unwrap_or(usize::MAX) {
                return Err(TufError::Threshold {
                    role,
                    keys: keyids.len(),
                    threshold: *threshold,
                });
            }
            let rule = RoleRule {
                keyids,
                threshold: *threshold,
                unknown: Map::new(),
            };
            root.roles.insert(role.name().into(), rule);
        }
        Ok(root)
    }
}
