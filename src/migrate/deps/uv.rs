//! uv: the same environments as pip's, made by another tool.

use std::path::Path;

use super::python::{self, interpreter, program, requirements, sources};
use super::run::{Call, fixed, text};
use super::{DepsError, Packages, Provider, Resolution, Site, said};
use crate::release::{DependencyKind, PythonSpec};

pub struct Uv<'a>(pub &'a PythonSpec);

impl Uv<'_> {
    fn call<'a>(&self, site: &'a Site<'_>, args: Vec<String>) -> Call<'a> {
        let own = ["--no-progress", "--color", "never", "--no-python-downloads"].map(str::to_owned);
        let cache = self.0.wheels.as_ref().map(|_| "--no-cache".to_owned());
        Call {
            kind: DependencyKind::Uv,
            argv: [site.tools.uv.clone()]
                .into_iter()
                .chain(own)
                .chain(cache)
                .chain(args)
                .collect(),
            dir: site.tree,
            env: self.env(site),
            limit: self.0.timeout,
        }
    }

    fn env(&self, site: &Site<'_>) -> Vec<(&'static str, String)> {
        // Copies: what another program changes in uv's cache must not change here.
        let mut env = fixed(&[("UV_LINK_MODE", "copy")]);
        if self.0.wheels.is_some() {
            env.extend(fixed(&[("UV_NO_CONFIG", "1")]));
        }
        env.extend(python::index(self.0, site, "UV_INDEX_URL"));
        env
    }

    fn pip(&self, site: &Site<'_>, at: &Path, verb: &[&str]) -> Vec<String> {
        let mut args = vec!["pip".to_owned()];
        args.extend(verb.iter().map(|word| (*word).to_owned()));
        args.extend(["--python".to_owned(), program(at)]);
        if verb.first() == Some(&"sync") || verb.first() == Some(&"install") {
            args.extend(sources(self.0, site));
        }
        args
    }
}

impl Provider for Uv<'_> {
    /// `sync` looks at no demands of packages, so that `install` is asked what it would do.
    fn plan(&self, site: &Site<'_>, at: &Path) -> Result<Resolution, DepsError> {
        // Its folder is empty; a uv of before 0.8 does not know `--clear`.
        let venv = ["venv", "--python", interpreter(self.0, site)].map(str::to_owned);
        self.call(site, venv.into_iter().chain([text(at)]).collect()).ok(site)?;
        let mut args = self.pip(site, at, &["install", "--dry-run"]);
        args.extend(["--requirements".to_owned(), requirements(self.0, site)]);
        let call = self.call(site, args);
        let finished = call.run(site)?;
        if !finished.status.success() {
            let conflicts = said::of_uv(&finished.stderr);
            return Err(match conflicts.is_empty() {
                true => call.failed(&finished),
                false => DepsError::Conflict {
                    kind: DependencyKind::Uv,
                    conflicts,
                },
            });
        }
        let added = finished
            .stderr
            .lines()
            .filter_map(|line| line.trim().strip_prefix("+ ")?.split_once("=="));
        let packages = added.map(|(name, version)| (python::normal(name), version.trim().to_owned()));
        Ok(Resolution {
            packages: packages.collect(),
            bytes: None,
        })
    }

    fn apply(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        let mut args = self.pip(site, at, &["sync"]);
        args.push(requirements(self.0, site));
        self.call(site, args).ok(site).map(drop)
    }

    fn snapshot(&self, site: &Site<'_>, at: &Path) -> Result<Packages, DepsError> {
        let list = self.pip(site, at, &["list", "--format", "json"]);
        python::listed("uv", &self.call(site, list).ok_to_read(site)?.stdout)
    }

    fn verify(&self, site: &Site<'_>, at: &Path) -> Result<Vec<String>, DepsError> {
        let finished = self.call(site, self.pip(site, at, &["check"])).run(site)?;
        if finished.status.success() {
            return Ok(Vec::new());
        }
        Ok(finished.stderr.lines().map(|line| line.trim().to_owned()).collect())
    }
}
