//! The migration files of a release: `<version>.yml`, for each configuration file the operations in their order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::ops::Op;
use crate::disk::{self, DiskError};
use crate::release::RelPath;
use crate::version::Version;

const FILE_LIMIT: u64 = 1 << 20;
const COUNT_LIMIT: usize = 10_000;

/// From the version before to `version`.
#[derive(Debug, Clone)]
pub struct Migration {
    pub version: Version,
    files: BTreeMap<RelPath, Vec<Op>>,
}

impl Migration {
    /// Reads the text of a migration file. What is wrong comes with its line and column.
    pub fn parse(version: Version, text: &str) -> Result<Self, String> {
        let files: Option<BTreeMap<RelPath, Vec<Op>>> = serde_saphyr::from_str_with_options(text, yaml_options())
            .map_err(|e| format!("is not understood: {}", one_line(&e)))?;
        let files = files.unwrap_or_default();
        for (file, ops) in &files {
            for op in ops {
                op.check()
                    .map_err(|reason| format!("asks of {file} what cannot be done: {reason}"))?;
            }
        }
        Ok(Self { version, files })
    }

    pub fn ops_for(&self, file: &RelPath) -> Option<&[Op]> {
        self.files.get(file).map(Vec::as_slice)
    }

    pub fn files(&self) -> impl Iterator<Item = &RelPath> {
        self.files.keys()
    }
}

/// The migrations of a release, in the order of versions.
#[derive(Debug, Clone, Default)]
pub struct Migrations(Vec<Migration>);

impl Migrations {
    /// Empty when there is no such folder. A file of another name is an error, never passed over.
    pub fn load(dir: &Path) -> Result<Self, ConfigError> {
        let mut all: Vec<Migration> = Vec::new();
        for path in entries(dir)? {
            let wrong = |reason: String| ConfigError::MigrationFile {
                path: path.clone(),
                reason,
            };
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let stem = name
                .strip_suffix(".yml")
                .ok_or_else(|| wrong("is not named <version>.yml".into()))?;
            let version: Version = stem
                .parse()
                .map_err(|e| wrong(format!("is not named <version>.yml: {e}")))?;
            if all.iter().any(|other| other.version == version) {
                return Err(wrong(format!("is the second one of {version}")));
            }
            let text = disk::read_text_limited(&path, FILE_LIMIT)?;
            all.push(Migration::parse(version, &text).map_err(wrong)?);
        }
        all.sort_by(|a, b| a.version.cmp(&b.version));
        Ok(Self(all))
    }

    /// Those of (after, up_to], oldest first.
    pub fn between(&self, after: &Version, up_to: &Version) -> impl Iterator<Item = &Migration> {
        let within = move |migration: &&Migration| migration.version > *after && migration.version <= *up_to;
        self.0.iter().filter(within)
    }
}

/// `on` and `yes` are words, not truths: configurations have them as strings.
pub(super) fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! { strict_booleans: true }
}

fn one_line(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let place = error
        .location()
        .map(|at| format!("line {}, column {}: ", at.line(), at.column()));
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}{}", place.unwrap_or_default(), lines.join(" "))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let at_dir = |source| DiskError {
        action: "list",
        path: dir.to_path_buf(),
        source,
    };
    let listing = match std::fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(at_dir(e).into()),
    };
    let mut found = Vec::new();
    for entry in listing.take(COUNT_LIMIT + 1) {
        found.push(entry.map_err(at_dir)?.path());
    }
    if found.len() > COUNT_LIMIT {
        return Err(ConfigError::MigrationFile {
            path: dir.to_path_buf(),
            reason: format!("is a folder of more than {COUNT_LIMIT} files"),
        });
    }
    found.sort();
    Ok(found)
}
