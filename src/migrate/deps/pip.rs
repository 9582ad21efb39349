//! pip: a virtual environment, filled from a lock with digests.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::python::{self, interpreter, program, requirements, sources};
use super::run::{Call, fixed, text};
use super::{DepsError, Packages, Provider, Resolution, Site, said};
use crate::disk;
use crate::release::{DependencyKind, PythonSpec};

/// pip's own report of what it would install.
const REPORT: &str = ".report.json";
const REPORT_LIMIT: u64 = 64 << 20;
/// An empty environment with pip in it.
const EMPTY: u64 = 24 << 20;

pub struct Pip<'a>(pub &'a PythonSpec);

/// https://pip.pypa.io/en/stable/reference/installation-report/
#[derive(Deserialize)]
struct Report {
    install: Vec<Planned>,
}

#[derive(Deserialize)]
struct Planned {
    download_info: Download,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Download {
    url: String,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

impl Pip<'_> {
    /// The environment's own pip where it has one, else that of the interpreter it was made with.
    fn call<'a>(&self, site: &Site<'_>, at: &'a Path, args: Vec<String>) -> Call<'a> {
        let quiet = ["--disable-pip-version-check", "--no-input", "--no-color"].map(str::to_owned);
        let mut argv = if has_own(at) {
            vec![program(at), "-m".into(), "pip".into()]
        } else {
            let base = interpreter(self.0, site).to_owned();
            vec![base, "-m".into(), "pip".into(), "--python".into(), program(at)]
        };
        argv.extend(quiet.into_iter().chain(args));
        Call {
            kind: DependencyKind::Pip,
            argv,
            dir: at,
            env: self.env(site),
            limit: self.0.timeout,
        }
    }

    /// An environment without a pip of its own is made in a tenth of the time.
    fn make_empty(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        let python = |args: &[&str]| Call {
            kind: DependencyKind::Pip,
            argv: [interpreter(self.0, site)]
                .iter()
                .chain(args)
                .map(|word| (*word).to_owned())
                .collect(),
            // Python looks for its own modules here first, and finds none.
            dir: at,
            env: Vec::new(),
            limit: self.0.timeout,
        };
        let version = python(&["-m", "pip", "--version"]).run(site)?;
        let serves = version.status.success() && serves_others(&version.stdout);
        let place = text(at);
        let mut args = vec!["-m", "venv"];
        args.extend(serves.then_some("--without-pip"));
        args.push(&place);
        python(&args).ok(site).map(drop)
    }

    /// What a wheel in the release brings must not be had from elsewhere because of somebody's settings.
    fn env(&self, site: &Site<'_>) -> Vec<(&'static str, String)> {
        let mut env = match self.0.wheels {
            Some(_) => fixed(&[
                ("PIP_CONFIG_FILE", "/dev/null"),
                ("PIP_NO_CACHE_DIR", "1"),
                ("PYTHONNOUSERSITE", "1"),
            ]),
            None => fixed(&[("PYTHONNOUSERSITE", "1")]),
        };
        env.extend(python::index(self.0, site, "PIP_INDEX_URL"));
        env
    }

    fn install(&self, site: &Site<'_>, more: &[String]) -> Vec<String> {
        let mut args = vec!["install".to_owned()];
        args.extend(sources(self.0, site));
        args.extend_from_slice(more);
        args.extend(["--requirement".to_owned(), requirements(self.0, site)]);
        args
    }
}

impl Provider for Pip<'_> {
    fn plan(&self, site: &Site<'_>, at: &Path) -> Result<Resolution, DepsError> {
        self.make_empty(site, at)?;
        let report = at.join(REPORT);
        let dry = [
            "--dry-run".to_owned(),
            "--ignore-installed".into(),
            "--report".into(),
            text(&report),
        ];
        let call = self.call(site, at, self.install(site, &dry));
        let finished = call.run(site)?;
        if !finished.status.success() {
            let conflicts = said::of_pip(&format!("{}\n{}", finished.stdout, finished.stderr));
            return Err(match conflicts.is_empty() {
                true => call.failed(&finished),
                false => DepsError::Conflict {
                    kind: DependencyKind::Pip,
                    conflicts,
                },
            });
        }
        let json = disk::read_limited(&report, REPORT_LIMIT)?;
        disk::remove_file(&report)?;
        let read: Report = serde_json::from_slice(&json).map_err(|e| DepsError::Unreadable {
            program: "pip".into(),
            problem: e.to_string(),
        })?;
        Ok(resolution(read))
    }

    fn apply(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError> {
        self.call(site, at, self.install(site, &[])).ok(site).map(drop)
    }

    fn snapshot(&self, site: &Site<'_>, at: &Path) -> Result<Packages, DepsError> {
        let list = ["list", "--format=json"].map(str::to_owned).into();
        let finished = self.call(site, at, list).ok_to_read(site)?;
        python::listed("pip", &finished.stdout)
    }

    fn verify(&self, site: &Site<'_>, at: &Path) -> Result<Vec<String>, DepsError> {
        let finished = self.call(site, at, vec!["check".into()]).run(site)?;
        if finished.status.success() {
            return Ok(Vec::new());
        }
        Ok(finished.stdout.lines().map(str::to_owned).collect())
    }
}

fn has_own(at: &Path) -> bool {
    at.join("bin").join("pip").exists()
}

/// `pip 23.2.1 from …`: from 22.3 on it can work on another environment than its own.
fn serves_others(said: &str) -> bool {
    let version = said
        .strip_prefix("pip ")
        .and_then(|rest| rest.split_whitespace().next());
    let mut parts = version
        .unwrap_or_default()
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (22, 3)
}

fn resolution(report: Report) -> Resolution {
    let urls = report.install.iter().map(|one| &one.download_info.url);
    let files: Option<Vec<PathBuf>> = urls.map(|url| local(url)).collect();
    let packages = report.install.into_iter().map(|one| one.metadata);
    Resolution {
        packages: packages.map(|one| (python::normal(&one.name), one.version)).collect(),
        bytes: files.map(|files| EMPTY + python::room(&files)),
    }
}

fn local(url: &str) -> Option<PathBuf> {
    let path = percent_encoding::percent_decode_str(url.strip_prefix("file://")?);
    Some(path.decode_utf8().ok()?.into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pip_that_works_on_other_environments_is_known_by_its_version() {
        for (said, serves) in [
            ("pip 23.2.1 from /usr/lib (python 3.11)\n", true),
            ("pip 22.3 from /usr/lib (python 3.11)", true),
            ("pip 22.2.9 from x", false),
            ("pip 9.0.1 from x", false),
            ("No module named pip", false),
        ] {
            assert_eq!(serves_others(said), serves, "{said}");
        }
    }
}
