//! The way from what is installed to the target, over the graph of all releases in the catalog.
//!
//! Up: any permitted chain. Down: besides, the schema must know its way back. Going back to where one was asks for less: that the
//! release is there at all.

use super::component::to_bring;
use super::goal::Aim;
use super::graph::{Building, Ends, Graph, GraphError};
use super::route::{self, Stuck};
use super::{Direction, Facts, Hop, Reason, Refusal, RefusedHop, Rule, Warning};
use super::{repair, travel};
use crate::release::{Catalog, CatalogRelease, Offered};
use crate::version::Version;

/// The catalog's releases under the terms of this installation.
pub fn graph(facts: &Facts, catalog: &Catalog) -> Result<Graph<Version>, Refusal> {
    assembled(facts, catalog).map_err(|error| {
        let message = format!("the releases contradict each other: {error}; tell the publisher");
        Refusal::new(Reason::Contradiction, message)
    })
}

/// The same for whoever is to mend what contradicts itself.
pub fn assembled(facts: &Facts, catalog: &Catalog) -> Result<Graph<Version>, GraphError> {
    let versions = catalog.releases().map(|release| release.version.clone()).collect();
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    let mut building = Building::new(versions, installed, &facts.terms)?;
    for (nth, release) in catalog.releases().enumerate() {
        building.rules(nth, &catalog.rules_of(release))?;
        if release.offered == Offered::NoMore {
            let reason = format!(
                "{} is not among the releases that its publisher offers; `netlink update rollback` goes back to where one was",
                release.version
            );
            building.bar(nth, Rule::Yanked, reason);
        }
        if let Some(withdrawal) = catalog.withdrawal(&release.version) {
            building.bar(nth, Rule::Yanked, withdrawal.reason());
        }
        if !is_available(facts, release) {
            let reason = format!("{} has no package for {}", release.version, facts.platform);
            building.bar(nth, Rule::Platform, reason);
        }
    }
    let blocked = catalog.advisory().map_or(&[][..], |advisory| &advisory.blocked);
    for block in blocked {
        building.block(block)?;
    }
    building.finish()
}

pub fn find(facts: &Facts, catalog: &Catalog, graph: &Graph<Version>, aim: &Aim) -> Result<Vec<Hop>, Refusal> {
    let from = facts.installed.as_ref().map(|installed| &installed.version);
    let Some(target) = catalog.get(&aim.to) else {
        return Err(nothing_installed());
    };
    match (aim.direction, from) {
        (Direction::Install, _) => install(graph, target, aim),
        (Direction::Up, Some(from)) => {
            schema_not_ahead(facts, catalog, target)?;
            if aim.back {
                return back(facts, graph, from, target, aim);
            }
            permitted(graph, from, aim)
        }
        (Direction::Down, Some(from)) => {
            let hops = if aim.back && !crosses_one_way(graph, from, target) {
                back(facts, graph, from, target, aim)?
            } else {
                permitted(graph, from, aim)?
            };
            the_schema_knows_its_way_back(facts, from, target, aim)?;
            Ok(hops)
        }
        (Direction::Repair | Direction::Schema, _) => repair::hops(facts, catalog, &aim.to),
        (Direction::Up | Direction::Down, None) => Err(nothing_installed()),
    }
}

/// What is to be said of releases and moves on the way.
pub fn warnings(graph: &Graph<Version>, hops: &[Hop]) -> Vec<Warning> {
    let start = hops.first().and_then(|hop| hop.from.as_ref());
    let passed = start.into_iter().chain(hops.iter().map(|hop| &hop.to));
    let chain: Option<Vec<u32>> = passed.map(|version| graph.find(version)).collect();
    chain.map(|chain| travel::warnings(graph, &chain)).unwrap_or_default()
}

fn crosses_one_way(graph: &Graph<Version>, from: &Version, target: &CatalogRelease) -> bool {
    let places = graph.find(&target.version).zip(graph.find(from));
    places.is_some_and(|(low, high)| !graph.is_reversible(low, high))
}

fn is_available(facts: &Facts, release: &CatalogRelease) -> bool {
    release.package_for(&facts.platform).is_some() || facts.is_on_disk(&release.version)
}

fn nothing_installed() -> Refusal {
    let message = "nothing is installed that could be moved; see `netlink update version`";
    Refusal::new(Reason::NotInstalled, message)
}

/// The first release: only what keeps everybody out keeps one out.
fn install(graph: &Graph<Version>, target: &CatalogRelease, aim: &Aim) -> Result<Vec<Hop>, Refusal> {
    let Some(place) = graph.find(&target.version) else {
        return Err(nothing_installed());
    };
    let barred = graph.barred(place).iter().filter(|(rule, _)| *rule != Rule::Requires);
    let witness: Vec<RefusedHop> = barred
        .map(|(rule, reason)| RefusedHop {
            from: None,
            to: target.version.clone(),
            rule: *rule,
            reason: reason.clone(),
        })
        .collect();
    if witness.is_empty() {
        return Ok(vec![hop(graph, None, place)]);
    }
    let farthest = target.version.clone();
    Err(no_path(
        Stuck {
            farthest,
            witness,
            components: Vec::new(),
        },
        aim,
    ))
}

