//! Roles that another tool has handed work on to. The editor lets them be; whoever looks at the whole of a repository follows them as a
//! client does, each verified by every role through which it can be reached.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp as Time;

use super::{Editor, Published};
use crate::tuf::client::{MetadataSource, accept_delegated};
use crate::tuf::document::Verified;
use crate::tuf::model::{Mandate, Role, Signed, Targets};
use crate::tuf::target::TargetFile;
use crate::tuf::{SourceError, TufError};

/// What clients follow at most.
const ROLES: usize = 1024;
const DEPTH: usize = 32;

/// A delegated role that is none of the editor's own bins.
#[derive(Debug, Clone)]
pub struct HandedOn {
    pub name: String,
    /// Its file below `metadata/`.
    pub file: String,
    pub version: u64,
    pub expires: Time,
    /// What it lists, whether clients ask it for that or not.
    pub targets: BTreeMap<String, TargetFile>,
}

impl Editor {
    /// Every role that can be reached from those that the editor writes, as clients see it at `now`.
    pub fn handed_on(&self, source: &dyn MetadataSource, now: Time) -> Result<Vec<HandedOn>, TufError> {
        let Some(published) = &self.published else {
            return Ok(Vec::new());
        };
        let mut walk = Walk {
            published,
            source,
            now,
            ways: BTreeSet::new(),
            found: BTreeMap::new(),
        };
        for (name, role) in &published.targets {
            walk.follow(name, role, 1)?;
        }
        Ok(walk.found.into_values().collect())
    }
}

struct Walk<'a> {
    published: &'a Published,
    source: &'a dyn MetadataSource,
    now: Time,
    /// Who hands on to whom: of a snapshot each name means one file, so that each way is gone once.
    ways: BTreeSet<(String, String)>,
    found: BTreeMap<String, HandedOn>,
}

impl Walk<'_> {
    fn follow(&mut self, name: &str, role: &Signed<Targets>, depth: usize) -> Result<(), TufError> {
        let Some(delegations) = &role.content.delegations else {
            return Ok(());
        };
        let too_many = |what, limit| TufError::TooMany { what, limit };
        let steps = delegations.steps(ROLES).ok_or_else(|| too_many("roles", ROLES))?;
        for step in steps {
            let own = name == Role::Targets.name() && self.published.targets.contains_key(&step.name);
            if own || !self.ways.insert((name.to_owned(), step.name.clone())) {
                continue;
            }
            if depth > DEPTH {
                return Err(too_many("levels of roles", DEPTH));
            }
            if self.ways.len() > ROLES {
                return Err(too_many("roles", ROLES));
            }
            let mandate = delegations.mandate(&step, format!("{name} {}", role.version));
            let (file, next) = self.load(&step.name, &mandate).map_err(|source| TufError::Delegated {
                name: step.name.clone(),
                source: Box::new(source),
            })?;
            self.follow(&step.name, &next, depth + 1)?;
            let next = next.into_inner();
            let found = HandedOn {
                name: step.name.clone(),
                file,
                version: next.version,
                expires: next.expires,
                targets: next.content.targets,
            };
            self.found.insert(step.name, found);
        }
        Ok(())
    }

    fn load(&self, name: &str, mandate: &Mandate<'_>) -> Result<(String, Verified<Signed<Targets>>), TufError> {
        let snapshot = &self.published.snapshot;
        let meta = snapshot.content.meta.get(&format!("{name}.json"));
        let meta = meta.ok_or_else(|| TufError::NotAnnounced {
            name: name.to_owned(),
            version: snapshot.version,
        })?;
        let file = self.published.root.content.file_named(name, meta.version);
        let limit = Role::Targets.limit().min(meta.length.unwrap_or(u64::MAX));
        let bytes = self.read(&file, limit)?;
        let role = accept_delegated(mandate, meta, &bytes)?;
        role.check_fresh(self.now)?;
        Ok((file, role))
    }

    fn read(&self, file: &str, limit: u64) -> Result<Vec<u8>, TufError> {
        let read: Result<Option<Vec<u8>>, SourceError> = self.source.get(file, limit);
        read?.ok_or_else(|| TufError::Missing { name: file.to_owned() })
    }
}
