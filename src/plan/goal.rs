//! From what was asked for to one target version and a direction.

use super::graph::Graph;
use super::route::TOLD;
use super::{Direction, Facts, Fetch, Goal, Reason, Refusal, Settled, Warning, Wish};
use crate::release::Catalog;
use crate::version::{Channel, Scheme, Version};

/// The code of the warning that a release would have been chosen, had it not been left here before.
pub const PASSED_OVER: &str = "passed-over";

/// A target that exists, and what is to be said about choosing it.
#[derive(Debug, Clone)]
pub struct Aim {
    pub to: Version,
    pub direction: Direction,
    /// Going back to where one was: `from` ranges do not apply.
    pub back: bool,
    pub fetch: Fetch,
    pub warnings: Vec<Warning>,
}

pub enum Resolved {
    AlreadyThere(Settled),
    Aim(Aim),
}

pub fn resolve(facts: &Facts, catalog: &Catalog, graph: &Graph<Version>, goal: &Goal) -> Result<Resolved, Refusal> {
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    let (mut warnings, mut barred) = (Vec::new(), Vec::new());
    let to = match goal {
        Goal::Upgrade(Wish::To(to), _) | Goal::Downgrade(to) | Goal::Rollback(to) | Goal::Schema(to) => to.clone(),
        Goal::Upgrade(Wish::Latest, _) => best(facts, catalog, graph, Channel::Alpha, (&mut warnings, &mut barred))?,
        Goal::Upgrade(Wish::Stable, _) => best(facts, catalog, graph, Channel::Release, (&mut warnings, &mut barred))?,
    };
    let wished = matches!(goal, Goal::Upgrade(Wish::Latest | Wish::Stable, _));
    if installed == Some(&to) || (wished && installed.is_some_and(|installed| to < *installed)) {
        let passed_over = warnings.into_iter().map(|warning| warning.message);
        return Ok(Resolved::AlreadyThere(Settled {
            version: installed.cloned().unwrap_or(to),
            passed_over: passed_over.chain(barred).collect(),
        }));
    }
    let Some(release) = catalog.get(&to) else {
        return Err(unknown(catalog, to));
    };
    let direction = direction(installed, &to, goal)?;
    if facts.rolled_back.contains(&to) && !matches!(goal, Goal::Rollback(_)) {
        let message = format!("an update to {to} was rolled back on this installation before");
        warnings.push(Warning {
            code: "rolled-back-before".into(),
            message,
        });
    }
    if let Some(installed) = installed.filter(|i| i.is_stable() && release.channel() != Channel::Release && **i < to) {
        let message = format!(
            "{to} is of the {} channel, the installed {installed} is a stable release",
            release.channel()
        );
        warnings.push(Warning {
            code: "pre-release".into(),
            message,
        });
    }
    warnings.extend(
        (direction == Direction::Up)
            .then(|| left_for_background(facts, catalog))
            .flatten(),
    );
    Ok(Resolved::Aim(Aim {
        to,
        direction,
        back: matches!(goal, Goal::Rollback(_)),
        fetch: goal.fetch(),
        warnings,
    }))
}

/// What the installed release has not yet done to the database may have to be done in the stop, where nobody has reckoned with it.
fn left_for_background(facts: &Facts, catalog: &Catalog) -> Option<Warning> {
    let installed = facts.installed.as_ref()?;
    let own = catalog.get(&installed.version)?.rules.schema_level?;
    let found = installed.schema_level.filter(|found| *found < own)?;
    Some(Warning {
        code: "migrations-left".into(),
        message: format!(
            "the database is at schema level {found}, {} goes up to {own}: what is left is run while the product is stopped \
             if a later file needs that; `netlink schema migrate` runs it beside the product first",
            installed.version
        ),
    })
}

fn direction(installed: Option<&Version>, to: &Version, goal: &Goal) -> Result<Direction, Refusal> {
    let wrong = |installed: &Version, command: &'static str, way: &str| {
        let message =
            format!("{to} is {way} the installed {installed}; to go there run `netlink update {command} --to {to}`");
        let reason = Reason::WrongDirection {
            installed: installed.clone(),
            wanted: to.clone(),
            command,
        };
        Err(Refusal::new(reason, message))
    };
    match (installed, goal) {
        (None, Goal::Upgrade(..)) => Ok(Direction::Install),
        (None, Goal::Downgrade(_) | Goal::Rollback(_) | Goal::Schema(_)) => {
            let message = "nothing is installed yet; install a version with `netlink init --version V`";
            Err(Refusal::new(Reason::NotInstalled, message))
        }
        (Some(installed), Goal::Upgrade(..)) if to < installed => wrong(installed, "downgrade", "below"),
        (Some(installed), Goal::Downgrade(_)) if to > installed => wrong(installed, "upgrade", "above"),
        (Some(installed), _) => Ok(if to > installed { Direction::Up } else { Direction::Down }),
    }
}

/// The highest release of at least this channel that may be installed here; those that were rolled back before are passed over,
/// and it is said; `barred` takes in why each of the others above is none to go to.
fn best(
    facts: &Facts,
    catalog: &Catalog,
    graph: &Graph<Version>,
    least: Channel,
    (warnings, barred): (&mut Vec<Warning>, &mut Vec<String>),
) -> Result<Version, Refusal> {
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    let least = least.max(facts.terms.policy.channel);
    let fitting = catalog.releases().rev().filter(|release| release.channel() >= least);
    for release in fitting {
        let version = &release.version;
        if installed != Some(version)
            && let Some(reason) = closed(graph, version)
        {
            if installed.is_none_or(|installed| version > installed) && barred.len() < TOLD {
                barred.push(format!("{version} is passed over: {reason}"));
            }
            continue;
        }
        if facts.rolled_back.contains(version) && installed != Some(version) {
            let message = format!(
                "{version} is passed over: an update to it was rolled back here before; take it anyway with `netlink update upgrade --to {version}`"
            );
            warnings.push(Warning {
                code: PASSED_OVER.into(),
                message,
            });
            continue;
        }
        return Ok(version.clone());
    }
    // With something installed, that no release fits means that there is nothing better.
    match installed {
        Some(installed) => Ok(installed.clone()),
        None => {
            let wish = if least == Channel::Release { "stable" } else { "latest" };
            let message = format!("the repository has no {wish} release for {}", facts.platform);
            Err(Refusal::new(Reason::NoRelease { wish }, message))
        }
    }
}

/// Why a release is not one to go to, whoever wants something better.
fn closed(graph: &Graph<Version>, version: &Version) -> Option<String> {
    let Some(place) = graph.find(version) else {
        return Some("it is not among the releases".to_owned());
    };
    let barred = graph.barred(place).iter().map(|(_, reason)| reason.clone());
    let avoided = graph
        .avoided(place)
        .map(|reason| format!("it is to be avoided: {reason}"));
    barred.chain(avoided).next()
}

pub fn unknown(catalog: &Catalog, wanted: Version) -> Refusal {
    let known: Vec<Version> = catalog.releases().map(|release| release.version.clone()).collect();
    let list = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let list = if list.is_empty() { "none".to_owned() } else { list };
    let message = format!("there is no release {wanted}; the versions that exist are: {list}");
    Refusal::new(Reason::UnknownVersion { wanted, known }, message)
}
