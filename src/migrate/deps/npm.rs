//! npm: `npm ci` of the project's lock in a folder of its own, because over a live `node_modules` it begins by removing that.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::run::{Call, fixed, text};
use super::{DepsError, Packages, Provider, Resolution, Site, said};
use crate::disk;
use crate::release::{DependencyKind, NpmSpec, RelPath};

const MODULES: &str = "node_modules";
/// What npm writes into `node_modules` of what it has put there.
const INSTALLED: &str = ".package-lock.json";
const LOCK_LIMIT: u64 = 64 << 20;

pub struct Npm<'a>(pub &'a NpmSpec);

/// A lock file of version 2 or 3.
#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, Locked>,
}

#[derive(Deserialize)]
struct Locked {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    link: bool,
}

impl Npm<'_> {
    fn project(&self, tree: &Path) -> PathBuf {
        self.0
            .project
            .as_ref()
            .map_or_else(|| tree.to_path_buf(), |project| project.under(tree))
    }

    fn call<'a>(&self, site: &Site<'_>, at: &'a Path, verb: &[&str]) -> Call<'a> {
        let mut argv = vec![site.tools.npm.clone()];
        argv.extend(verb.iter().map(|word| (*word).to_owned()));
        argv.extend(["--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier"].map(str::to_owned));
        if !self.0.scripts {
            argv.push("--ignore-scripts".into());
        }
        if self.0.cache.is_some() {
            // In a copy: npm writes into its cache even when it is offline.
            argv.extend(["--offline".to_owned(), "--cache".to_owned(), text(&scratch_cache(at))]);
        }
        Call {
            kind: DependencyKind::Npm,
            argv,
            dir: at,
            env: self.env(site),
            limit: self.0.timeout,
        }
    }

    fn env(&self, site: &Site<'_>) -> Vec<(&'static str, String)> {
        let mut env = match self.0.cache {
            Some(_) => fixed(&[
                ("npm_config_userconfig", "/dev/null"),
                ("npm_config_globalconfig", "/nonexistent/npmrc"),
            ]),
            None => Vec::new(),
        };
        let registry = site.tools.npm_registry.as_ref().or(self.0.registry.as_ref());
        env.extend(registry.map(|registry| ("npm_config_registry", registry.clone())));
        env
    }

    fn tree(&self, site: &Site<'_>, at: &Path, verb: &[&str]) -> Result<said::NpmTree, DepsError> {
        let call = self.call(site, at, verb);
        let finished = call.run_to_read(site)?;
        // Its exit code tells of problems only, which the tree has.
        serde_json::from_str(&finished.stdout).map_err(|_| call.failed(&finished))
    }

    /// What `npm ci` reads: the package, its lock, and what the lock names by `file:`.
    fn lay_out(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        let project = self.project(site.tree);
        for name in ["package.json", "package-lock.json"] {
            disk::copy_file(&project.join(name), &at.join(name))?;
        }
        for file in local_archives(&read(&at.join("package-lock.json"))?) {
            let to = file.under(at);
            disk::create_dir_of(&to)?;
            disk::copy_file(&file.under(&project), &to)?;
        }
        if let Some(cache) = &self.0.cache {
            disk::copy_tree(&cache.under(site.tree), &scratch_cache(at))?;
        }
        Ok(())
    }
}

fn scratch_cache(at: &Path) -> PathBuf {
    at.join(".npm-cache")
}

fn read(path: &Path) -> Result<String, DepsError> {
    Ok(disk::read_text_limited(path, LOCK_LIMIT)?)
}

/// Archives inside the project, as the lock names them: `"resolved": "file:packages/oil-1.0.0.tgz"`.
fn local_archives(lock: &str) -> Vec<RelPath> {
    #[derive(Deserialize)]
    struct Files {
        packages: BTreeMap<String, Resolved>,
    }
    #[derive(Deserialize)]
    struct Resolved {
        #[serde(default)]
        resolved: Option<String>,
    }
    let Ok(files) = serde_json::from_str::<Files>(lock) else {
        return Vec::new();
    };
    let named = files.packages.into_values().filter_map(|one| one.resolved);
    named
        .filter_map(|url| url.strip_prefix("file:")?.parse().ok())
        .collect()
}

/// By the folder of each package, `node_modules/` left out: the same name may be there in several versions.
fn packages(program: &str, json: &str) -> Result<Packages, DepsError> {
    let lock: Lock = serde_json::from_str(json).map_err(|e| DepsError::Unreadable {
        program: program.to_owned(),
        problem: e.to_string(),
    })?;
    let wanted = lock
        .packages
        .into_iter()
        .filter(|(_, one)| !one.dev && !one.optional && !one.link);
    let named = wanted.filter_map(|(path, one)| {
        let name = path.strip_prefix("node_modules/")?.replace("/node_modules/", " > ");
        Some((name, one.version?))
    });
    Ok(named.collect())
}

impl Provider for Npm<'_> {
    fn plan(&self, site: &Site<'_>, at: &Path) -> Result<Resolution, DepsError> {
        self.lay_out(site, at)?;
        // `npm ci --dry-run` asks the registry what the lock knows already; this looks at all demands, and at nothing else.
        let tree = self.tree(site, at, &["ls", "--package-lock-only", "--all", "--json"])?;
        let conflicts = said::of_npm(&tree);
        if !conflicts.is_empty() {
            let kind = DependencyKind::Npm;
            return Err(DepsError::Conflict { kind, conflicts });
        }
        Ok(Resolution {
            packages: packages("package-lock.json", &read(&at.join("package-lock.json"))?)?,
            bytes: None,
        })
    }

    fn apply(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        self.call(site, at, &["ci"]).ok(site)?;
        disk::remove_tree(&scratch_cache(at))?;
        // Without packages npm makes no folder; there is one to show all the same.
        disk::create_dir_all(&at.join(MODULES))?;
        Ok(())
    }

    fn snapshot(&self, _: &Site<'_>, at: &Path) -> Result<Packages, DepsError> {
        let installed = at.join(MODULES).join(INSTALLED);
        if !disk::exists(&installed)? {
            return Ok(Packages::new());
        }
        packages("npm", &read(&installed)?)
    }

    fn verify(&self, site: &Site<'_>, at: &Path) -> Result<Vec<String>, DepsError> {
        Ok(self.tree(site, at, &["ls", "--all", "--json"])?.problems)
    }

    fn shown<'a>(&self, at: &'a Path) -> Cow<'a, Path> {
        at.join(MODULES).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_what_is_installed_and_what_lies_beside_it() {
        let lock = r#"{"lockfileVersion": 3, "packages": {
            "": {"name": "web", "version": "1.0.0"},
            "node_modules/oil": {"version": "2.0.0", "resolved": "file:packages/oil-2.0.0.tgz"},
            "node_modules/wick": {"version": "1.0.0", "resolved": "https://example.org/wick.tgz"},
            "node_modules/wick/node_modules/oil": {"version": "1.0.0", "resolved": "file:../oil.tgz"},
            "node_modules/test": {"version": "1.0.0", "dev": true}}}"#;
        let found = packages("lock", lock).unwrap();
        let expected = [("oil", "2.0.0"), ("wick", "1.0.0"), ("wick > oil", "1.0.0")];
        assert_eq!(
            found,
            expected
                .map(|(name, version)| (name.to_owned(), version.to_owned()))
                .into()
        );
        let files: Vec<String> = local_archives(lock).iter().map(ToString::to_string).collect();
        assert_eq!(files, ["packages/oil-2.0.0.tgz"]);
    }
}
