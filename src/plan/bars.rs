//! What keeps one from going to each release above the installed one, apart from the way there.

use jiff::Timestamp;

use super::graph::Graph;
use super::{Facts, Refusal, Rule, path};
use crate::release::{Catalog, CatalogRelease};
use crate::version::Version;

/// One thing that speaks against a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    pub rule: Rule,
    pub reason: String,
    /// When it passes by itself.
    pub until: Option<Timestamp>,
}

/// Each release above the installed one, lowest first, with what keeps whoever wants something better from going there.
pub fn bars(facts: &Facts, catalog: &Catalog) -> Result<Vec<(Version, Vec<Bar>)>, Refusal> {
    let graph = path::graph(facts, catalog)?;
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    let newer = catalog
        .releases()
        .filter(|release| installed.is_none_or(|installed| release.version > *installed));
    let told = |release: &CatalogRelease| (release.version.clone(), of_release(facts, catalog, &graph, release));
    Ok(newer.map(told).collect())
}

fn of_release(facts: &Facts, catalog: &Catalog, graph: &Graph<Version>, release: &CatalogRelease) -> Vec<Bar> {
    let version = &release.version;
    let rollout = catalog.rules_of(release).rollout;
    let lasting = |rule, reason| Bar {
        rule,
        reason,
        until: None,
    };
    let place = graph.find(version);
    let barred = place.map(|place| graph.barred(place)).unwrap_or_default();
    let mut bars: Vec<Bar> = barred
        .iter()
        .map(|(rule, reason)| Bar {
            until: rollout
                .filter(|_| *rule == Rule::Rollout)
                .map(|rollout| facts.terms.turn(version, &rollout)),
            ..lasting(*rule, reason.clone())
        })
        .collect();
    if let Some(reason) = place.and_then(|place| graph.avoided(place)) {
        bars.push(lasting(Rule::Avoid, format!("it is to be avoided: {reason}")));
    }
    let least = facts.terms.policy.channel;
    if release.channel() < least {
        bars.push(lasting(
            Rule::Policy,
            format!("the policy chooses nothing less stable than {least}"),
        ));
    }
    bars
}
