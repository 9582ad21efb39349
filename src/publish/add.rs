//! Puts the packages of a release into a repository. The files come first, the metadata that names them last.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::keys::Keys;
use super::repository::{Outcome, Repository};
use super::{Judge, PublishError, products};
use crate::crypt::{Digest, digest_of};
use crate::disk;
use crate::release::{ReleaseManifest, TargetCustom, TargetRef};
use crate::tuf::{self, Editor};

/// A changelog of one release is at most this long.
const CHANGELOG_LIMIT: u64 = 4 << 20;

/// A package file that was read to its end.
#[derive(Debug)]
pub struct Inspected {
    pub path: PathBuf,
    pub manifest: ReleaseManifest,
    pub length: u64,
    pub sha256: Digest,
}

#[derive(Debug, Serialize)]
pub struct Published {
    pub version: String,
    /// Also which targets are new.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The packages of one release, and with what they come.
#[derive(Debug)]
pub struct Publishing<'a> {
    pub packages: &'a [Inspected],
    pub changelog: Option<&'a Path>,
    /// The repository may have releases of one more product from now on.
    pub new_product: bool,
}

/// Publishes them; repeatable. What is published never changes its content. Where more people must sign, it is a draft until they have.
pub fn publish(
    repository: &Path,
    keys: &Keys,
    publishing: &Publishing<'_>,
    judge: Judge<'_>,
    now: Timestamp,
) -> Result<Published, PublishError> {
    let Publishing {
        packages, changelog, ..
    } = publishing;
    let mut open = Repository::open(repository)?;
    if let (Some(package), false) = (packages.first(), publishing.new_product) {
        products::refuse_another(&open.editor, &package.manifest.product)?;
    }
    let mut sources = packages.iter().map(package_target).collect::<Vec<_>>();
    if let (Some(path), Some(package)) = (changelog, packages.first()) {
        sources.push(changelog_target(path, &package.manifest)?);
    }
    let mut new = Vec::new();
    for (path, target, custom) in &sources {
        if open.editor.add_target(target, custom)? {
            new.push((path, repository.join(tuf::target_file(&target.name, target.sha256)?)));
        }
    }
    let judged = judged(&open.editor, packages.first(), judge)?;
    let held = open.keys_for_targets(keys)?;
    for (path, place) in &new {
        disk::create_dir_of(place)?;
        disk::copy_file(path, place)?;
        disk::set_mode(place, 0o644)?;
    }
    let mut outcome = open.finish_targets(!new.is_empty(), &held, now)?;
    outcome.warnings.extend(judged);
    let version = packages.first().map(|package| package.manifest.version.to_string());
    Ok(Published {
        version: version.unwrap_or_default(),
        outcome,
    })
}

/// What is to be said of the release before anybody signs it.
fn judged(editor: &Editor, package: Option<&Inspected>, judge: Judge<'_>) -> Result<Vec<String>, PublishError> {
    super::verify::contradictions(editor)?;
    let Some(ReleaseManifest { product, version, .. }) = package.map(|package| &package.manifest) else {
        return Ok(Vec::new());
    };
    judge(product, &editor.catalog(product)?, Some(version)).map_err(PublishError::Unplannable)
}

type Source = (PathBuf, TargetRef, TargetCustom);

fn package_target(package: &Inspected) -> Source {
    let Inspected {
        path,
        manifest,
        length,
        sha256,
    } = package;
    let target = TargetRef {
        name: format!(
            "{}/{}/{}.tar.zst",
            manifest.product, manifest.version, manifest.platform
        ),
        length: *length,
        sha256: *sha256,
    };
    (path.clone(), target, described(manifest))
}

/// What the metadata says of a package: as much of its manifest as planning needs.
pub fn described(manifest: &ReleaseManifest) -> TargetCustom {
    TargetCustom::Package {
        product: manifest.product.clone(),
        version: manifest.version.clone(),
        platform: manifest.platform.clone(),
        rules: Box::new(manifest.rules.clone()),
        unpacked: manifest.unpacked_size(),
    }
}

fn changelog_target(path: &Path, manifest: &ReleaseManifest) -> Result<Source, PublishError> {
    let text = disk::read_limited(path, CHANGELOG_LIMIT)?;
    let target = TargetRef {
        name: format!("{}/{}/changelog.md", manifest.product, manifest.version),
        length: text.len() as u64,
        sha256: digest_of(&text),
    };
    let custom = TargetCustom::Changelog {
        product: manifest.product.clone(),
        version: manifest.version.clone(),
    };
    Ok((path.to_path_buf(), target, custom))
}
