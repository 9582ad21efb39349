//! The release manifest: the publisher writes it as `release.toml`; packing adds the file list and puts it first into the package.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    ConfigSpec, DEPENDENCY_STORE, DatabaseSpec, DependencySpec, ExtensionsSpec, OwnMigrations, Platform, ProductName,
    RelPath, ReleaseRules, SqliteSpec,
};
use crate::crypt::Digest;
use crate::version::Version;

/// Name of the manifest inside a package and inside a release tree.
pub const MANIFEST_NAME: &str = "netlink-release.json";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseManifest {
    pub product: ProductName,
    pub version: Version,
    #[serde(default)]
    pub platform: Platform,
    #[serde(default)]
    pub rules: ReleaseRules,
    /// How the product is started; absent for products that do not run, e.g. a library or a site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunSpec>,
    /// Values of the product's own configuration, for use as `{name}` in commands and URLs below.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<CheckSpec>,
    /// The product's own test, run once it is healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<CommandSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseSpec>,
    /// Configuration files: defaults in the release's `config/`, the operator's own in the installation's `config/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<ConfigSpec>,
    /// The product's own look at its configuration, run on a copy of the migrated files; `{config}` is the folder of that copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_check: Option<CommandSpec>,
    /// What it needs beside its own files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<DependencySpec>,
    /// Where extensions that operators have installed are found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<ExtensionsSpec>,
    /// Every file and link of the tree but the manifest itself, sorted by path. Written by packing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileEntry>,
}

/// How the product runs. In `command` and `env`: `{root}`, `{release}`, `{data}`, `{config}` and the manifest's variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    pub command: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// From SIGTERM to SIGKILL.
    #[serde(default = "ten_seconds", with = "crate::release::duration")]
    pub stop_timeout: Duration,
}

/// A value in one of the product's configuration files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub file: RelPath,
    /// Dotted path, e.g. `server.listen`.
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenCheck", untagged)]
pub enum CheckSpec {
    Http(HttpCheck),
    Command(CommandCheck),
}

/// Either of them as it is written, so that what is wrong with it can be told.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCheck {
    http: Option<String>,
    status: Option<u16>,
    body: Option<String>,
    command: Option<Vec<String>>,
    #[serde(default = "five_seconds", with = "crate::release::duration")]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckSpecError {
    #[error("a health check needs `http`, a URL, or `command`")]
    Neither,
    #[error("a health check has `http` or `command`, not both; make two of it")]
    Both,
    #[error("`status` and `body` are of a check with `http`; a command is healthy when it exits with 0")]
    AnswerOfCommand,
}

impl TryFrom<WrittenCheck> for CheckSpec {
    type Error = CheckSpecError;

    fn try_from(written: WrittenCheck) -> Result<Self, CheckSpecError> {
        let WrittenCheck {
            http,
            status,
            body,
            command,
            timeout,
        } = written;
        match (http, command) {
            (Some(http), None) => Ok(Self::Http(HttpCheck {
                http,
                status: status.unwrap_or_else(ok),
                body,
                timeout,
            })),
            (None, Some(command)) if status.is_none() && body.is_none() => {
                Ok(Self::Command(CommandCheck { command, timeout }))
            }
            (None, Some(_)) => Err(CheckSpecError::AnswerOfCommand),
            (Some(_), Some(_)) => Err(CheckSpecError::Both),
            (None, None) => Err(CheckSpecError::Neither),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// The URL, with variables.
    pub http: String,
    #[serde(default = "ok")]
    pub status: u16,
    /// Text that the body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default = "five_seconds", with = "crate::release::duration")]
    pub timeout: Duration,
}

/// Healthy when the command exits with 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandCheck {
    pub command: Vec<String>,
    #[serde(default = "five_seconds", with = "crate::release::duration")]
    pub timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSpec {
    pub command: Vec<String>,
    #[serde(default = "ten_minutes", with = "crate::release::duration")]
    pub timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub path: RelPath,
    #[serde(flatten)]
    pub kind: FileKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum FileKind {
    File {
        mode: u32,
        size: u64,
        sha256: Digest,
    },
    /// `target` as written in the link; it stays inside the tree.
    Link {
        target: String,
    },
}

impl ReleaseManifest {
    /// The product's database, if it is a file of SQLite's.
    /// The folder of the migrations that NetLink runs.
    pub fn migrations(&self) -> Option<&RelPath> {
        self.database.as_ref().and_then(DatabaseSpec::migrations)
    }

    /// The commands of a product that migrates itself.
    pub fn own_migrations(&self) -> Option<&OwnMigrations> {
        self.database.as_ref().and_then(DatabaseSpec::own_migrations)
    }

    pub fn sqlite(&self) -> Option<&SqliteSpec> {
        self.database.as_ref().and_then(DatabaseSpec::sqlite)
    }

    /// What it says of one of its configuration files.
    pub fn config_file(&self, file: &RelPath) -> Option<&ConfigSpec> {
        self.config.iter().find(|spec| spec.file == *file)
    }

    /// Whether something in the tree was put there by dependencies, not by the package.
    pub fn is_of_dependencies(&self, path: &str) -> bool {
        let below = |path: &str, folder: &str| {
            let rest = path.strip_prefix(folder);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut places = self.dependencies.iter().filter_map(DependencySpec::place);
        // Also the folders above a place.
        below(path, DEPENDENCY_STORE) || places.any(|place| below(path, &place) || below(&place, path))
    }

    /// Bytes of all files once unpacked.
    pub fn unpacked_size(&self) -> u64 {
        let size = |entry: &FileEntry| match entry.kind {
            FileKind::File { size, .. } => size,
            FileKind::Link { .. } => 0,
        };
        self.files.iter().map(size).sum()
    }
}

fn ok() -> u16 {
    200
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}
