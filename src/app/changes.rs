//! Changelogs of releases, from the repository's signed targets.

use super::{AppError, Installation, Result, repository};
use crate::release::{Catalog, Changelog, between};
use crate::version::Version;

/// Which changelogs are wanted.
#[derive(Debug, Clone)]
pub enum ChangesOf {
    /// The installed version.
    Installed,
    One(Version),
    /// Everything after this version, up to the newest release.
    Since(Version),
}

/// Newest first.
pub fn changes(installation: &Installation, of: &ChangesOf) -> Result<Vec<Changelog>> {
    let catalog = repository::catalog(installation)?;
    let versions: Vec<Version> = match of {
        ChangesOf::Installed => {
            let missing = || AppError::said("NL0107", "nothing is installed; name a version with `--version V`");
            vec![installation.installed()?.ok_or_else(missing)?]
        }
        ChangesOf::One(version) => vec![version.clone()],
        ChangesOf::Since(since) => {
            let after = catalog.releases().filter(|release| release.version > *since);
            after.map(|release| release.version.clone()).collect()
        }
    };
    let all = versions
        .iter()
        .map(|version| one(installation, &catalog, version))
        .collect::<Result<Vec<_>>>()?;
    Ok(match of {
        ChangesOf::Since(since) => between(all, since),
        ChangesOf::Installed | ChangesOf::One(_) => all,
    })
}

fn one(installation: &Installation, catalog: &Catalog, version: &Version) -> Result<Changelog> {
    let missing = || {
        let known = catalog
            .releases()
            .map(|release| release.version.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        AppError::said(
            "NL0102",
            format!("there is no changelog of {version}; the versions that exist are: {known}"),
        )
    };
    let target = catalog.changelog(version).ok_or_else(missing)?;
    let text = repository::changelog(installation, target)?;
    Changelog::parse(version, &text).map_err(|e| AppError::below("NL0204", &e))
}
