//! The way through the releases: which moves are permitted, and the best chain of them.
//!
//! Up: a move may not skip a stop and must be among the target's `from` ranges. Best is: fewest hops, then the highest channel
//! of the releases between, then the newest. Down: one move, which may cross neither a barrier nor what cannot be reversed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::goal::Aim;
use super::{Direction, Facts, Hop, Plan, Reason, Refusal, RefusedHop};
use crate::release::{Catalog, CatalogRelease};
use crate::version::{Channel, Version};

pub fn find(facts: &Facts, catalog: &Catalog, aim: &Aim) -> Result<Vec<Hop>, Refusal> {
    let refuse = |refused: RefusedHop| {
        no_path(
            refused.from.clone().unwrap_or_else(|| aim.to.clone()),
            vec![refused],
            aim,
        )
    };
    let from = facts.installed.as_ref().map(|installed| &installed.version);
    let target = catalog.get(&aim.to);
    match (aim.direction, from, target) {
        (Direction::Install, _, Some(target)) => {
            available(facts, None, target).map_err(refuse)?;
            Ok(vec![hop(None, target)])
        }
        (Direction::Down, Some(from), Some(target)) => {
            let reversible = check_down(facts, catalog, from, target).map_err(refuse)?;
            Ok(vec![Hop {
                reversible,
                ..hop(Some(from), target)
            }])
        }
        (Direction::Up, Some(from), Some(target)) => {
            schema_not_ahead(facts, catalog, target)?;
            if aim.back {
                available(facts, Some(from), target).map_err(refuse)?;
                return Ok(vec![hop(Some(from), target)]);
            }
            best_up(facts, catalog, from, target, aim)
        }
        _ => Err(Refusal::new(
            Reason::NotInstalled,
            "nothing is installed that could be moved; see `netlink update version`",
        )),
    }
}

/// Moves that would have been shorter than those of the plan, each with the rule that forbids it.
pub fn refused_alternatives(facts: &Facts, catalog: &Catalog, plan: &Plan) -> Vec<RefusedHop> {
    let mut passed: Vec<&Version> = plan.from().into_iter().collect();
    passed.extend(plan.hops().map(|hop| &hop.to));
    let mut refused = Vec::new();
    for (at, from) in passed.iter().enumerate() {
        for to in passed.iter().skip(at + 2).filter_map(|to| catalog.get(to)) {
            refused.extend(check_up(facts, catalog, from, to).err());
        }
    }
    refused
}

fn hop(from: Option<&Version>, to: &CatalogRelease) -> Hop {
    Hop {
        from: from.cloned(),
        to: to.version.clone(),
        stop: to.rules.stop,
        reversible: to.rules.reversible && !to.rules.barrier,
    }
}

/// Smaller is better.
type Rank = (usize, Vec<Reverse<Channel>>, Vec<Reverse<Version>>);

fn rank(path: &[&CatalogRelease]) -> Rank {
    let between = &path[..path.len().saturating_sub(1)];
    let channels = between.iter().map(|release| Reverse(release.channel())).collect();
    (
        path.len(),
        channels,
        between.iter().map(|release| Reverse(release.version.clone())).collect(),
    )
}

/// Best chains are made of best chains, so each release in version order takes the best of those before it.
fn best_up(
    facts: &Facts,
    catalog: &Catalog,
    from: &Version,
    target: &CatalogRelease,
    aim: &Aim,
) -> Result<Vec<Hop>, Refusal> {
    let mut best: BTreeMap<&Version, Vec<&CatalogRelease>> = BTreeMap::from([(from, Vec::new())]);
    let mut refused = Vec::new();
    for to in catalog
        .releases()
        .filter(|release| release.version > *from && release.version <= target.version)
    {
        let mut chosen: Option<Vec<&CatalogRelease>> = None;
        for (before, chain) in &best {
            match check_up(facts, catalog, before, to) {
                Err(no) => refused.push(no),
                Ok(()) => {
                    let longer: Vec<_> = chain.iter().copied().chain([to]).collect();
                    if chosen.as_ref().is_none_or(|now| rank(&longer) < rank(now)) {
                        chosen = Some(longer);
                    }
                }
            }
        }
        if let Some(chain) = chosen {
            best.insert(&to.version, chain);
        }
    }
    let farthest = best.keys().next_back().map_or(from, |version| version);
    match best.get(&target.version) {
        None => {
            let farthest = (*farthest).clone();
            let witness = refused
                .into_iter()
                .filter(|no| no.from.as_ref() == Some(&farthest))
                .collect();
            Err(no_path(farthest, witness, aim))
        }
        Some(chain) => {
            let mut at = from;
            let mut hops = Vec::new();
            for release in chain {
                hops.push(hop(Some(at), release));
                at = &release.version;
            }
            Ok(hops)
        }
    }
}

