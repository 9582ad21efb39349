//! Under which terms this installation is planned for: the operator's policy and the facts that rules may depend on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::background::left_for_background;
use super::{AppError, Installation, Result};
use crate::engine::product;
use crate::journal::Outcome;
use crate::plan::{Policy, Terms};
use crate::release::{Fact, FactSheet, Platform};
use crate::{clock, host};

/// A command that gives a fact is killed after this long.
const LIMIT: Duration = Duration::from_secs(10);
/// How far back the last completed update is looked for.
const LOOKED_THROUGH: u32 = 200;

pub fn gather(installation: &Installation) -> Result<Terms> {
    let policy = &installation.settings.policy;
    let versions = &policy.version_constraints;
    Ok(Terms {
        facts: facts(installation)?,
        policy: Policy {
            min: versions.min_version.clone(),
            max: versions.max_version.clone(),
            exclude: versions.exclude_versions.clone(),
            channel: policy.channel,
        },
        zone: policy.calendar().zone,
        node: Some(policy.node.clone().unwrap_or_else(host::hostname)),
        ..Terms::at(clock::now())
    })
}

/// `platform`, `finalized`, `migrations-done`, `config.<variable of the release>`, and what the operator's commands say.
fn facts(installation: &Installation) -> Result<FactSheet> {
    let mut facts = FactSheet::default();
    facts.insert("platform", Fact::Text(Platform::this_host().to_string()));
    facts.insert("finalized", Fact::Truth(is_finalized(installation)?));
    if let Some(version) = installation.installed()? {
        // A release or a configuration that is broken is for others to name; here it only leaves its facts unknown.
        let known = product::manifest(&installation.layout, &version)
            .and_then(|manifest| Ok((product::values(&installation.layout, &manifest)?, manifest.variables)));
        let (values, variables) = known.unwrap_or_default();
        for (name, value) in values.iter().filter(|(name, _)| variables.contains_key(*name)) {
            facts.insert(format!("config.{name}"), Fact::read(value));
        }
    }
    facts.insert(
        "migrations-done",
        Fact::Truth(left_for_background(installation)?.is_empty()),
    );
    for (name, command) in &installation.settings.policy.facts {
        facts.insert(name.clone(), Fact::read(&answer(installation, name, command)?));
    }
    Ok(facts)
}

fn is_finalized(installation: &Installation) -> Result<bool> {
    let updates = installation.store.history(LOOKED_THROUGH)?;
    let last = updates
        .into_iter()
        .find(|update| update.outcome == Some(Outcome::Completed));
    Ok(last.is_none_or(|update| update.finalized_at.is_some() || update.plan.from().is_none()))
}

fn answer(installation: &Installation, name: &str, command: &[String]) -> Result<String> {
    let failed =
        |problem: String| AppError::said("NL0112", format!("the fact `{name}` of config/update.yml: {problem}"));
    let run = host::Run {
        argv: command.to_vec(),
        dir: installation.layout.root().to_path_buf(),
        env: BTreeMap::new(),
        stdin: Vec::new(),
        limit: LIMIT,
    };
    let finished = run.run().map_err(|e| failed(e.to_string()))?;
    if !finished.status.success() {
        let said = finished.stderr.lines().last().unwrap_or("nothing").to_owned();
        return Err(failed(format!(
            "`{}` failed ({}): {said}",
            command.join(" "),
            finished.status
        )));
    }
    Ok(finished.stdout.lines().next().unwrap_or_default().trim().to_owned())
}
