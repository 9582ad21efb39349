//! What a release needs beside its own files: brought by pip, uv, npm, cargo or a command into a folder of the release tree, so that
//! going back needs no undo; or by apt into the machine. Whatever the tool, first its own dry run tells what would come and what
//! contradicts, then it works in a folder that nobody looks at, and only what was looked through appears at its place.

pub mod apt;
mod cargo;
mod changes;
mod command;
mod environment;
mod error;
mod lock;
mod mask;
mod npm;
mod pip;
mod python;
mod run;
mod said;
mod seal;
mod uv;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub use changes::{PackageChange, changes};
pub use environment::{Made, discard, installed, is_ready, make, place_of, put_in_place, sweep, try_out, verify};
pub use error::{Conflict, Demand, DepsError};

use crate::release::DependencySpec;

/// Names of packages with their versions.
pub type Packages = BTreeMap<String, String>;

/// For which release, and with which tools.
pub struct Site<'a> {
    /// The installation.
    pub root: &'a Path,
    /// The release tree, at the place where it will be used.
    pub tree: &'a Path,
    /// For `{name}` in the commands of a release.
    pub values: &'a BTreeMap<String, String>,
    pub tools: &'a Tools,
}

/// What the operator decides of the tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    pub python: String,
    pub uv: String,
    pub npm: String,
    pub cargo: String,
    /// In place of what a release names.
    pub python_index: Option<String>,
    pub npm_registry: Option<String>,
    pub apt_get: String,
    pub dpkg: String,
    pub apt_options: Vec<String>,
    /// How long it is waited for another program that installs packages.
    pub apt_lock_wait: Duration,
    /// For every command.
    pub env: BTreeMap<String, String>,
}

/// What a dry run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    pub packages: Packages,
    /// Room that it will take; none when the tool does not tell.
    pub bytes: Option<u64>,
}

/// How one tool is driven. `at` is the folder that it fills, which is its alone and will not move.
trait Provider {
    /// The tool's own dry run. It may begin to fill `at`.
    fn plan(&self, site: &Site<'_>, at: &Path) -> Result<Resolution, DepsError>;
    /// Fills `at`, after `plan`.
    fn apply(&self, site: &Site<'_>, at: &Path) -> Result<(), DepsError>;
    /// What is there now, as the tool itself knows it.
    fn snapshot(&self, site: &Site<'_>, at: &Path) -> Result<Packages, DepsError>;
    /// What the tool itself finds wrong.
    fn verify(&self, site: &Site<'_>, at: &Path) -> Result<Vec<String>, DepsError>;
    /// Where in `at` lies what appears at the place in the release tree.
    fn shown<'a>(&self, at: &'a Path) -> Cow<'a, Path> {
        at.into()
    }
}

/// None for what does not live in the release tree.
fn provider(spec: &DependencySpec) -> Option<Box<dyn Provider + '_>> {
    match spec {
        DependencySpec::Pip(python) => Some(Box::new(pip::Pip(python))),
        DependencySpec::Uv(python) => Some(Box::new(uv::Uv(python))),
        DependencySpec::Npm(npm) => Some(Box::new(npm::Npm(npm))),
        DependencySpec::Cargo(cargo) => Some(Box::new(cargo::Cargo(cargo))),
        DependencySpec::Command(command) => Some(Box::new(command::Provided(command))),
        DependencySpec::Apt(_) => None,
    }
}
