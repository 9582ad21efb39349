//! NetLink's trust client on any TUF repository, with nothing of an installation.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::repository::{Metadata, not_trusted};
use super::{AppError, Result};
use crate::clock;
use crate::disk;
use crate::fetch::{self, Expected, Limits, Location, Network, Proxies, Sources};
use crate::settings;
use crate::tuf::{self, Asking, Listed, Note, Refreshed, TargetFile};

/// A root longer than this is refused before it is parsed.
const ROOT_LIMIT: u64 = 1 << 20;
/// What names no SHA-256 is verified in memory.
const SHA512_ALONE: u64 = 64 << 20;

/// Which targets, from where and to where.
#[derive(Debug)]
pub struct TargetsWanted<'a> {
    pub names: &'a [String],
    pub base_url: &'a Location,
    pub into: &'a Path,
}

#[derive(Debug, Serialize)]
pub struct RefreshView {
    /// Of the top-level targets.
    pub targets_version: u64,
    pub targets: usize,
}

#[derive(Debug, Serialize)]
pub struct TargetView {
    pub name: String,
    pub path: PathBuf,
    pub length: u64,
    /// The role that lists it; none for the top-level one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegated_to: Option<String>,
}

/// Trusts a root. Asks nobody.
pub fn tuf_init(metadata_dir: &Path, root: &Path) -> Result<()> {
    let bytes = disk::read_limited(root, ROOT_LIMIT)?;
    tuf::init(metadata_dir, &bytes).map_err(|e| not_trusted(&e))
}

/// Brings the top-level roles up to date, telling of each decision.
pub fn tuf_refresh(metadata_dir: &Path, metadata_url: &Location, tell: &dyn Fn(&Note)) -> Result<RefreshView> {
    with_refreshed(metadata_dir, metadata_url, tell, |refreshed| {
        let targets = refreshed.targets();
        Ok(RefreshView {
            targets_version: targets.version,
            targets: targets.content.targets.len(),
        })
    })
}

/// Refreshes, then fetches each target that is not there already. All are tried; the first failure is the answer.
pub fn tuf_download(
    metadata_dir: &Path,
    metadata_url: &Location,
    wanted: &TargetsWanted<'_>,
    tell: &dyn Fn(&Note),
) -> Result<Vec<TargetView>> {
    with_refreshed(metadata_dir, metadata_url, tell, |refreshed| {
        disk::create_dir_all(wanted.into)?;
        let sources = only(wanted.base_url);
        let tried: Vec<_> = wanted
            .names
            .iter()
            .map(|name| target(refreshed, &sources, wanted.into, name))
            .collect();
        tried.into_iter().collect()
    })
}

fn with_refreshed<T>(
    metadata_dir: &Path,
    metadata_url: &Location,
    tell: &dyn Fn(&Note),
    then: impl FnOnce(&Refreshed<'_>) -> Result<T>,
) -> Result<T> {
    let sources = only(metadata_url);
    let source = Metadata::of(&sources, "");
    let now = clock::now();
    let asking = Asking {
        source: &source,
        max_staleness: Duration::ZERO,
        now,
        tell,
    };
    let refreshed = tuf::refresh(metadata_dir, asking).map_err(|e| not_trusted(&e))?;
    then(&refreshed)
}

/// One place without mirrors; nothing of an installation's settings.
fn only(location: &Location) -> Sources {
    let network = Network {
        limits: Limits::default(),
        proxies: Proxies::of(&settings::proxies()),
    };
    Sources::new(location.clone(), Vec::new(), network)
}

fn target(refreshed: &Refreshed<'_>, sources: &Sources, into: &Path, name: &str) -> Result<TargetView> {
    let found = tuf::find(refreshed, name).map_err(|e| AppError::below("NL0205", &e))?;
    let not_listed = || AppError::said("NL0205", format!("nobody lists `{name}`"));
    let Listed { file, delegated_to } = found.filter(|_| !name.is_empty()).ok_or_else(not_listed)?.into_inner();
    let path = into.join(tuf::file_name(name));
    fetch_target(refreshed.consistent_snapshot(), sources, name, &file, &path)?;
    Ok(TargetView {
        name: name.to_owned(),
        path,
        length: file.length,
        delegated_to: delegated_to.map(|role| role.to_string()),
    })
}

fn fetch_target(consistent: bool, sources: &Sources, name: &str, file: &TargetFile, path: &Path) -> Result<()> {
    let failed = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0206", e);
    if let Some(sha256) = file.sha256() {
        let place = place(consistent, name, &sha256.to_string());
        let expected = Expected {
            length: file.length,
            sha256,
        };
        return fetch::download(sources, &place, &expected, path, &mut |_, _| ControlFlow::Continue(()))
            .map_err(|e| failed(&e));
    }
    let unusable = |what: &str| AppError::said("NL0206", format!("`{name}` {what}; ask the publisher"));
    let sha512 = file
        .sha512()
        .ok_or_else(|| unusable("has neither SHA-256 nor SHA-512"))?;
    if file.length > SHA512_ALONE {
        return Err(unusable(
            "has no SHA-256, which is needed for files of more than 64 MiB",
        ));
    }
    let there = disk::read_limited(path, file.length);
    if there.is_ok_and(|there| file.difference(&there).is_none()) {
        return Ok(());
    }
    let read = fetch::read_small(sources, &place(consistent, name, sha512), file.length).map_err(|e| failed(&e))?;
    let bytes = read.ok_or_else(|| unusable("is not in the repository"))?;
    match file.difference(&bytes) {
        Some(what) => Err(unusable(&format!("has another {what} than the publisher signed"))),
        None => Ok(disk::write_atomic(path, &bytes, 0o644)?),
    }
}

/// Where a repository keeps a target: with consistent snapshots, the digest stands before the file's own name.
fn place(consistent: bool, name: &str, digest: &str) -> String {
    match name.rsplit_once('/') {
        _ if !consistent => name.to_owned(),
        Some((folder, file)) => format!("{folder}/{digest}.{file}"),
        None => format!("{digest}.{name}"),
    }
}
