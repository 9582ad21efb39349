//! What somebody is about to sign: how a draft differs from what clients see.

mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::repository::{self, DRAFT};
use super::{PublishError, products};
use crate::crypt::{Digest, digest_of};
use crate::disk;
use crate::release::{Advisory, ProductName, TargetCustom};
use crate::tuf::{Editor, Key, Role, RoleKeys, TargetFile};

/// A draft is at most this long.
const DRAFT_LIMIT: u64 = 256 << 20;
/// Of an id, as much as tells keys apart.
const SHORT: usize = 8;

#[derive(Debug, Serialize)]
pub struct Difference {
    /// Of the file that was looked at, so that this and nothing else is signed.
    #[serde(skip)]
    pub draft: Digest,
    /// Keys and thresholds that change, role by role.
    pub keys: Vec<String>,
    /// Releases, patches and changelogs that come, and what is said of releases from now on.
    pub releases: Vec<String>,
    /// Targets of another kind, and those that go.
    pub others: Vec<String>,
    /// Whatever else the signatures would cover: to whom work is handed on, fields that this version does not know.
    pub rest: Vec<String>,
    /// Roles that are signed anew, each with its version.
    pub signed: Vec<String>,
}

impl Difference {
    /// Each in a line.
    pub fn changes(&self) -> impl Iterator<Item = &String> {
        let told = self.keys.iter().chain(&self.releases).chain(&self.others);
        told.chain(&self.rest)
    }
}

/// None when nothing waits for signatures.
pub fn difference(repository: &Path) -> Result<Option<Difference>, PublishError> {
    let Some(draft) = digest(repository)? else {
        return Ok(None);
    };
    let (now, then) = (repository::look(repository)?, repository::look_with_draft(repository)?);
    if !then.has_draft() {
        return Ok(None);
    }
    let mut difference = Difference {
        draft,
        keys: key_changes(&now, &then),
        releases: Vec::new(),
        others: Vec::new(),
        rest: rest::changes(&now.contents()?, &then.contents()?),
        signed: then
            .draft_versions()
            .into_iter()
            .map(|(role, version)| format!("{role} {version}"))
            .collect(),
    };
    targets(&now, &then, &mut difference);
    Ok(Some(difference))
}

/// Of the draft that is there.
pub fn digest(repository: &Path) -> Result<Option<Digest>, PublishError> {
    match disk::read_limited(&repository.join(DRAFT), DRAFT_LIMIT) {
        Ok(bytes) => Ok(Some(digest_of(&bytes))),
        Err(e) if e.is_missing() => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn key_changes(now: &Editor, then: &Editor) -> Vec<String> {
    let (Some(mut now), Some(mut then)) = (now.signatories(), then.signatories()) else {
        return Vec::new();
    };
    let all = Role::ALL.into_iter();
    all.flat_map(|role| of_role(role, now.of_role(role), then.of_role(role)))
        .collect()
}

fn of_role(role: Role, now: &RoleKeys, then: &RoleKeys) -> Vec<String> {
    let short = |key: &Key| {
        let id = key.id().unwrap_or_default();
        format!("{} ({})", id.chars().take(SHORT).collect::<String>(), key.keytype)
    };
    let mut told = Vec::new();
    let come = then.keys.iter().filter(|key| !now.keys.contains(key));
    told.extend(come.map(|key| format!("{role}: the key {} may sign", short(key))));
    let gone = now.keys.iter().filter(|key| !then.keys.contains(key));
    told.extend(gone.map(|key| format!("{role}: the key {} may sign no more", short(key))));
    if now.threshold != then.threshold {
        told.push(format!(
            "{role}: {} of its keys must sign, now {}",
            then.threshold, now.threshold
        ));
    }
    told
}

fn targets(now: &Editor, then: &Editor, difference: &mut Difference) {
    let (before, after) = (now.targets(), then.targets());
    let is_new = |(name, file): &(&&str, &&TargetFile)| before.get(*name) != Some(*file);
    for (name, file) in after.iter().filter(is_new) {
        match file.netlink() {
            Some(TargetCustom::Advisory { product, advisory }) => {
                let earlier = before.get(name).and_then(|file| file.netlink());
                let earlier = match earlier {
                    Some(TargetCustom::Advisory { advisory, .. }) => *advisory,
                    _ => Advisory::default(),
                };
                difference.releases.extend(advised(&product, &earlier, &advisory));
            }
            Some(custom) => difference.releases.push(match before.get(name) {
                None => come(&custom),
                Some(earlier) => format!("{}: {}", come(&custom), otherwise(earlier, file)),
            }),
            None if before.contains_key(name) => difference.others.push(format!("target {name} changes")),
            None => difference.others.push(format!("target {name} is new")),
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    difference.others.extend(gone.map(|name| format!("target {name} goes")));
    let products = |editor: &Editor| -> BTreeSet<ProductName> { products::all(editor) };
    let known = products(now);
    for product in products(then).difference(&known) {
        difference.releases.push(format!("{product} is new in this repository"));
    }
}

fn come(custom: &TargetCustom) -> String {
    match custom {
        TargetCustom::Package {
            product,
            version,
            platform,
            ..
        } => format!("release {product} {version} for {platform}"),
        TargetCustom::Patch {
            product,
            version,
            from,
            platform,
        } => format!("patch {product} {from} -> {version} for {platform}"),
        TargetCustom::Changelog { product, version } => format!("changelog of {product} {version}"),
        TargetCustom::Advisory { product, .. } => format!("what is said of {product}"),
    }
}

/// What is changed of a target that clients see already.
fn otherwise(before: &TargetFile, after: &TargetFile) -> &'static str {
    let is_same_file = before.length == after.length && before.hashes == after.hashes;
    if is_same_file {
        "other words on the same file"
    } else {
        "ANOTHER FILE in place of the one that clients see now"
    }
}

fn advised(product: &ProductName, before: &Advisory, after: &Advisory) -> Vec<String> {
    let mut told = Vec::new();
    for (version, withdrawal) in changed(&before.withdrawn, &after.withdrawn) {
        told.push(format!("{product} {version} is withdrawn: {}", withdrawal.reason));
    }
    for version in before.withdrawn.keys().filter(|one| !after.withdrawn.contains_key(one)) {
        told.push(format!("{product} {version} may be entered again"));
    }
    for (version, rollout) in changed(&before.rollouts, &after.rollouts) {
        told.push(format!(
            "{product} {version} comes to all from {:.0} on, over {} h",
            rollout.start, rollout.hours
        ));
    }
    for block in after.blocked.iter().filter(|block| !before.blocked.contains(block)) {
        told.push(format!("{product}: the block {} comes: {}", block.name(), block.reason));
    }
    for block in before.blocked.iter().filter(|block| !after.blocked.contains(block)) {
        told.push(format!("{product}: the block {} goes", block.name()));
    }
    told
}

fn changed<'a, K: Ord, V: PartialEq>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    after.iter().filter(|(key, value)| before.get(key) != Some(value))
}
