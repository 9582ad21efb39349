//! The folder of the next release, begun from that of the last one.

use std::path::{Path, PathBuf};

use serde::Serialize;
use toml_edit::DocumentMut;

use super::PublishError;
use crate::disk;
use crate::package::{self, SOURCE_NAME};
use crate::version::{Scheme, Version};

/// Most bytes of a `release.toml`.
const SOURCE_LIMIT: u64 = 1 << 20;

#[derive(Debug, Serialize)]
pub struct Begun {
    pub folder: PathBuf,
    pub version: Version,
    /// The one that it was begun from.
    pub after: Version,
}

#[derive(Debug, thiserror::Error)]
pub enum SkeletonError {
    #[error("{} is there already; name a folder that is not", .0.display())]
    There(PathBuf),
    #[error("{version} is not above {last}, which it is begun from")]
    NotAbove { version: Version, last: Version },
    #[error("there is no version after {0}; name one with `--version`")]
    NoNext(Version),
    #[error("{}: {problem}", path.display())]
    Source { path: PathBuf, problem: String },
}

/// Everything of the last tree with the next version in its `release.toml`, whose comments stay, and an empty changelog. The
/// folder appears when it is whole.
pub fn begin(last: &Path, folder: &Path, version: Option<Version>) -> Result<Begun, PublishError> {
    let manifest = package::read_source(last)?;
    let after = manifest.version;
    let version = match version {
        Some(version) => version,
        None => after.next().ok_or_else(|| SkeletonError::NoNext(after.clone()))?,
    };
    if version <= after {
        return Err(SkeletonError::NotAbove { version, last: after }.into());
    }
    if disk::exists(folder)? {
        return Err(SkeletonError::There(folder.to_path_buf()).into());
    }
    let part = part_of(folder);
    disk::remove_tree(&part)?;
    let made = fill(last, &part, &version).and_then(|()| Ok(disk::rename(&part, folder)?));
    if made.is_err() {
        // The reason of the failure is what a person needs to know.
        let _ = disk::remove_tree(&part);
    }
    made?;
    Ok(Begun {
        folder: folder.to_path_buf(),
        version,
        after,
    })
}

fn part_of(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.netlink-part"))
}

fn fill(last: &Path, part: &Path, version: &Version) -> Result<(), PublishError> {
    disk::copy_tree(last, part)?;
    let source = part.join(SOURCE_NAME);
    let text = disk::read_text_limited(&source, SOURCE_LIMIT)?;
    let text = with_version(&text, version).map_err(|problem| SkeletonError::Source {
        path: last.join(SOURCE_NAME),
        problem,
    })?;
    disk::write_atomic(&source, text.as_bytes(), 0o644)?;
    let changelog = format!("# {version}\n\n### Added\n\n### Changed\n\n### Fixed\n");
    disk::write_atomic(&part.join("changelog.md"), changelog.as_bytes(), 0o644)?;
    Ok(())
}

fn with_version(text: &str, version: &Version) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| e.to_string())?;
    let value = document.get_mut("version").and_then(|item| item.as_value_mut());
    let value = value.ok_or("`version` is missing")?;
    let decor = value.decor().clone();
    *value = version.to_string().into();
    *value.decor_mut() = decor;
    Ok(document.to_string())
}
