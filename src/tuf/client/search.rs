//! 5.6.7: which role speaks for a target, and all targets of the tree.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::ptr;
use std::rc::Rc;

use super::{Note, Refreshed, delegated};
use crate::tuf::TufError;
use crate::tuf::delegation::{Delegations, Step};
use crate::tuf::document::Verified;
use crate::tuf::model::{Role, Signed, Targets};
use crate::tuf::target::TargetFile;

/// What one search may visit; the reference implementation stops at 32.
const VISITS: usize = 256;
const DEPTH: usize = 32;
/// What the whole tree may have: time, memory and requests are bounded whoever wrote it.
const ROLES: usize = 1024;
const NAMES: usize = 200_000;

/// A target as the role that speaks for it lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    pub file: TargetFile,
    /// None when it is the top-level role.
    pub delegated_to: Option<String>,
}

/// Targets by their names.
pub type Listing = BTreeMap<String, Listed>;

type Loaded = Rc<Verified<Signed<Targets>>>;

/// The one target called `name`; none when nobody who may list it does.
pub fn find(refreshed: &Refreshed<'_>, name: &str) -> Result<Option<Verified<Listed>>, TufError> {
    let load = |by: Delegator<'_>, step: &Step<'_>| {
        let name = step.name.clone();
        refreshed.tell(&Note::Searched { name });
        delegated::load(refreshed, (by.name, by.role), by.delegations, step).map(Rc::new)
    };
    let found = search(&refreshed.targets, name, &load)?;
    if let Some(listed) = &found {
        let by = listed.delegated_to.as_deref().unwrap_or(Role::Targets.name());
        refreshed.tell(&Note::Found {
            target: name.to_owned(),
            by: by.to_owned(),
        });
    }
    Ok(found.map(Verified::of))
}

/// The targets of the top-level role, and every one below `folder/` that [`find`] would find.
///
/// A delegated role speaks for a folder only in targets below it: else whoever was trusted with `helpers/*` could speak for the
/// product. And one that may speak of it must be had: else whoever sits on the network could hide what it says, a withdrawal for
/// one, by keeping back its file alone.
pub fn all(refreshed: &Refreshed<'_>, folder: &str) -> Result<Verified<Listing>, TufError> {
    let top = &refreshed.targets;
    let mut listing: Listing = top
        .content
        .targets
        .keys()
        .filter_map(|name| listed(top, name, None))
        .collect();
    let mut tree = Tree {
        refreshed,
        folder,
        known: RefCell::default(),
        names: BTreeSet::new(),
    };
    tree.walk(Role::Targets.name(), top, &mut Vec::new())?;
    let load = |by: Delegator<'_>, step: &Step<'_>| {
        let known = tree.known.borrow();
        let role = known.get(&(ptr::from_ref(by.role), step.name.clone()));
        // A way to a name in the folder leads through roles that may speak of the folder, and all of those were loaded.
        role.cloned().ok_or(TufError::NotRefreshed { role: Role::Targets })
    };
    for name in &tree.names {
        if !listing.contains_key(name)
            && let Some(found) = search(top, name, &load)?
        {
            listing.insert(name.clone(), found);
        }
    }
    Ok(Verified::of(listing))
}

/// A role that hands on work.
#[derive(Clone, Copy)]
struct Delegator<'a> {
    name: &'a str,
    role: &'a Signed<Targets>,
    delegations: &'a Delegations,
}

type Load<'a> = dyn Fn(Delegator<'_>, &Step<'_>) -> Result<Loaded, TufError> + 'a;

fn search(top: &Signed<Targets>, name: &str, load: &Load<'_>) -> Result<Option<Listed>, TufError> {
    let mut search = Search {
        target: name,
        load,
        visited: BTreeSet::new(),
    };
    Ok(match search.visit(None, top, 0)? {
        ControlFlow::Break(found) => found,
        ControlFlow::Continue(()) => None,
    })
}

struct Search<'a> {
    target: &'a str,
    load: &'a Load<'a>,
    visited: BTreeSet<String>,
}

impl Search<'_> {
    /// Breaks when the search is over. An error ends it too: what could not be asked may have had the answer.
    fn visit(
        &mut self,
        name: Option<&str>,
        role: &Signed<Targets>,
        depth: usize,
    ) -> Result<ControlFlow<Option<Listed>>, TufError> {
        // 5.6.7.1
        if let Some((_, found)) = listed(role, self.target, name) {
            return Ok(ControlFlow::Break(Some(found)));
        }
        let Some(delegations) = &role.content.delegations else {
            return Ok(ControlFlow::Continue(()));
        };
        // 5.6.7.2
        for step in delegations.steps_for(self.target) {
            if !self.visited.insert(step.name.clone()) {
                continue;
            }
            within("roles for one target", self.visited.len(), VISITS)?;
            within("levels of roles", depth + 1, DEPTH)?;
            let by = Delegator {
                name: name.unwrap_or(Role::Targets.name()),
                role,
                delegations,
            };
            let next = (self.load)(by, &step)?;
            if let ControlFlow::Break(found) = self.visit(Some(&step.name), &next, depth + 1)? {
                return Ok(ControlFlow::Break(found));
            }
            if step.terminating {
                return Ok(ControlFlow::Break(None));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// A delegator as it was loaded, and a role that it names.
type Edge = (*const Signed<Targets>, String);

/// All roles that may speak of the folder, each loaded once for each delegator, since another one may trust other keys for the
/// same name.
struct Tree<'a> {
    refreshed: &'a Refreshed<'a>,
    folder: &'a str,
    known: RefCell<BTreeMap<Edge, Loaded>>,
    names: BTreeSet<String>,
}

impl Tree<'_> {
    /// `path` has the roles on the way here: a search never enters one of them again.
    fn walk(&mut self, name: &str, role: &Signed<Targets>, path: &mut Vec<String>) -> Result<(), TufError> {
        let Some(delegations) = &role.content.delegations else {
            return Ok(());
        };
        let steps = delegations.steps_into(self.folder, ROLES).ok_or(TufError::TooMany {
            what: "roles",
            limit: ROLES,
        })?;
        for step in steps {
            if path.contains(&step.name) {
                continue;
            }
            within("levels of roles", path.len() + 1, DEPTH)?;
            let by = (name, role);
            let loaded = Rc::new(delegated::load(self.refreshed, by, delegations, &step)?);
            let key = (ptr::from_ref(role), step.name.clone());
            self.known.borrow_mut().insert(key, Rc::clone(&loaded));
            within("roles", self.known.borrow().len(), ROLES)?;
            let inside = |name: &&String| is_below(name, self.folder);
            self.names.extend(loaded.content.targets.keys().filter(inside).cloned());
            within("targets", self.names.len(), NAMES)?;
            path.push(step.name.clone());
            self.walk(&step.name, &loaded, path)?;
            path.pop();
        }
        Ok(())
    }
}

fn is_below(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn listed(role: &Signed<Targets>, target: &str, name: Option<&str>) -> Option<(String, Listed)> {
    let file = role.content.targets.get(target)?.clone();
    let delegated_to = name.map(str::to_owned);
    Some((target.to_owned(), Listed { file, delegated_to }))
}

fn within(what: &'static str, count: usize, limit: usize) -> Result<(), TufError> {
    if count <= limit {
        return Ok(());
    }
    Err(TufError::TooMany { what, limit })
}
