//! What pip and uv have in common: a lock with digests, wheels in the release, an interpreter of the environment.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{DepsError, Packages, Site};
use crate::release::PythonSpec;

/// What a file of an archive becomes at most: itself and its bytecode.
const PER_BYTE: u64 = 2;

pub fn interpreter<'a>(spec: &'a PythonSpec, site: &'a Site<'_>) -> &'a str {
    spec.python.as_deref().unwrap_or(&site.tools.python)
}

/// Of the environment.
pub fn program(at: &Path) -> String {
    at.join("bin").join("python").display().to_string()
}

/// From where, where that is here, and what: the same for a dry run and for the real one.
pub fn sources(spec: &PythonSpec, site: &Site<'_>) -> Vec<String> {
    let mut args = vec!["--require-hashes".to_owned()];
    if let Some(wheels) = &spec.wheels {
        args.extend([
            "--no-index".to_owned(),
            "--find-links".to_owned(),
            wheels.under(site.tree).display().to_string(),
        ]);
    }
    // What a source distribution needs to be built is in no lock.
    args.extend(["--only-binary".to_owned(), ":all:".to_owned()]);
    args
}

/// Where packages are fetched from when they do not come with the release: in the environment, since it may hold a password.
pub fn index(spec: &PythonSpec, site: &Site<'_>, variable: &'static str) -> Option<(&'static str, String)> {
    let index = site.tools.python_index.as_ref().or(spec.index.as_ref());
    let fetched = index.filter(|_| spec.wheels.is_none());
    fetched.map(|index| (variable, index.clone()))
}

pub fn requirements(spec: &PythonSpec, site: &Site<'_>) -> String {
    spec.requirements.under(site.tree).display().to_string()
}

/// `list --format json` of either tool.
pub fn listed(program: &str, json: &str) -> Result<Packages, DepsError> {
    #[derive(serde::Deserialize)]
    struct Listed {
        name: String,
        version: String,
    }
    let listed: Vec<Listed> = serde_json::from_str(json.trim()).map_err(|e| DepsError::Unreadable {
        program: program.to_owned(),
        problem: e.to_string(),
    })?;
    let packages = listed.into_iter().map(|one| (normal(&one.name), one.version));
    Ok(packages.collect())
}

/// As the index compares names (PEP 503).
pub fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        let c = if matches!(c, '_' | '.') { '-' } else { c };
        if c != '-' || !normal.ends_with('-') {
            normal.push(c);
        }
    }
    normal
}

/// Room that archives on this disk will take once installed.
pub fn room(archives: &[PathBuf]) -> u64 {
    let one = |path: &PathBuf| {
        let unpacked = File::open(path).ok().and_then(|file| {
            let mut archive = zip::ZipArchive::new(file).ok()?;
            let sizes = (0..archive.len()).map(|at| archive.by_index_raw(at).map_or(0, |entry| entry.size()));
            Some(sizes.fold(0, u64::saturating_add))
        });
        unpacked.unwrap_or_else(|| path.metadata().map_or(0, |meta| 4 * meta.len()))
    };
    let all = archives.iter().map(one).fold(0, u64::saturating_add);
    all.saturating_mul(PER_BYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_the_index_does() {
        for name in [
            "zope.interface",
            "Zope_Interface",
            "zope--interface",
            "zope._-interface",
        ] {
            assert_eq!(normal(name), "zope-interface");
        }
    }
}
