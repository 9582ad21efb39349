//! A repository in memory whose owner can make every mistake and every attack, and a client of it: for the tests.
#![allow(clippy::disallowed_methods)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp as Time;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Asking, MetadataSource, Note, Refreshed, init};
use crate::crypt::SigningKey;
use crate::tuf::json::canonical;
use crate::tuf::model::{MetaFile, Role, RoleRule, Root, SPEC_VERSION, Signed, Snapshot, Targets, Timestamp};
use crate::tuf::{Key, SourceError, TufError};

pub struct Repository {
    pub keys: BTreeMap<Role, Vec<SigningKey>>,
    pub root: Signed<Root>,
    pub timestamp: Signed<Timestamp>,
    pub snapshot: Signed<Snapshot>,
    pub targets: Signed<Targets>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub asked: RefCell<Vec<String>>,
}

pub fn now() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub fn days(days: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(24 * days)
}

fn signed<C>(role: Role, content: C) -> Signed<C> {
    Signed {
        kind: role.name().into(),
        spec_version: SPEC_VERSION.into(),
        version: 1,
        expires: now() + days(10),
        content,
    }
}

/// A refresh whose notes nobody wants.
pub fn refresh<'a>(trust: &Path, source: &'a dyn MetadataSource, now: Time) -> Result<Refreshed<'a>, TufError> {
    let tell = &|_: &Note| {};
    super::refresh(
        trust,
        Asking {
            source,
            now,
            max_staleness: Duration::ZERO,
            tell,
        },
    )
}

/// A metadata file of anything, signed by any keys.
pub fn envelope(value: &impl Serialize, keys: &[SigningKey]) -> Value {
    let value = serde_json::to_value(value).unwrap();
    let message = canonical(&value).unwrap();
    let signature = |key: &SigningKey| {
        let id = Key::ed25519(&key.public()).id().unwrap();
        json!({"keyid": id, "sig": hex::encode(key.sign(&message))})
    };
    json!({"signatures": keys.iter().map(signature).collect::<Vec<_>>(), "signed": value})
}

pub fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

impl Repository {
    /// Version 1 of everything, published.
    pub fn new() -> Self {
        let root = Root {
            consistent_snapshot: true,
            keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            unknown: Map::new(),
        };
        let mut repository = Self {
            keys: BTreeMap::new(),
            root: signed(Role::Root, root),
            timestamp: signed(Role::Timestamp, Timestamp::default()),
            snapshot: signed(Role::Snapshot, Snapshot::default()),
            targets: signed(Role::Targets, Targets::default()),
            files: BTreeMap::new(),
            asked: RefCell::default(),
        };
        for role in Role::ALL {
            repository.set_keys(role, vec![SigningKey::generate()], 1);
        }
        repository.root.expires = now() + days(365);
        repository.put_root(&[]);
        repository.put_all();
        repository
    }

    pub fn set_keys(&mut self, role: Role, keys: Vec<SigningKey>, threshold: u64) {
        let mut keyids = Vec::new();
        for key in keys.iter().map(|key| Key::ed25519(&key.public())) {
            let id = key.id().unwrap();
            self.root.content.keys.insert(id.clone(), key);
            keyids.push(id);
        }
        let rule = RoleRule {
            keyids,
            threshold,
            unknown: Map::new(),
        };
        self.root.content.roles.insert(role.name().into(), rule);
        self.keys.insert(role, keys);
    }

    pub fn rotate(&mut self, role: Role) {
        let old = std::mem::take(self.keys.get_mut(&role).unwrap());
        self.set_keys(role, vec![SigningKey::generate()], 1);
        self.root.version += 1;
        self.put_root(if role == Role::Root { &old } else { &[] });
    }

    pub fn put_root(&mut self, also: &[SigningKey]) {
        let mut file = envelope(&self.root, &self.keys[&Role::Root]);
        let more = envelope(&self.root, also);
        let signatures = file["signatures"].as_array_mut().unwrap();
        signatures.extend(more["signatures"].as_array().unwrap().iter().cloned());
        self.put(&Role::Root.versioned_file(self.root.version), &file);
    }

    /// Publishes targets, snapshot and timestamp as they stand.
    pub fn put_all(&mut self) {
        let file = envelope(&self.targets, &self.keys[&Role::Targets]);
        let meta = MetaFile::of(self.targets.version, &bytes(&file));
        self.put(&self.root.content.file_of(Role::Targets, self.targets.version), &file);
        self.snapshot.content.meta.insert(Role::Targets.file(), meta);
        self.put_snapshot();
    }

    pub fn put_snapshot(&mut self) {
        let file = envelope(&self.snapshot, &self.keys[&Role::Snapshot]);
        let meta = MetaFile::of(self.snapshot.version, &bytes(&file));
        self.put(&self.root.content.file_of(Role::Snapshot, self.snapshot.version), &file);
        self.timestamp.content.meta.insert(Role::Snapshot.file(), meta);
        self.put_timestamp();
    }

    pub fn put_timestamp(&mut self) {
        let file = envelope(&self.timestamp, &self.keys[&Role::Timestamp]);
        self.put(&Role::Timestamp.file(), &file);
    }

    /// All three at one version.
    pub fn release(&mut self, version: u64) {
        self.targets.version = version;
        self.snapshot.version = version;
        self.timestamp.version = version;
        self.put_all();
    }

    pub fn put(&mut self, name: &str, file: &Value) {
        self.files.insert(name.into(), bytes(file));
    }

    /// Changes a published file without signing it anew.
    pub fn tamper(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut file = serde_json::from_slice(&self.files[name]).unwrap();
        change(&mut file);
        self.put(name, &file);
    }

    pub fn root_bytes(&self, version: u64) -> &[u8] {
        &self.files[&Role::Root.versioned_file(version)]
    }
}

impl MetadataSource for Repository {
    /// Careless on purpose: it pays no heed to the limit.
    fn get(&self, name: &str, _limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        self.asked.borrow_mut().push(name.into());
        Ok(self.files.get(name).cloned())
    }
}

pub struct Client {
    _dir: tempfile::TempDir,
    pub trust: PathBuf,
}

impl Client {
    pub fn of(repository: &Repository) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let trust = dir.path().join("trust");
        init(&trust, repository.root_bytes(1)).unwrap();
        Self { _dir: dir, trust }
    }

    /// A client that has seen what the repository holds now.
    pub fn refreshed(repository: &Repository) -> Self {
        let client = Self::of(repository);
        client.refresh(repository).unwrap();
        client
    }

    pub fn refresh(&self, repository: &Repository) -> Result<u64, TufError> {
        refresh(&self.trust, repository, now()).map(|refreshed| refreshed.targets().version)
    }

    pub fn refused(&self, repository: &Repository) -> TufError {
        self.refresh(repository).expect_err("the client believes it")
    }

    pub fn version(&self, role: Role) -> Option<u64> {
        let bytes = std::fs::read(self.trust.join(role.file())).ok()?;
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        value["signed"]["version"].as_u64()
    }

    pub fn versions(&self) -> [Option<u64>; 4] {
        Role::ALL.map(|role| self.version(role))
    }
}
