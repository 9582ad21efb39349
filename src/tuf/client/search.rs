//! 5.6.7: which role speaks for a target, and all targets of the tree.

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
    pub delegated_to: Option<Rc<str>>,
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
    let top = &refreshed.targets;
    let Some(speaker) = search(top, name, &load)? else {
        return Ok(None);
    };
    let (role, delegated_to) = match &speaker {
        Speaker::Top => (&**top, None),
        Speaker::Delegated(name, role) => (&***role, Some(name.as_str())),
    };
    refreshed.tell(&Note::Found {
        target: name.to_owned(),
        by: delegated_to.unwrap_or(Role::Targets.name()).to_owned(),
    });
    let file = role.content.targets.get(name).cloned();
    Ok(file.map(|file| {
        let delegated_to = delegated_to.map(Rc::from);
        Verified::of(Listed { file, delegated_to })
    }))
}

/// The targets of the top-level role, and every one below `folder/` that [`find`] would find.
///
/// A delegated role speaks for a folder only in targets below it: else whoever was trusted with `helpers/*` could speak for the
/// product. And one that may speak of it must be had: else whoever sits on the network could hide what it says, a withdrawal for
/// one, by keeping back its file alone.
pub fn all(refreshed: &Refreshed<'_>, folder: &str) -> Result<Verified<Listing>, TufError> {
    let top = &refreshed.targets;
    let mut tree = Tree {
        refreshed,
        folder,
        loaded: Vec::new(),
        known: BTreeMap::new(),
        names: 0,
    };
    tree.walk(Role::Targets.name(), top, &mut Vec::new())?;
    let spoken = tree.loaded.iter().map(|(_, role)| tree.spoken_by(role));
    let spoken: Vec<Vec<bool>> = spoken.collect::<Result<_, _>>()?;
    let own = top.content.targets.clone().into_iter();
    let mut listing: Listing = own.map(|(name, file)| (name, Listed::by(file, None))).collect();
    for ((name, role), spoken) in tree.loaded.into_iter().zip(spoken) {
        let targets = Rc::unwrap_or_clone(role).into_inner().content.targets.into_iter();
        let targets = targets.zip(spoken).filter(|(_, spoken)| *spoken);
        listing.extend(targets.map(|((target, file), _)| (target, Listed::by(file, Some(&name)))));
    }
    Ok(Verified::of(listing))
}

impl Listed {
    fn by(file: TargetFile, delegated_to: Option<&Rc<str>>) -> Self {
        let delegated_to = delegated_to.cloned();
        Self { file, delegated_to }
    }
}

/// A role that hands on work.
#[derive(Clone, Copy)]
struct Delegator<'a> {
    name: &'a str,
    role: &'a Signed<Targets>,
    delegations: &'a Delegations,
}

type Load<'a> = dyn Fn(Delegator<'_>, &Step<'_>) -> Result<Loaded, TufError> + 'a;

/// The role whose word on a target counts.
enum Speaker {
    Top,
    Delegated(String, Loaded),
}

fn search(top: &Signed<Targets>, name: &str, load: &Load<'_>) -> Result<Option<Speaker>, TufError> {
    // 5.6.7.1
    if top.content.targets.contains_key(name) {
        return Ok(Some(Speaker::Top));
    }
    let mut search = Search {
        target: name,
        load,
        visited: BTreeSet::new(),
    };
    Ok(match search.below(Role::Targets.name(), top, 0)? {
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
    /// Asks the roles that this one hands on work to. Breaks when the search is over. An error ends it too: what could not be asked
    /// may have had the answer.
    fn below(
        &mut self,
        name: &str,
        role: &Signed<Targets>,
        depth: usize,
    ) -> Result<ControlFlow<Option<Speaker>>, TufError> {
        let Some(delegations) = &role.content.delegations else {
            return Ok(ControlFlow::Continue(()));
        };
        let by = Delegator {
            name,
            role,
            delegations,
        };
        // 5.6.7.2
        for step in delegations.steps_for(self.target) {
            if !self.visited.insert(step.name.clone()) {
                if step.terminating {
                    return Ok(ControlFlow::Break(None));
                }
                continue;
            }
            within("roles for one target", self.visited.len(), VISITS)?;
            within("levels of roles", depth + 1, DEPTH)?;
            let next = (self.load)(by, &step)?;
            if next.content.targets.contains_key(self.target) {
                return Ok(ControlFlow::Break(Some(Speaker::Delegated(step.name, next))));
            }
            if let ControlFlow::Break(found) = self.below(&step.name, &next, depth + 1)? {
                return Ok(ControlFlow::Break(found));
            }
            if step.terminating {
                return Ok(ControlFlow::Break(None));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// All roles that may speak of the folder, each loaded once for each delegator, since another one may trust other keys for the
/// same name.
struct Tree<'a> {
    refreshed: &'a Refreshed<'a>,
    folder: &'a str,
    loaded: Vec<(Rc<str>, Loaded)>,
    /// Where each is: by the delegator as it was loaded, and the name.
    known: BTreeMap<(*const Signed<Targets>, String), usize>,
    names: usize,
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
            let names = loaded.content.targets.keys();
            self.names += names.filter(|name| is_below(name, self.folder)).count();
            within("targets", self.names, NAMES)?;
            let key = (ptr::from_ref(role), step.name.clone());
            self.known.insert(key, self.loaded.len());
            self.loaded.push((step.name.as_str().into(), Rc::clone(&loaded)));
            within("roles", self.loaded.len(), ROLES)?;
            path.push(step.name.clone());
            self.walk(&step.name, &loaded, path)?;
            path.pop();
        }
        Ok(())
    }

    /// Which of a role's targets are below the folder and its to speak of, as [`find`] would have it.
    fn spoken_by(&self, role: &Loaded) -> Result<Vec<bool>, TufError> {
        let load = |by: Delegator<'_>, step: &Step<'_>| {
            let at = self.known.get(&(ptr::from_ref(by.role), step.name.clone()));
            let role = at.and_then(|at| self.loaded.get(*at)).map(|(_, role)| Rc::clone(role));
            // A way to a name in the folder leads through roles that may speak of the folder, and all of those were loaded.
            role.ok_or(TufError::NotRefreshed { role: Role::Targets })
        };
        let is_spoken = |name: &String| {
            if !is_below(name, self.folder) {
                return Ok(false);
            }
            let speaker = search(&self.refreshed.targets, name, &load)?;
            Ok(matches!(speaker, Some(Speaker::Delegated(_, speaker)) if Rc::ptr_eq(&speaker, role)))
        };
        role.content.targets.keys().map(is_spoken).collect()
    }
}

fn is_below(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn within(what: &'static str, count: usize, limit: usize) -> Result<(), TufError> {
    if count <= limit {
        return Ok(());
    }
    Err(TufError::TooMany { what, limit })
}
