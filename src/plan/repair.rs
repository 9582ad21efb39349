//! The installed release once more, whole, in place of its own tree.

use super::goal::Aim;
use super::{Direction, Facts, Fetch, Goal, Hop, Reason, Refusal, Warning, Wish};
use crate::release::Catalog;
use crate::version::Version;

/// The repair that a goal comes to: it names the installed release, and wants it fetched whole or finds its tree other than whole.
/// Who wants the newest wants nothing when that is here, so a nightly upgrade does not fetch it again and again.
pub fn wanted(facts: &Facts, catalog: &Catalog, goal: &Goal) -> Option<Aim> {
    let installed = &facts.installed.as_ref()?.version;
    let Goal::Upgrade(Wish::To(to), fetch) = goal else {
        return None;
    };
    if to != installed || (*fetch == Fetch::AsNeeded && facts.is_on_disk(to)) {
        return None;
    }
    let withdrawn = catalog.withdrawal(to).map(|withdrawal| Warning {
        code: "withdrawn".into(),
        message: format!("the installed {to}: {}", withdrawal.reason()),
    });
    Some(Aim {
        to: to.clone(),
        direction: Direction::Repair,
        back: false,
        fetch: *fetch,
        warnings: withdrawn.into_iter().collect(),
    })
}

/// From the release to itself. No rule stands against that: one is there already. It only has to be had.
pub fn hops(facts: &Facts, catalog: &Catalog, to: &Version) -> Result<Vec<Hop>, Refusal> {
    let release = catalog.get(to);
    if release.is_none_or(|release| release.package_for(&facts.platform).is_none()) {
        let message = format!(
            "{to} is installed, and no package of it for {} is offered that could take its place; name a bundle that has one with \
             `--bundle FILE`, or go to another release",
            facts.platform
        );
        return Err(Refusal::new(Reason::NotOffered { version: to.clone() }, message));
    }
    Ok(vec![Hop {
        from: Some(to.clone()),
        to: to.clone(),
        stop: false,
        runs: true,
        reversible: true,
        gates: Vec::new(),
    }])
}
