//! The dependencies of a release, as steps of an update and verbs of the house use them.

use std::path::Path;

use super::{DISK_FULL, Layout, StepError, product};
use crate::migrate::deps::{self, DepsError, Site, Tools};
use crate::release::{AptSpec, DependencySpec, ReleaseManifest};
use crate::settings::{self, Settings};

/// Demands of the locked packages that contradict each other.
pub const CONFLICT: &str = "NL0361";

/// What an error of the tools is for the journal.
pub fn failed(spec: &DependencySpec, error: &DepsError) -> StepError {
    let code = match error {
        DepsError::Conflict { .. } => CONFLICT,
        error if error.is_full() => DISK_FULL,
        _ => "NL0311",
    };
    let told = StepError::because(code, error).into_failure();
    let message = format!("dependencies `{}`: {}", spec.name(), told.message);
    let code = told.code;
    StepError::new(&code, message).log(error.log().to_vec())
}

/// With the tree of the release, wherever that lies now.
pub fn with_site<T>(
    (layout, settings): (&Layout, &Settings),
    manifest: &ReleaseManifest,
    tree: &Path,
    work: impl FnOnce(&Site<'_>) -> Result<T, StepError>,
) -> Result<T, StepError> {
    let mut values = product::places(layout, manifest);
    values.insert("release".to_owned(), tree.display().to_string());
    let tools = tools(settings);
    work(&Site {
        root: layout.root(),
        tree,
        values: &values,
        tools: &tools,
    })
}

fn tools(settings: &Settings) -> Tools {
    let given = settings.dependencies.clone();
    Tools {
        python: given.python,
        uv: given.uv,
        npm: given.npm,
        cargo: given.cargo,
        python_index: given.python_index,
        npm_registry: given.npm_registry,
        apt_get: given.apt_get,
        dpkg: given.dpkg,
        apt_options: given.apt_options,
        apt_lock_wait: given.apt_lock_wait,
        env: settings::proxies(),
    }
}

/// Those that live in the release tree.
pub fn of_the_tree(manifest: &ReleaseManifest) -> impl Iterator<Item = &DependencySpec> {
    manifest.dependencies.iter().filter(|spec| spec.place().is_some())
}

/// Those of the whole machine.
pub fn of_the_machine(manifest: &ReleaseManifest) -> impl Iterator<Item = (&DependencySpec, &AptSpec)> {
    manifest.dependencies.iter().filter_map(|spec| match spec {
        DependencySpec::Apt(apt) => Some((spec, apt)),
        _ => None,
    })
}

/// Brings what is not there yet into the release tree at its final place, and says what. Repeatable; what is whole is let be.
pub fn provide(layout: &Layout, settings: &Settings, manifest: &ReleaseManifest) -> Result<Vec<String>, StepError> {
    let tree = layout.release(&manifest.version);
    with_site((layout, settings), manifest, &tree, |site| {
        let mut said = Vec::new();
        for spec in of_the_tree(manifest) {
            said.push(provide_one(site, spec).map_err(|e| failed(spec, &e))?);
        }
        Ok(said)
    })
}

fn provide_one(site: &Site<'_>, spec: &DependencySpec) -> Result<String, DepsError> {
    if deps::is_ready(site, spec)? {
        return Ok(format!("{}: there already", spec.name()));
    }
    let Some(made) = deps::make(site, spec)? else {
        return Ok(String::new());
    };
    deps::put_in_place(site.tree, spec, &made)?;
    deps::sweep(site.tree, spec)?;
    Ok(told(spec, made.packages.len()))
}

/// `pip: 12 packages`; a command need not tell which.
pub fn told(spec: &DependencySpec, packages: usize) -> String {
    match packages {
        0 => format!("{}: done", spec.name()),
        1 => format!("{}: 1 package", spec.name()),
        more => format!("{}: {more} packages", spec.name()),
    }
}

/// What a killed or failed try has left; what is in place stays.
pub fn sweep(layout: &Layout, manifest: &ReleaseManifest) -> Result<(), StepError> {
    let tree = layout.release(&manifest.version);
    of_the_tree(manifest).try_for_each(|spec| deps::sweep(&tree, spec).map_err(|e| failed(spec, &e)))
}
