//! Many targets, divided among hash bins: roles that each list the targets whose names' SHA-256 begins with the same digits.
//! A release then changes the few small files of its bins, and not one file that grows for ever. Bins are signed by the keys
//! of the top-level role.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use crate::crypt::digest_of;
use crate::tuf::client::accept_delegated;
use crate::tuf::delegation::{DelegatedRole, Delegations};
use crate::tuf::document::Verified;
use crate::tuf::model::{RoleRule, Root, Signed, Snapshot, Targets};
use crate::tuf::target::TargetFile;
use crate::tuf::{Role, TufError};

/// So many targets the top-level role lists itself, and a bin on average before there are more of them.
const FULL: usize = 1000;
/// 256 bins; clients read up to a thousand roles.
const MOST_DIGITS: usize = 2;

/// How targets are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Division {
    /// By so many hexadecimal digits; by none, the top-level role lists them all.
    Bins(usize),
    /// By somebody else's rules.
    Foreign,
}

/// The bins that a top-level role hands on to.
pub fn names(top: &Targets) -> Vec<String> {
    match division(top) {
        Division::Bins(digits) if digits > 0 => prefixes(digits).map(|prefix| bin(&prefix)).collect(),
        _ => Vec::new(),
    }
}

/// The contents that change when `added` are listed too: by the names of the roles, the top-level one among them when it
/// does. `listing` gives what a role lists now.
pub fn with_added<'a>(
    top: &Targets,
    listing: impl Fn(&str) -> Option<&'a Targets>,
    added: BTreeMap<String, TargetFile>,
    root: &Root,
) -> BTreeMap<String, Targets> {
    let role = Role::Targets.name().to_owned();
    let now = division(top);
    let Division::Bins(digits) = now else {
        let mut top = top.clone();
        top.targets.extend(added);
        return BTreeMap::from([(role, top)]);
    };
    let bins: Vec<_> = names(top);
    let count = top.targets.len()
        + bins
            .iter()
            .filter_map(|bin| listing(bin))
            .map(|bin| bin.targets.len())
            .sum::<usize>();
    let wanted = digits_for(count + added.len()).max(digits);
    let mut changed: BTreeMap<String, Targets> = BTreeMap::new();
    let mut to_place: Vec<(String, TargetFile)> = added.into_iter().collect();
    if wanted != digits {
        let mut divided = top.clone();
        to_place.extend(std::mem::take(&mut divided.targets));
        for bin in &bins {
            to_place.extend(listing(bin).into_iter().flat_map(|bin| bin.targets.clone()));
        }
        divided.delegations = Some(delegations(wanted, root));
        changed.insert(role.clone(), divided);
        changed.extend(prefixes(wanted).map(|prefix| (bin(&prefix), Targets::default())));
    }
    for (name, file) in to_place {
        let place = if wanted == 0 {
            role.clone()
        } else {
            bin(&prefix_of(&name, wanted))
        };
        let content = changed.entry(place).or_insert_with_key(|place| {
            if *place == role { Some(top) } else { listing(place) }
                .cloned()
                .unwrap_or_default()
        });
        content.targets.insert(name, file);
    }
    changed
}

/// The same bins, handed on to the keys that sign the top-level role now.
pub fn handed_on(top: &Targets, root: &Root) -> Targets {
    let mut top = top.clone();
    if let Division::Bins(digits @ 1..) = division(&top) {
        top.delegations = Some(delegations(digits, root));
    }
    top
}

/// A bin as a client takes it in.
pub fn accept(
    top: &Signed<Targets>,
    snapshot: &Signed<Snapshot>,
    bin: &str,
    bytes: &[u8],
) -> Result<Verified<Signed<Targets>>, TufError> {
    let delegations = top.content.delegations.as_ref();
    let step = delegations.and_then(|delegations| delegations.step(bin));
    let meta = snapshot.content.meta.get(&format!("{bin}.json"));
    let (Some(delegations), Some(step), Some(meta)) = (delegations, step, meta) else {
        return Err(TufError::NotAnnounced {
            name: bin.to_owned(),
            version: snapshot.version,
        });
    };
    let by = format!("{} {}", Role::Targets, top.version);
    accept_delegated(&delegations.mandate(&step, by), meta, bytes)
}

fn digits_for(count: usize) -> usize {
    (0..MOST_DIGITS)
        .find(|digits| count <= FULL << (4 * digits))
        .unwrap_or(MOST_DIGITS)
}

fn prefixes(digits: usize) -> impl Iterator<Item = String> {
    (0..1_usize << (4 * digits)).map(move |n| format!("{n:0digits$x}"))
}

fn bin(prefix: &str) -> String {
    format!("bin-{prefix}")
}

fn prefix_of(name: &str, digits: usize) -> String {
    digest_of(name.as_bytes()).to_string().chars().take(digits).collect()
}

fn delegations(digits: usize, root: &Root) -> Delegations {
    let rule = root.rule(Role::Targets);
    let (keyids, threshold) = rule.map_or((Vec::new(), 0), |RoleRule { keyids, threshold, .. }| {
        (keyids.clone(), *threshold)
    });
    let key = |id: &String| Some((id.clone(), root.keys.get(id)?.clone()));
    let role = |prefix: String| DelegatedRole {
        name: bin(&prefix),
        keyids: keyids.clone(),
        threshold,
        terminating: true,
        paths: None,
        path_hash_prefixes: Some(vec![prefix]),
        unknown: Map::new(),
    };
    Delegations {
        keys: keyids.iter().filter_map(key).collect(),
        roles: Some(prefixes(digits).map(role).collect()),
        succinct_roles: None,
        unknown: Map::new(),
    }
}

fn division(top: &Targets) -> Division {
    let Some(delegations) = &top.delegations else {
        return Division::Bins(0);
    };
    let roles = delegations.roles.as_deref().unwrap_or_default();
    let found: BTreeSet<(&str, Option<&[String]>)> = roles
        .iter()
        .map(|role| (role.name.as_str(), role.path_hash_prefixes.as_deref()))
        .collect();
    let is = |digits: &usize| {
        let all: Vec<_> = prefixes(*digits).map(|prefix| (bin(&prefix), [prefix])).collect();
        let all: BTreeSet<_> = all
            .iter()
            .map(|(name, prefix)| (name.as_str(), Some(prefix.as_slice())))
            .collect();
        all == found
    };
    (1..=MOST_DIGITS).find(is).map_or(Division::Foreign, Division::Bins)
}

#[cfg(test)]
mod tests;