/// To where one came from, in one move, whatever ranges and stops say of the other direction.
fn back(
    facts: &Facts,
    graph: &Graph<Version>,
    from: &Version,
    target: &CatalogRelease,
    aim: &Aim,
) -> Result<Vec<Hop>, Refusal> {
    let places = graph.find(from).zip(graph.find(&target.version));
    let (from_place, to) = places.ok_or_else(nothing_installed)?;
    if is_available(facts, target) {
        return Ok(vec![hop(graph, Some(from_place), to)]);
    }
    let ends = Ends {
        heading: route::heading(from_place, to),
        goal: to,
        without: None,
    };
    let witness = route::refusals(graph, from_place, to, ends);
    let missing = witness
        .into_iter()
        .filter(|refused| refused.rule == Rule::Platform)
        .collect();
    let farthest = from.clone();
    Err(no_path(
        Stuck {
            farthest,
            witness: missing,
            components: Vec::new(),
        },
        aim,
    ))
}

fn permitted(graph: &Graph<Version>, from: &Version, aim: &Aim) -> Result<Vec<Hop>, Refusal> {
    let places = graph.find(from).zip(graph.find(&aim.to));
    let (from, to) = places.ok_or_else(nothing_installed)?;
    let chain = route::route(graph, from, to).map_err(|stuck| no_path(stuck, aim))?;
    let runs = travel::runs(graph, &chain);
    let hop = |(pair, runs): (&[u32], bool)| Hop {
        runs,
        ..hop(graph, Some(pair[0]), pair[1])
    };
    let hops: Vec<Hop> = chain.windows(2).zip(runs).map(hop).collect();
    not_past_a_gate(&hops)?;
    Ok(hops)
}

/// Whether a later gate holds shows only once the release before it runs: that is a journey of its own.
fn not_past_a_gate(hops: &[Hop]) -> Result<(), Refusal> {
    let Some(gated) = hops.iter().skip(1).find(|hop| !hop.gates.is_empty()) else {
        return Ok(());
    };
    let (at, gates) = (
        gated.from.clone().unwrap_or_else(|| gated.to.clone()),
        gated.gates.clone(),
    );
    let message = format!(
        "{} requires {} of {at}, which shows only once {at} runs; go there first with `netlink update upgrade --to {at}`",
        gated.to,
        gates.join(", ")
    );
    Err(Refusal::new(Reason::Gated { at, gates }, message))
}

fn hop(graph: &Graph<Version>, from: Option<u32>, to: u32) -> Hop {
    let up = from.is_none_or(|from| from < to);
    Hop {
        from: from.map(|from| graph.version(from).clone()),
        to: graph.version(to).clone(),
        stop: up && graph.is_stop(to),
        runs: true,
        reversible: !up || from.is_none_or(|from| graph.is_reversible(from, to)),
        gates: if up { graph.gates(to).to_vec() } else { Vec::new() },
    }
}

pub fn the_schema_knows_its_way_back(
    facts: &Facts,
    from: &Version,
    target: &CatalogRelease,
    aim: &Aim,
) -> Result<(), Refusal> {
    let found = facts.installed.as_ref().and_then(|installed| installed.schema_level);
    let (found, known) = (found.unwrap_or(0), target.rules.schema_level.unwrap_or(0));
    let Some(level) = (known + 1..=found).find(|level| !facts.stored_downs.contains(level)) else {
        return Ok(());
    };
    let restore = facts.restore.as_ref().filter(|_| aim.direction == Direction::Down);
    if restore.is_some_and(|restore| restore.level == known) {
        return Ok(());
    }
    let refused = RefusedHop {
        from: Some(from.clone()),
        to: target.version.clone(),
        rule: Rule::Irreversible,
        reason: {
            let why = facts
                .one_way_levels
                .get(&level)
                .map(|why| format!(" ({why})"))
                .unwrap_or_default();
            let flag = match aim.direction {
                Direction::Down => {
                    "; `--restore-backup` restores the database of the backup from before, and what was written since is lost"
                }
                _ => "",
            };
            format!(
                "there is no way back from schema level {level}{why}; to get there restore a backup: `netlink backup list`{flag}"
            )
        },
    };
    let farthest = from.clone();
    Err(no_path(
        Stuck {
            farthest,
            witness: vec![refused],
            components: Vec::new(),
        },
        aim,
    ))
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

fn no_path(stuck: Stuck<Version>, aim: &Aim) -> Refusal {
    let bring = to_bring(&stuck.components)
        .map(|bring| format!("; {bring}"))
        .unwrap_or_default();
    let Stuck { farthest, witness, .. } = stuck;
    let why = witness
        .first()
        .map_or_else(|| "no release leads on".to_owned(), ToString::to_string);
    let message = format!(
        "there is no permitted way to {}; the farthest is {farthest}: {why}{bring}; `netlink update plan --to {} --explain` shows all",
        aim.to, aim.to
    );
    Refusal::new(Reason::NoPath { farthest, witness }, message)
}
