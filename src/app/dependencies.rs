//! The dependencies of the installed release: made anew from its locks, and compared with them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{AppError, Installation, Result};
use crate::engine::dependencies::{self, failed, of_the_machine, of_the_tree, with_site};
use crate::engine::{InstallationLock, StepError, product};
use crate::migrate::deps::{self, DepsError, Made, Site, apt};
use crate::release::{DependencySpec, ReleaseManifest};
use crate::store::StoreError;
use crate::version::Version;
use crate::{disk, host, target};

#[derive(Debug, Serialize)]
pub struct Reinstalled {
    pub version: Version,
    /// What was made anew, e.g. `pip: 12 packages`.
    pub made: Vec<String>,
    pub restarted: bool,
}

/// Makes all environments of the installed release anew beside those in place, exchanges them, and starts the product again if it
/// runs. Where it is not healthy then, what was there before is put back.
pub fn reinstall_dependencies(root: &Path, config: Option<&Path>) -> Result<Reinstalled> {
    let installation = Installation::open(root, config)?;
    let _lock = InstallationLock::take(&installation.layout, "netlink update reinstall-deps")?;
    // A tool that outlived a killed NetLink would fill the folder that is about to be made anew.
    host::end_commands(installation.layout.root());
    if let Some(id) = installation.store.unfinished()? {
        return Err(StoreError::Unfinished { id }.into());
    }
    let missing = || {
        AppError::said(
            "NL0107",
            "nothing is installed; `netlink init --version V` installs a release with its dependencies",
        )
    };
    let version = installation.installed()?.ok_or_else(missing)?;
    let manifest = product::manifest(&installation.layout, &version)?;
    let tree = installation.layout.release(&version);
    let of = (&installation.layout, &installation.settings);
    let (made, restarted) = with_site(of, &manifest, &tree, |site| {
        let made = make_all(site, &manifest)?;
        let restarted = !made.is_empty() && exchange(&installation, &manifest, site, &made)?;
        Ok((made, restarted))
    })?;
    let told = made
        .iter()
        .map(|(spec, made)| dependencies::told(spec, made.packages.len()));
    Ok(Reinstalled {
        version,
        made: told.collect(),
        restarted,
    })
}

type AllMade<'a> = Vec<(&'a DependencySpec, Made)>;

/// Nothing is exchanged before all are there.
fn make_all<'a>(site: &Site<'_>, manifest: &'a ReleaseManifest) -> std::result::Result<AllMade<'a>, StepError> {
    let mut all = Vec::new();
    for spec in of_the_tree(manifest) {
        match deps::make(site, spec) {
            Ok(made) => all.extend(made.map(|made| (spec, made))),
            Err(e) => {
                sweep(site, manifest)?;
                return Err(failed(spec, &e));
            }
        }
    }
    Ok(all)
}

fn sweep(site: &Site<'_>, manifest: &ReleaseManifest) -> std::result::Result<(), StepError> {
    of_the_tree(manifest).try_for_each(|spec| deps::sweep(site.tree, spec).map_err(|e| failed(spec, &e)))
}

/// There while the product is stopped for an exchange, so that one that was cut off is told and starts it again.
fn mark(installation: &Installation) -> PathBuf {
    installation.layout.state().join("reinstalling")
}

/// Says whether the product was started again.
fn exchange(
    installation: &Installation,
    manifest: &ReleaseManifest,
    site: &Site<'_>,
    made: &AllMade<'_>,
) -> std::result::Result<bool, StepError> {
    let layout = &installation.layout;
    let mark = mark(installation);
    let on_disk = |e: disk::DiskError| StepError::because("NL0320", &e);
    let is_wanted = target::is_desired(layout.root()).map_err(|e| StepError::because("NL0315", &e))?;
    let is_to_run = is_wanted || disk::exists(&mark).map_err(on_disk)?;
    if is_to_run {
        disk::write_atomic(&mark, b"", 0o600).map_err(on_disk)?;
        stop(installation, manifest)?;
    }
    for (spec, made) in made {
        deps::put_in_place(site.tree, spec, made).map_err(|e| failed(spec, &e))?;
    }
    if is_to_run && let Err(error) = start(installation, manifest) {
        stop(installation, manifest)?;
        for (spec, made) in made {
            deps::discard(site.tree, spec, made).map_err(|e| failed(spec, &e))?;
        }
        // As it was before, healthy or not.
        product::start_as_it_was(layout, manifest)?;
        disk::remove_file(&mark).map_err(on_disk)?;
        let told = error.into_failure();
        let message = format!("{}; the dependencies from before are in place again", told.message);
        return Err(StepError::new("NL0362", message).log(told.log));
    }
    disk::remove_file(&mark).map_err(on_disk)?;
    sweep(site, manifest)?;
    Ok(is_to_run)
}

fn stop(installation: &Installation, manifest: &ReleaseManifest) -> std::result::Result<(), StepError> {
    let limit = manifest.run.as_ref().map(|run| run.stop_timeout).unwrap_or_default();
    product::stop(&installation.layout, limit)
}

fn start(installation: &Installation, manifest: &ReleaseManifest) -> std::result::Result<(), StepError> {
    product::start(&installation.layout, manifest)?;
    product::become_healthy(&installation.layout, &installation.settings, manifest, &|| false).map(drop)
}

/// How what is installed for the release differs from what it locks.
pub(super) fn differences(installation: &Installation, manifest: &ReleaseManifest) -> Result<Vec<String>> {
    let tree = installation.layout.release(&manifest.version);
    let of = (&installation.layout, &installation.settings);
    let mut all = Vec::new();
    let mut is_ours = false;
    with_site(of, manifest, &tree, |site| {
        let mut tell = |spec: &DependencySpec, found: std::result::Result<Vec<String>, DepsError>| {
            let told = found.unwrap_or_else(|e| vec![e.to_string()]).into_iter();
            all.extend(told.map(|wrong| format!("dependencies `{}`: {wrong}", spec.name())));
        };
        for (spec, machine) in of_the_machine(manifest) {
            tell(spec, apt::verify(site, machine));
        }
        for spec in of_the_tree(manifest) {
            let found = deps::verify(site, spec);
            is_ours |= !matches!(&found, Ok(wrong) if wrong.is_empty());
            tell(spec, found);
        }
        Ok(())
    })?;
    if is_ours {
        all.push("`netlink update reinstall-deps` makes them anew".into());
    }
    if disk::exists(&mark(installation))? {
        all.push("`netlink update reinstall-deps` was cut off while the product was stopped; run it again".into());
    }
    Ok(all)
}
