//! To whom a targets role hands on which names: sections 4.5 and TAP 15 of the specification, as data and as a question.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Key;
use super::model::{Mandate, Role};
use super::pattern::{matches, reaches_into};
use crate::crypt::digest_of;

/// More roles than this in one file are not a way to hand on work; hash bins go as far.
const ROLES: usize = 1 << 14;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Delegations {
    pub keys: BTreeMap<String, Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<DelegatedRole>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succinct_roles: Option<SuccinctRoles>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DelegatedRole {
    pub name: String,
    pub keyids: Vec<String>,
    pub threshold: u64,
    #[serde(default)]
    pub terminating: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_hash_prefixes: Option<Vec<String>>,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Hash bins that share their keys: `<prefix>-<number in hex>`, `2^bit_length` of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuccinctRoles {
    pub keyids: Vec<String>,
    pub threshold: u64,
    pub bit_length: u32,
    pub name_prefix: String,
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// One role to ask next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'a> {
    pub name: String,
    pub terminating: bool,
    keyids: &'a [String],
    threshold: u64,
}

impl Delegations {
    pub fn check(&self) -> Result<(), String> {
        match (&self.roles, &self.succinct_roles) {
            (Some(roles), None) => check_roles(roles),
            (None, Some(bins)) => bins.check(),
            (Some(_), Some(_)) => Err("it delegates by roles and by succinct_roles at once".into()),
            (None, None) => Err("it delegates without saying to whom".into()),
        }
    }

    /// The roles that may speak of the target `name`, in order of their rank.
    pub fn steps_for(&self, name: &str) -> Vec<Step<'_>> {
        if let Some(bins) = &self.succinct_roles {
            return vec![bins.step(bins.bin_of(name))];
        }
        let digest = digest_of(name.as_bytes()).to_string();
        let roles = self.roles.iter().flatten();
        roles
            .filter(|role| role.may_list(name, &digest))
            .map(DelegatedRole::step)
            .collect()
    }

    /// The roles that may speak of something in `folder`, in order of their rank; none when there are more than `limit`.
    pub fn steps_into(&self, folder: &str, limit: usize) -> Option<Vec<Step<'_>>> {
        self.steps_to(&|role| role.may_list_in(folder), limit)
    }

    /// All roles, in order of their rank; none when there are more than `limit`.
    pub fn steps(&self, limit: usize) -> Option<Vec<Step<'_>>> {
        self.steps_to(&|_| true, limit)
    }

    /// Hash bins may speak of anything.
    fn steps_to(&self, is_wanted: &dyn Fn(&DelegatedRole) -> bool, limit: usize) -> Option<Vec<Step<'_>>> {
        if let Some(bins) = &self.succinct_roles {
            let count = 1_u64 << bins.bit_length;
            return (count <= limit as u64).then(|| (0..count).map(|bin| bins.step(bin)).collect());
        }
        let roles = self.roles.iter().flatten();
        let roles: Vec<_> = roles.filter(|role| is_wanted(role)).map(DelegatedRole::step).collect();
        (roles.len() <= limit).then_some(roles)
    }

    /// The role of this name.
    pub fn step(&self, name: &str) -> Option<Step<'_>> {
        if let Some(bins) = &self.succinct_roles {
            let digits = name.strip_prefix(&bins.name_prefix)?.strip_prefix('-')?;
            let bin = u64::from_str_radix(digits, 16).ok()?;
            let step = bins.step(bin);
            return (bin < 1 << bins.bit_length && step.name == name).then_some(step);
        }
        let mut roles = self.roles.iter().flatten();
        roles.find(|role| role.name == name).map(DelegatedRole::step)
    }

    /// Who must sign for a step.
    pub fn mandate<'a>(&'a self, step: &Step<'a>, by: String) -> Mandate<'a> {
        Mandate {
            keys: &self.keys,
            keyids: step.keyids,
            threshold: step.threshold,
            by,
        }
    }
}

impl DelegatedRole {
    /// By paths or by the first digits of the name's SHA-256: exactly one of the two is there.
    fn may_list(&self, name: &str, digest: &str) -> bool {
        let mut paths = self.paths.iter().flatten();
        let mut prefixes = self.path_hash_prefixes.iter().flatten();
        paths.any(|pattern| matches(pattern, name)) || prefixes.any(|prefix| digest.starts_with(prefix.as_str()))
    }

    /// What goes by hashes may be anywhere.
    fn may_list_in(&self, folder: &str) -> bool {
        let mut paths = self.paths.iter().flatten();
        self.path_hash_prefixes.is_some() || paths.any(|pattern| reaches_into(pattern, folder))
    }

    fn step(&self) -> Step<'_> {
        Step {
            name: self.name.clone(),
            terminating: self.terminating,
            keyids: &self.keyids,
            threshold: self.threshold,
        }
    }

    fn check(&self) -> Result<(), String> {
        let name = &self.name;
        check_name(name)?;
        check_keys(name, &self.keyids, self.threshold)?;
        match (&self.paths, &self.path_hash_prefixes) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => Err(format!("it delegates to `{name}` by paths and by hashes at once")),
            (None, None) => Err(format!("it delegates nothing to `{name}`")),
        }
    }
}

impl SuccinctRoles {
    fn check(&self) -> Result<(), String> {
        let name = &self.name_prefix;
        if !(1..=32).contains(&self.bit_length) {
            return Err(format!("it divides into bins by {} bits", self.bit_length));
        }
        check_name(name)?;
        check_keys(name, &self.keyids, self.threshold)
    }

