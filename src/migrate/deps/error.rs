//! Why dependencies cannot be had, and who wants what.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::disk::DiskError;
use crate::host::CommandError;
use crate::release::{DependencyKind, TemplateError};

#[derive(Debug, thiserror::Error)]
pub enum DepsError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{kind} cannot be run; is `{program}` installed? `dependencies` in config/update.yml names another")]
    NoTool {
        kind: DependencyKind,
        program: String,
        #[source]
        source: CommandError,
    },
    #[error("{kind} does not come to an end")]
    NoEnd {
        kind: DependencyKind,
        #[source]
        source: CommandError,
    },
    #[error("{kind} finds demands that contradict each other: {}", listed(conflicts))]
    Conflict {
        kind: DependencyKind,
        conflicts: Vec<Conflict>,
    },
    #[error("`{shown}` failed: {}", telling(said))]
    Failed { shown: String, said: Vec<String> },
    #[error("{kind} was to bring what is locked, but {}", wrong.join("; "))]
    NotAsLocked { kind: DependencyKind, wrong: Vec<String> },
    #[error("what {program} printed cannot be understood: {problem}")]
    Unreadable { program: String, problem: String },
    #[error("{} needs {needed} bytes, {free} are free; make room and try again", path.display())]
    Room { path: PathBuf, needed: u64, free: u64 },
    #[error("{} cannot be read: {problem}", path.display())]
    Record { path: PathBuf, problem: String },
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl DepsError {
    /// The last lines that a tool printed, for people.
    pub fn log(&self) -> &[String] {
        match self {
            Self::Failed { said, .. } => said,
            _ => &[],
        }
    }

    /// Its time was over, and it ended when it was asked to.
    pub fn was_asked_to_end(&self) -> bool {
        let source = match self {
            Self::NoEnd { source, .. } => source,
            _ => return false,
        };
        matches!(source, CommandError::AskedToEnd { .. })
    }

    /// There was no room left, as far as it or its tool tells.
    pub fn is_full(&self) -> bool {
        let tells = |line: &String| {
            let words = ["No space left on device", "ENOSPC", "Disk quota exceeded"];
            words.iter().any(|words| line.contains(words))
        };
        match self {
            Self::Room { .. } => true,
            Self::Failed { said, .. } => said.iter().any(tells),
            _ => false,
        }
    }

    pub fn conflicts(&self) -> &[Conflict] {
        match self {
            Self::Conflict { conflicts, .. } => conflicts,
            _ => &[],
        }
    }
}

/// One package of which two versions are asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Conflict {
    pub package: String,
    pub demands: Vec<Demand>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Demand {
    /// A package with its version, or the lock of the release.
    pub by: String,
    pub wants: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.package)?;
        let demands: Vec<String> = self
            .demands
            .iter()
            .map(|demand| format!("{} wants {}", demand.by, demand.wants))
            .collect();
        f.write_str(&demands.join(", "))
    }
}

fn listed(conflicts: &[Conflict]) -> String {
    conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The first line that calls itself an error, else the last that says something.
fn telling(said: &[String]) -> &str {
    let lines = || said.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    let is_error = |line: &&str| line.to_ascii_lowercase().starts_with("error");
    lines()
        .find(is_error)
        .or(lines().next_back())
        .unwrap_or("it printed nothing")
}
