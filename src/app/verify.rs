//! A fresh look: is the installation what the records say, and what the publisher signed?

use serde::Serialize;

use super::{AppError, Installation, Result, dependencies};
use crate::engine::{VersionFile, knows, product};
use crate::release::ReleaseManifest;
use crate::version::Version;
use crate::{package, target};

#[derive(Debug, Serialize)]
pub struct VerifyView {
    pub version: Option<Version>,
    pub ok: bool,
    pub differences: Vec<String>,
    pub changed: Vec<String>,
    pub missing: Vec<String>,
    pub extra: Vec<String>,
}

/// Every file of the active release against its manifest, its dependencies against their locks, and all records against each other.
pub fn verify(installation: &Installation) -> Result<VerifyView> {
    let version = installation.installed()?;
    let mut differences = end_state(installation, version.as_ref())?;
    let mut view = VerifyView {
        version,
        ok: false,
        differences: Vec::new(),
        changed: Vec::new(),
        missing: Vec::new(),
        extra: Vec::new(),
    };
    if let Some(version) = &view.version {
        match package::verify_tree(&installation.layout.release(version)) {
            Ok(tree) => {
                (view.changed, view.missing, view.extra) = (tree.changed, tree.missing, tree.extra);
                if let Ok(manifest) = product::manifest(&installation.layout, version) {
                    view.extra.retain(|path| !manifest.is_of_dependencies(path));
                    differences.extend(dependencies::differences(installation, &manifest)?);
                }
            }
            // What to do about it stands among the differences already.
            Err(e) => differences.push(AppError::below("NL0306", &e).to_string()),
        }
    }
    view.differences = differences;
    view.ok =
        view.differences.is_empty() && view.changed.is_empty() && view.missing.is_empty() && view.extra.is_empty();
    Ok(view)
}

/// What differs from an installation in which `version` is in place; quick, without reading every file.
pub fn end_state(installation: &Installation, version: Option<&Version>) -> Result<Vec<String>> {
    end_state_at(installation, version, None)
}

/// The same, with the database at this schema level, whatever the release needs.
pub fn end_state_at(installation: &Installation, version: Option<&Version>, level: Option<u32>) -> Result<Vec<String>> {
    let layout = &installation.layout;
    let mut differences = Vec::new();
    let mut expect = |what: &str, found: Option<&Version>| {
        if found != version {
            let name = |version: Option<&Version>| version.map_or("none".to_owned(), ToString::to_string);
            differences.push(format!("{what} is {}, expected {}", name(found), name(version)));
        }
    };
    expect("the active release", layout.active().as_ref());
    expect("the recorded version", installation.installed()?.as_ref());
    let file = VersionFile::read(&layout.version_file()).map_err(|e| AppError::below("NL0408", &e))?;
    expect("version.json", file.as_ref().map(|file| &file.current_version));
    let Some(version) = version else { return Ok(differences) };
    let manifest = match product::manifest(layout, version) {
        Ok(manifest) => manifest,
        Err(e) => {
            differences.push(e.into_failure().message);
            return Ok(differences);
        }
    };
    if !package::looks_whole(&layout.release(version), &manifest) {
        differences.push(format!(
            "release {version} is not whole; `netlink update verify` lists the files"
        ));
    }
    differences.extend(schema_differs(installation, &manifest, level)?);
    differences.extend(running_differs(installation, version)?);
    Ok(differences)
}

/// `level` is what it was brought to on purpose; else any on which the release runs will do.
fn schema_differs(
    installation: &Installation,
    manifest: &ReleaseManifest,
    level: Option<u32>,
) -> Result<Option<String>> {
    let (Some(_), Some(own)) = (&manifest.database, manifest.rules.schema_level) else {
        return Ok(None);
    };
    let found = knows::level_of(&installation.layout, manifest)?;
    let fits = match (found, level) {
        (Some(found), Some(level)) => found == level,
        (Some(found), None) => knows::runs_on(&installation.layout, manifest, found)?,
        (None, _) => false,
    };
    let found = found.map_or_else(
        || "without a schema".to_owned(),
        |found| format!("at schema level {found}"),
    );
    Ok((!fits).then(|| match level {
        Some(level) => format!("the database is {found}, expected {level}"),
        None => format!(
            "the database is {found}, {} needs {own}; `netlink update upgrade-db` brings it there",
            manifest.version
        ),
    }))
}

/// A product that is meant to run must, and as this version.
fn running_differs(installation: &Installation, version: &Version) -> Result<Option<String>> {
    let failed = |e| AppError::below("NL0315", &e);
    let root = installation.layout.root();
    let status = target::status(root).map_err(failed)?;
    Ok(match status.running_version() {
        Some(running) if running == version => None,
        Some(running) => Some(format!("the product runs as {running}, expected {version}")),
        None if target::is_desired(root).map_err(failed)? => Some(format!(
            "the product should run and is {status}; `netlink supervise --start` starts it"
        )),
        None => None,
    })
}
