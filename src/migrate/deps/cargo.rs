//! cargo: programs built of sources in the release, exactly as their lock says.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::run::{Call, fixed, text};
use super::{DepsError, Packages, Provider, Resolution, Site};
use crate::disk;
use crate::release::{CargoSpec, DependencyKind};

const LOCK_LIMIT: u64 = 64 << 20;

pub struct Cargo<'a>(pub &'a CargoSpec);

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
}

impl Cargo<'_> {
    fn source(&self, site: &Site<'_>) -> PathBuf {
        self.0.source.under(site.tree)
    }

    fn call<'a>(&self, site: &Site<'_>, source: &'a Path, args: Vec<String>) -> Call<'a> {
        let mut argv = vec![site.tools.cargo.clone()];
        argv.extend(args);
        if self.0.offline {
            argv.push("--offline".into());
        }
        Call {
            kind: DependencyKind::Cargo,
            argv,
            dir: source,
            env: fixed(&[("CARGO_TERM_COLOR", "never")]),
            limit: self.0.timeout,
        }
    }
}

/// Crates of a lock, those of which there are several versions with all of them.
fn locked(path: &Path) -> Result<Packages, DepsError> {
    let lock: Lock =
        toml_edit::de::from_str(&disk::read_text_limited(path, LOCK_LIMIT)?).map_err(|e| DepsError::Unreadable {
            program: "Cargo.lock".into(),
            problem: e.to_string(),
        })?;
    let mut packages = Packages::new();
    for Locked { name, version } in lock.package {
        let versions = packages.entry(name).or_default();
        if !versions.is_empty() {
            versions.push_str(", ");
        }
        versions.push_str(&version);
    }
    Ok(packages)
}

impl Provider for Cargo<'_> {
    /// Refused where the lock would have to change, or where a crate cannot be had.
    fn plan(&self, site: &Site<'_>, _: &Path) -> Result<Resolution, DepsError> {
        let source = self.source(site);
        let args = ["metadata", "--locked", "--format-version", "1", "--quiet"].map(str::to_owned);
        self.call(site, &source, args.into()).ok(site)?;
        Ok(Resolution {
            packages: locked(&source.join("Cargo.lock"))?,
            bytes: None,
        })
    }

    fn apply(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        let (source, build) = (self.source(site), at.join(".build"));
        let args = ["install", "--locked", "--no-track", "--path", ".", "--root"].map(str::to_owned);
        let target = ["--target-dir".to_owned(), text(&build)];
        let args = args.into_iter().chain([text(at)]).chain(target).collect();
        self.call(site, &source, args).ok(site)?;
        Ok(disk::remove_tree(&build)?)
    }

    /// Programs do not tell what they were built of.
    fn snapshot(&self, site: &Site<'_>, _: &Path) -> Result<Packages, DepsError> {
        locked(&self.source(site).join("Cargo.lock"))
    }

    fn verify(&self, _: &Site<'_>, at: &Path) -> Result<Vec<String>, DepsError> {
        let is_there = at.join("bin").is_dir();
        Ok(if is_there {
            Vec::new()
        } else {
            vec!["no program was built".into()]
        })
    }
}