fn refused(from: Option<&Version>, to: &CatalogRelease, rule: &'static str, reason: String) -> RefusedHop {
    RefusedHop {
        from: from.cloned(),
        to: to.version.clone(),
        rule,
        reason,
    }
}

fn available(facts: &Facts, from: Option<&Version>, to: &CatalogRelease) -> Result<(), RefusedHop> {
    if to.package_for(&facts.platform).is_some() || facts.on_disk.contains(&to.version) {
        return Ok(());
    }
    Err(refused(
        from,
        to,
        "platform",
        format!("{} has no package for {}", to.version, facts.platform),
    ))
}

fn check_up(facts: &Facts, catalog: &Catalog, from: &Version, to: &CatalogRelease) -> Result<(), RefusedHop> {
    available(facts, Some(from), to)?;
    if !to.rules.from.is_empty() && !to.rules.from.iter().any(|range| range.matches(from)) {
        let ranges = to
            .rules
            .from
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" or ");
        return Err(refused(
            Some(from),
            to,
            "from",
            format!("{} may be reached only from {ranges}", to.version),
        ));
    }
    let between = |release: &&CatalogRelease| release.version > *from && release.version < to.version;
    if let Some(stop) = catalog.releases().filter(between).find(|release| release.rules.stop) {
        return Err(refused(
            Some(from),
            to,
            "stop",
            format!("{} is a stop and may not be skipped", stop.version),
        ));
    }
    Ok(())
}

/// Whether the way down can itself be reversed again, or why it cannot be taken.
fn check_down(facts: &Facts, catalog: &Catalog, from: &Version, to: &CatalogRelease) -> Result<bool, RefusedHop> {
    available(facts, Some(from), to)?;
    let restore = "to get there restore a backup: `netlink backup list`";
    let crossed = catalog
        .releases()
        .filter(|release| release.version > to.version && release.version <= *from);
    for release in crossed {
        let version = &release.version;
        if release.rules.barrier {
            return Err(refused(
                Some(from),
                to,
                "barrier",
                format!("{version} may not be crossed downwards; {restore}"),
            ));
        }
        if !release.rules.reversible {
            return Err(refused(
                Some(from),
                to,
                "irreversible",
                format!("{version} cannot be reversed; {restore}"),
            ));
        }
    }
    let found = facts
        .installed
        .as_ref()
        .and_then(|installed| installed.schema_level)
        .unwrap_or(0);
    let known = to.rules.schema_level.unwrap_or(0);
    if let Some(level) = (known + 1..=found).find(|level| !facts.stored_downs.contains(level)) {
        let reason = format!("there is no way back from schema level {level}; {restore}");
        return Err(refused(Some(from), to, "irreversible", reason));
    }
    Ok(true)
}

fn schema_not_ahead(facts: &Facts, catalog: &Catalog, target: &CatalogRelease) -> Result<(), Refusal> {
    let found = facts.installed.as_ref().and_then(|installed| installed.schema_level);
    let (Some(found), Some(known)) = (found, target.rules.schema_level) else {
        return Ok(());
    };
    if found <= known {
        return Ok(());
    }
    let knows = |release: &&CatalogRelease| release.rules.schema_level.is_some_and(|level| level >= found);
    let advice = match catalog.releases().find(knows) {
        Some(release) => format!("{} knows it", release.version),
        None => "no release in the repository knows it".to_owned(),
    };
    let message = format!(
        "the database is at schema level {found}, {} knows {known}; {advice}",
        target.version
    );
    Err(Refusal::new(Reason::SchemaAhead { found, known }, message))
}

fn no_path(farthest: Version, witness: Vec<RefusedHop>, aim: &Aim) -> Refusal {
    let why = witness
        .first()
        .map_or_else(|| "no release leads on".to_owned(), ToString::to_string);
    let message = format!(
        "there is no permitted way to {}; the farthest is {farthest}: {why}; `netlink update plan --to {} --explain` shows all",
        aim.to, aim.to
    );
    Refusal::new(Reason::NoPath { farthest, witness }, message)
}
