//! What becomes of the packages that a release needs.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{AppError, Installation, Result};
use crate::engine::dependencies::{failed, of_the_machine, of_the_tree, with_site};
use crate::migrate::deps::apt::{self, AptChange, Moves};
use crate::migrate::deps::{self, Conflict, PackageChange, Packages, Resolution, Site};
use crate::package;
use crate::plan::{Direction, Plan};
use crate::release::{DependencyKind, DependencySpec, ReleaseManifest};

/// What becomes of the packages of one of the release's dependencies.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DependencyChange {
    pub name: String,
    #[schema(value_type = String)]
    pub kind: DependencyKind,
    pub changes: Vec<PackageChange>,
    /// How many stay as they are.
    pub stay: usize,
    /// Room that it takes; absent where its tool does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Where it is not simply the old release's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub way_back: Option<Cow<'static, str>>,
    /// Why the update would stop there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

/// From the installed release to the target; `trees` has the release of each hop.
pub fn changes(
    installation: &Installation,
    plan: &Plan,
    trees: &[PathBuf],
    scratch: &Path,
) -> Result<Vec<DependencyChange>> {
    // A migration of the database alone leaves them as they are.
    if plan.direction() == Direction::Schema {
        return Ok(Vec::new());
    }
    let old_tree = plan.from().map(|from| installation.layout.release(from));
    // One that cannot be read has nothing to compare with.
    let old = old_tree.as_ref().and_then(|tree| package::manifest_of(tree).ok());
    let Some(new_tree) = trees.last() else {
        return Ok(Vec::new());
    };
    let new = package::manifest_of(new_tree).map_err(|e| AppError::below("NL0306", &e))?;
    let before = |name: &str| {
        let (tree, manifest) = old_tree.as_ref().zip(old.as_ref())?;
        let spec = named(manifest, name)?;
        deps::installed(tree, spec).ok().flatten()
    };
    let of = (&installation.layout, &installation.settings);
    let mut all = with_site(of, &new, new_tree, |site| {
        let changes = of_the_tree(&new).map(|spec| {
            let planned = planned(site, spec, scratch);
            change(spec, &before(spec.name()).unwrap_or_default(), planned)
        });
        Ok(changes.collect::<Vec<_>>())
    })?;
    all.extend(with_site(of, &new, new_tree, |site| {
        let moves = match plan.direction() {
            Direction::Down => Moves::AlsoDown,
            _ => Moves::Up,
        };
        let changes = of_the_machine(&new).map(|(spec, machine)| {
            let planned = apt::plan(site, machine, moves, &apt::kept_for(new_tree, spec));
            of_machine(spec, planned)
        });
        Ok(changes.collect::<Vec<_>>())
    })?);
    let gone = old
        .iter()
        .flat_map(of_the_tree)
        .filter(|spec| named(&new, spec.name()).is_none());
    all.extend(gone.map(|spec| {
        change(
            spec,
            &before(spec.name()).unwrap_or_default(),
            Ok(Resolution::default()),
        )
    }));
    Ok(all)
}

fn named<'a>(manifest: &'a ReleaseManifest, name: &str) -> Option<&'a DependencySpec> {
    of_the_tree(manifest).find(|spec| spec.name() == name)
}

/// For all programs of the machine, so the way back is said to be what it is.
fn of_machine(
    spec: &DependencySpec,
    planned: std::result::Result<Vec<AptChange>, deps::DepsError>,
) -> DependencyChange {
    let (before, after) = match &planned {
        Ok(all) => {
            let old = all
                .iter()
                .filter_map(|one| Some((one.package.clone(), one.from.clone()?)));
            (
                old.collect(),
                all.iter().map(|one| (one.package.clone(), one.to.clone())).collect(),
            )
        }
        Err(_) => (Packages::new(), Packages::new()),
    };
    let planned = planned.map(|_| Resolution {
        packages: after,
        bytes: None,
    });
    DependencyChange {
        way_back: Some("for the whole machine; put back as well as apt can".into()),
        ..change(spec, &before, planned)
    }
}

/// What is there already need not be tried.
fn planned(site: &Site<'_>, spec: &DependencySpec, scratch: &Path) -> std::result::Result<Resolution, deps::DepsError> {
    if deps::is_ready(site, spec)? {
        let packages = deps::installed(site.tree, spec)?.unwrap_or_default();
        return Ok(Resolution { packages, bytes: None });
    }
    deps::try_out(site, spec, &scratch.join("dependencies"))
}

fn change(
    spec: &DependencySpec,
    before: &Packages,
    planned: std::result::Result<Resolution, deps::DepsError>,
) -> DependencyChange {
    let mut change = DependencyChange {
        name: spec.name().to_owned(),
        kind: spec.kind(),
        changes: Vec::new(),
        stay: 0,
        bytes: None,
        way_back: None,
        refused: None,
        conflicts: Vec::new(),
    };
    match planned {
        Ok(Resolution { packages, bytes }) => {
            change.changes = deps::changes(before, &packages);
            change.stay = packages
                .iter()
                .filter(|(name, version)| before.get(*name) == Some(version))
                .count();
            change.bytes = bytes;
        }
        Err(error) => {
            change.conflicts = error.conflicts().to_vec();
            let failure = failed(spec, &error).into_failure();
            change.refused = Some(format!("{}: {}", failure.code, failure.message));
        }
    }
    change
}