    /// By the first bits of the name's SHA-256.
    fn bin_of(&self, name: &str) -> u64 {
        let digest = digest_of(name.as_bytes());
        let [a, b, c, d, ..] = *digest.as_bytes();
        u64::from(u32::from_be_bytes([a, b, c, d])) >> (32 - self.bit_length)
    }

    fn step(&self, bin: u64) -> Step<'_> {
        let digits = self.bit_length.div_ceil(4) as usize;
        Step {
            name: format!("{}-{bin:0digits$x}", self.name_prefix),
            terminating: true,
            keyids: &self.keyids,
            threshold: self.threshold,
        }
    }
}

fn check_roles(roles: &[DelegatedRole]) -> Result<(), String> {
    if roles.len() > ROLES {
        return Err(format!("it delegates to {} roles, more than {ROLES}", roles.len()));
    }
    let mut names = BTreeSet::new();
    for role in roles {
        role.check()?;
        if !names.insert(&role.name) {
            return Err(format!("it delegates to `{}` twice", role.name));
        }
    }
    Ok(())
}

/// A delegated role may have any name but those that already mean something.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || Role::ALL.into_iter().any(|role| role.name() == name) {
        return Err(format!("a delegated role cannot be called `{name}`"));
    }
    Ok(())
}

pub(super) fn check_keys(name: &str, keyids: &[String], threshold: u64) -> Result<(), String> {
    if threshold == 0 {
        return Err(format!("its threshold for {name} is 0"));
    }
    let mut seen = BTreeSet::new();
    match keyids.iter().find(|id| !seen.insert(*id)) {
        Some(twice) => Err(format!("it names the key {twice} twice for {name}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delegations(value: Value) -> Delegations {
        serde_json::from_value(value).unwrap()
    }

    fn names(delegations: &Delegations, target: &str) -> Vec<String> {
        let steps = delegations.steps_for(target);
        steps.into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_target_goes_to_the_roles_that_may_list_it_in_their_order() {
        let role =
            |name: &str, kind: &str, what: Value| json!({"name": name, "keyids": [], "threshold": 1, kind: what});
        let all = delegations(json!({"keys": {}, "roles": [
            role("z", "paths", json!(["a/*"])),
            // SHA-256 of "a/b" begins with c14cddc033f64b9dea80ea675cf280a0.
            role("hash", "path_hash_prefixes", json!(["ff", "c14c"])),
            role("none", "paths", json!([])),
            role("a", "paths", json!(["*", "a/b"])),
        ]}));
        all.check().unwrap();
        assert_eq!(names(&all, "a/b"), ["z", "hash", "a"]);
        assert_eq!(names(&all, "a/c"), ["z"]);
        assert_eq!(names(&all, "c"), ["a"]);
        let into = |folder: &str| {
            let steps = all.steps_into(folder, 9).unwrap();
            steps.into_iter().map(|step| step.name).collect::<Vec<_>>()
        };
        assert_eq!(into("a"), ["z", "hash", "a"]);
        assert_eq!(into("b"), ["hash"]);
    }

    #[test]
    fn bins_are_named_and_chosen_as_others_do_it() {
        let bins = |bits: u32| {
            let bins = json!({"keyids": [], "threshold": 1, "bit_length": bits, "name_prefix": "bin"});
            delegations(json!({"keys": {}, "succinct_roles": bins}))
        };
        for (bits, name) in [
            (1, "bin-1"),
            (4, "bin-c"),
            (5, "bin-18"),
            (8, "bin-c1"),
            (16, "bin-c14c"),
            (32, "bin-c14cddc0"),
        ] {
            bins(bits).check().unwrap();
            assert_eq!(names(&bins(bits), "a/b"), [name]);
        }
        assert_eq!(bins(2).steps_into("a", 4).unwrap().len(), 4);
        assert_eq!(bins(2).steps_into("a", 3), None);
        for (name, known) in [
            ("bin-3", true),
            ("bin-4", false),
            ("bin-03", false),
            ("bin-", false),
            ("3", false),
        ] {
            assert_eq!(bins(2).step(name).is_some(), known, "{name}");
        }
        for bits in [0, 33] {
            assert!(bins(bits).check().is_err());
        }
    }

    #[test]
    fn delegations_that_mean_nothing_or_two_things_are_refused() {
        let role = json!({"name": "a", "keyids": ["k"], "threshold": 1, "paths": ["*"]});
        let with = |field: &str, value: Value| {
            let mut changed = role.clone();
            changed[field] = value;
            json!({"keys": {}, "roles": [changed]})
        };
        let mut twofold = with("name", json!("a"));
        twofold["succinct_roles"] = json!({"keyids": [], "threshold": 1, "bit_length": 4, "name_prefix": "b"});
        delegations(with("name", json!("../x"))).check().unwrap();
        for (bad, word) in [
            (with("name", json!("")), "called"),
            (with("name", json!("targets")), "called"),
            (with("name", json!("root")), "called"),
            (with("threshold", json!(0)), "threshold"),
            (with("keyids", json!(["k", "k"])), "twice"),
            (with("path_hash_prefixes", json!(["00"])), "at once"),
            (with("paths", Value::Null), "nothing"),
            (json!({"keys": {}, "roles": [role, role]}), "twice"),
            (json!({"keys": {}}), "to whom"),
            (twofold, "at once"),
        ] {
            let refused = delegations(bad.clone()).check().unwrap_err();
            assert!(refused.contains(word), "{bad}: {refused}");
        }
    }
}
