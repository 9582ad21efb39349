//! What a release needs beside its own files, as the manifest's `[[dependencies]]` say it: which tool brings it, from which lock,
//! and where in the release tree it appears.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CommandSpec, DependencyName, RelPath};

/// Below a release tree: what was installed for it, a folder for each name. A release has no files of its own there.
pub const DEPENDENCY_STORE: &str = ".dependencies";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DependencySpec {
    Pip(PythonSpec),
    Uv(PythonSpec),
    Npm(NpmSpec),
    Cargo(CargoSpec),
    Command(ProvidedSpec),
    Apt(AptSpec),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DependencyKind {
    Pip,
    Uv,
    Npm,
    Cargo,
    Command,
    Apt,
}

/// Packages of Python in a virtual environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DependencyName>,
    /// Where the environment appears in the release tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// The lock: every package with its version and its digests.
    pub requirements: RelPath,
    /// Folder of wheels in the release tree; nothing is fetched then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheels: Option<RelPath>,
    /// Where packages are fetched from, unless the operator has an index of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Instead of the interpreter that the settings name, e.g. `python3.13`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    #[serde(default = "ten_minutes", with = "crate::release::duration")]
    pub timeout: Duration,
}

/// Packages of Node in `node_modules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NpmSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DependencyName>,
    /// Folder with `package.json` and `package-lock.json`; the release tree itself when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<RelPath>,
    /// npm's own cache in the release tree, filled by the publisher; nothing is fetched then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<RelPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Whether packages may run their install scripts.
    #[serde(default)]
    pub scripts: bool,
    #[serde(default = "ten_minutes", with = "crate::release::duration")]
    pub timeout: Duration,
}

/// Programs that cargo builds of sources in the release tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CargoSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DependencyName>,
    /// Where the folder with `bin/` appears in the release tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelPath>,
    /// Folder with `Cargo.toml` and `Cargo.lock`.
    pub source: RelPath,
    /// The sources of all crates are in the release tree too; nothing is fetched then.
    #[serde(default)]
    pub offline: bool,
    #[serde(default = "half_an_hour", with = "crate::release::duration")]
    pub timeout: Duration,
}

/// What a command of the release puts into an empty folder, which its arguments name as `{env}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvidedSpec {
    pub name: DependencyName,
    pub path: RelPath,
    pub apply: CommandSpec,
    /// Prints what `apply` would bring, a line `name version` each, and fails where it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<CommandSpec>,
    /// Fails when what is there is not what it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<CommandSpec>,
}

/// Packages of the operating system, for all programs of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AptSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DependencyName>,
    /// `name`, or `name=version`.
    pub packages: Vec<String>,
    #[serde(default = "half_an_hour", with = "crate::release::duration")]
    pub timeout: Duration,
}

impl DependencySpec {
    pub fn kind(&self) -> DependencyKind {
        match self {
            Self::Pip(_) => DependencyKind::Pip,
            Self::Uv(_) => DependencyKind::Uv,
            Self::Npm(_) => DependencyKind::Npm,
            Self::Cargo(_) => DependencyKind::Cargo,
            Self::Command(_) => DependencyKind::Command,
            Self::Apt(_) => DependencyKind::Apt,
        }
    }

    /// As it is given, else that of its kind.
    pub fn name(&self) -> &str {
        let given = match self {
            Self::Pip(python) | Self::Uv(python) => python.name.as_ref(),
            Self::Npm(npm) => npm.name.as_ref(),
            Self::Cargo(cargo) => cargo.name.as_ref(),
            Self::Command(command) => Some(&command.name),
            Self::Apt(apt) => apt.name.as_ref(),
        };
        given.map_or(self.kind().name(), DependencyName::as_str)
    }

    /// Where it appears in the release tree; none for what belongs to the machine.
    pub fn place(&self) -> Option<String> {
        let or = |path: Option<&RelPath>, default: &str| path.map_or(default, RelPath::as_str).to_owned();
        match self {
            Self::Pip(python) | Self::Uv(python) => Some(or(python.path.as_ref(), "venv")),
            Self::Npm(npm) => Some(match &npm.project {
                Some(project) => format!("{project}/node_modules"),
                None => "node_modules".into(),
            }),
            Self::Cargo(cargo) => Some(or(cargo.path.as_ref(), "cargo")),
            Self::Command(command) => Some(command.path.to_string()),
            Self::Apt(_) => None,
        }
    }
}

impl DependencyKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Npm => "npm",
            Self::Cargo => "cargo",
            Self::Command => "command",
            Self::Apt => "apt",
        }
    }
}

impl fmt::Display for DependencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

fn half_an_hour() -> Duration {
    Duration::from_secs(1800)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DependencySpec, String> {
        #[derive(Deserialize)]
        struct Manifest {
            dependencies: Vec<DependencySpec>,
        }
        let manifest: Manifest =
            toml_edit::de::from_str(&format!("[[dependencies]]\n{text}")).map_err(|e| e.to_string())?;
        Ok(manifest.dependencies.into_iter().next().unwrap())
    }

    #[test]
    fn each_kind_has_its_name_and_its_place() {
        for (text, name, place) in [
            ("kind = \"pip\"\nrequirements = \"r.txt\"", "pip", Some("venv")),
            (
                "kind = \"uv\"\nname = \"py\"\npath = \"lib/env\"\nrequirements = \"r.txt\"\ntimeout = \"30s\"",
                "py",
                Some("lib/env"),
            ),
            ("kind = \"npm\"", "npm", Some("node_modules")),
            ("kind = \"npm\"\nproject = \"web\"", "npm", Some("web/node_modules")),
            ("kind = \"cargo\"\nsource = \"tools\"", "cargo", Some("cargo")),
            (
                "kind = \"command\"\nname = \"models\"\npath = \"models\"\napply = {command = [\"sh\"]}",
                "models",
                Some("models"),
            ),
            ("kind = \"apt\"\npackages = [\"jq=1.7\"]", "apt", None),
        ] {
            let spec = read(text).unwrap();
            assert_eq!((spec.name(), spec.place().as_deref()), (name, place), "{text}");
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<DependencySpec>(&json).unwrap(), spec, "{json}");
        }
    }

    #[test]
    fn what_is_misspelt_is_said() {
        for (text, said) in [
            ("kind = \"gem\"", "gem"),
            ("kind = \"pip\"", "requirements"),
            ("kind = \"pip\"\nrequirements = \"r.txt\"\nwheel = \"w\"", "wheel"),
            ("kind = \"pip\"\nrequirements = \"../r.txt\"", "../r.txt"),
            ("kind = \"npm\"\nname = \"../x\"", "../x"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
