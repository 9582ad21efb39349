//! Any command of the release, for what no other kind brings.

use std::path::Path;

use super::run::{Call, text};
use super::{DepsError, Packages, Provider, Resolution, Site};
use crate::host::Finished;
use crate::release::{CommandSpec, DependencyKind, ProvidedSpec, expand};

pub struct Provided<'a>(pub &'a ProvidedSpec);

impl Provided<'_> {
    fn call<'a>(&self, site: &'a Site<'_>, at: &Path, spec: &CommandSpec) -> Result<Call<'a>, DepsError> {
        let mut values = site.values.clone();
        values.insert("env".into(), text(at));
        let argv = spec.command.iter().map(|part| expand(part, &values));
        Ok(Call {
            kind: DependencyKind::Command,
            argv: argv.collect::<Result<_, _>>()?,
            dir: site.tree,
            env: Vec::new(),
            limit: spec.timeout,
        })
    }

    fn planned(&self, site: &Site<'_>, at: &Path) -> Result<Packages, DepsError> {
        let Some(plan) = &self.0.plan else {
            return Ok(Packages::new());
        };
        listed(&self.call(site, at, plan)?.ok_to_read(site)?)
    }
}

/// A line `name version` each.
fn listed(finished: &Finished) -> Result<Packages, DepsError> {
    let lines = finished.stdout.lines().filter(|line| !line.trim().is_empty());
    let package = |line: &str| {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(name), Some(version), None) => Ok((name.to_owned(), version.to_owned())),
            _ => Err(DepsError::Unreadable {
                program: "the plan".into(),
                problem: format!("`{line}` is not a name and a version"),
            }),
        }
    };
    lines.map(package).collect()
}

impl Provider for Provided<'_> {
    fn plan(&self, site: &Site<'_>, at: &Path) -> Result<Resolution, DepsError> {
        let packages = self.planned(site, at)?;
        Ok(Resolution { packages, bytes: None })
    }

    fn apply(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        self.call(site, at, &self.0.apply)?.ok(site).map(drop)
    }

    /// The command itself is all that knows.
    fn snapshot(&self, site: &Site<'_>, at: &Path) -> Result<Packages, DepsError> {
        self.planned(site, at)
    }

    fn verify(&self, site: &Site<'_>, at: &Path) -> Result<Vec<String>, DepsError> {
        let Some(verify) = &self.0.verify else {
            return Ok(Vec::new());
        };
        let call = self.call(site, at, verify)?;
        let finished = call.run(site)?;
        match finished.status.success() {
            true => Ok(Vec::new()),
            false => Ok(vec![call.failed(&finished).to_string()]),
        }
    }
}
