//! What an environment was made of: as long as that is the same, so is what comes of it.

use std::path::Path;

use serde::Serialize;

use super::DepsError;
use crate::crypt::{Digest, digest_of};
use crate::disk;
use crate::release::{DependencySpec, NpmSpec, RelPath};

const LOCK_LIMIT: u64 = 64 << 20;

#[derive(Serialize)]
struct Inputs<'a> {
    spec: &'a DependencySpec,
    locks: Vec<(String, Digest)>,
    /// An environment holds its own path.
    tree: &'a Path,
}

/// Of what the manifest says, of the locks in the tree, and of where that is.
pub fn inputs(tree: &Path, spec: &DependencySpec) -> Result<Digest, DepsError> {
    let digest = |name: String| {
        let content = disk::read_limited(&tree.join(&name), LOCK_LIMIT)?;
        Ok((name, digest_of(&content)))
    };
    let locks = files(spec).into_iter().map(digest).collect::<Result<_, DepsError>>()?;
    let inputs = Inputs { spec, locks, tree };
    let json = serde_json::to_vec(&inputs).map_err(|e| DepsError::Record {
        path: tree.to_path_buf(),
        problem: e.to_string(),
    })?;
    Ok(digest_of(&json))
}

/// The files of the tree that say what is to be installed.
pub fn files(spec: &DependencySpec) -> Vec<String> {
    match spec {
        DependencySpec::Pip(python) | DependencySpec::Uv(python) => vec![python.requirements.to_string()],
        DependencySpec::Npm(npm) => ["package.json", "package-lock.json"]
            .map(|name| in_project(npm, name))
            .into(),
        DependencySpec::Cargo(cargo) => ["Cargo.toml", "Cargo.lock"]
            .map(|name| format!("{}/{name}", cargo.source))
            .into(),
        DependencySpec::Command(_) | DependencySpec::Apt(_) => Vec::new(),
    }
}

fn in_project(npm: &NpmSpec, name: &str) -> String {
    let project = npm.project.as_ref().map(RelPath::as_str);
    project.map_or_else(|| name.to_owned(), |project| format!("{project}/{name}"))
}
