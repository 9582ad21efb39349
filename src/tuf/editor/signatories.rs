//! Who signs what: the keys of each role and how many of them it takes.

use std::collections::BTreeMap;

use serde_json::Map;

use crate::crypt::PublicKey;
use crate::tuf::model::{RoleRule, Root};
use crate::tuf::{Key, Role, TufError};

#[derive(Debug, Clone, PartialEq)]
pub struct RoleKeys {
    pub keys: Vec<Key>,
    pub threshold: u64,
}

impl From<PublicKey> for RoleKeys {
    /// One key that signs alone.
    fn from(key: PublicKey) -> Self {
        Self {
            keys: vec![Key::ed25519(&key)],
            threshold: 1,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Signatories {
    pub root: RoleKeys,
    pub targets: RoleKeys,
    pub snapshot: RoleKeys,
    pub timestamp: RoleKeys,
}

impl Signatories {
    pub(super) fn of(root: &Root) -> Self {
        let of = |role| {
            let (keys, threshold) = root.signatories(role);
            RoleKeys {
                keys: keys.into_iter().cloned().collect(),
                threshold,
            }
        };
        Self {
            root: of(Role::Root),
            targets: of(Role::Targets),
            snapshot: of(Role::Snapshot),
            timestamp: of(Role::Timestamp),
        }
    }

    pub fn of_role(&mut self, role: Role) -> &mut RoleKeys {
        match role {
            Role::Root => &mut self.root,
            Role::Targets => &mut self.targets,
            Role::Snapshot => &mut self.snapshot,
            Role::Timestamp => &mut self.timestamp,
        }
    }

    /// The content of a root, with what `last` had besides: names of its keys, and fields that this version does not know.
    pub(super) fn to_root(&self, last: Option<&Root>) -> Result<Root, TufError> {
        let mut root = Root {
            consistent_snapshot: true,
            keys: BTreeMap::new(),
            roles: last.map(|last| last.roles.clone()).unwrap_or_default(),
            unknown: last.map(|last| last.unknown.clone()).unwrap_or_default(),
        };
        let all = [
            (Role::Root, &self.root),
            (Role::Targets, &self.targets),
            (Role::Snapshot, &self.snapshot),
            (Role::Timestamp, &self.timestamp),
        ];
        for (role, RoleKeys { keys, threshold }) in all {
            let mut keyids = Vec::new();
            for key in keys {
                let known = last.and_then(|last| last.keys.iter().find(|(_, other)| *other == key));
                let id = known.map_or_else(|| key.id(), |(id, _)| Ok(id.clone()))?;
                root.keys.insert(id.clone(), key.clone());
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
                unknown: last
                    .and_then(|last| last.rule(role))
                    .map_or_else(Map::new, |rule| rule.unknown.clone()),
            };
            root.roles.insert(role.name().into(), rule);
        }
        Ok(root)
    }
}
