//! The releases an installation can choose from: verified metadata of its repository, and what lies on disk.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{AppError, Installation, Result};
use crate::clock;
use crate::fetch::{self, Limits, Location, LocationError, Network, Proxies, Sources};
use crate::package;
use crate::release::{Catalog, Offered, TargetRef};
use crate::settings::{self, Download};
use crate::store::Fact;
use crate::tuf::{self, Asking, MetadataSource, Note, SourceError};

/// A changelog of a single release is at most this long.
const CHANGELOG_LIMIT: u64 = 4 << 20;

/// Metadata files in a folder of a repository, for the client of `tuf`.
pub(super) struct Metadata<'a> {
    pub sources: &'a Sources,
    pub folder: &'a str,
}

impl MetadataSource for Metadata<'_> {
    fn get(&self, name: &str, limit: u64) -> std::result::Result<Option<Vec<u8>>, SourceError> {
        fetch::read_named(self.sources, self.folder, name, limit).map_err(|e| SourceError::new(name, e))
    }
}

/// What releases come from: the repository of the installation with its mirrors, or a bundle in their place.
pub struct Repository {
    sources: Sources,
    bundle: Option<PathBuf>,
}

impl Repository {
    /// None when the installation was made without a repository.
    pub fn of(installation: &Installation) -> Result<Option<Self>> {
        let Some(text) = installation.store.fact(Fact::Repository)? else {
            return Ok(None);
        };
        let first = text.parse().map_err(|e| AppError::below("NL0201", &e))?;
        let settings = &installation.settings;
        let mirror = |text: &String| {
            let wrong = |e: LocationError| AppError::said("NL0403", format!("`repository.mirrors` in update.yml: {e}"));
            text.parse().map_err(wrong)
        };
        let mirrors = settings.repository.mirrors.iter().map(mirror).collect::<Result<_>>()?;
        let sources = Sources::new(first, mirrors, network(installation));
        Ok(Some(Self { sources, bundle: None }))
    }

    /// The bundle, if one is named, else that of the installation, which must have one.
    pub fn needed(installation: &Installation, bundle: Option<&Path>) -> Result<Self> {
        if let Some(file) = bundle {
            let unusable = |e| AppError::said("NL0202", format!("the bundle {}: {e}", file.display()));
            let file = file.canonicalize().map_err(unusable)?;
            // A plan remembers it as text.
            if file.to_str().is_none() {
                let message = format!("the bundle {}: its path is not UTF-8; rename it", file.display());
                return Err(AppError::said("NL0202", message));
            }
            return Ok(Self::in_bundle(installation, file));
        }
        let message = "this installation has no repository; run `netlink init --repository URL --root-metadata FILE`, or name a bundle";
        Self::of(installation)?.ok_or_else(|| AppError::said("NL0201", message))
    }

    /// The path is absolute.
    pub fn in_bundle(installation: &Installation, file: PathBuf) -> Self {
        let sources = Sources::new(Location::bundle(file.clone()), Vec::new(), network(installation));
        let bundle = Some(file);
        Self { sources, bundle }
    }

    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    pub fn bundle(&self) -> Option<&Path> {
        self.bundle.as_deref()
    }

    /// Asks the repository and verifies its answer (TUF client workflow); adds the releases on disk. With what an operator
    /// should know of the repository.
    pub fn catalog(&self, installation: &Installation) -> Result<(Catalog, Vec<Note>)> {
        let source = Metadata {
            sources: &self.sources,
            folder: "metadata",
        };
        let warnings = RefCell::new(Vec::new());
        let asking = Asking {
            source: &source,
            now: clock::now(),
            max_staleness: match self.bundle {
                None => Duration::ZERO,
                Some(_) => installation.settings.repository.max_staleness,
            },
            tell: &|note: &Note| {
                if note.is_warning() {
                    warnings.borrow_mut().push(note.clone());
                }
            },
        };
        let refreshed = tuf::refresh(&installation.layout.trust(), asking).map_err(|e| not_trusted(&e))?;
        let targets = tuf::all(&refreshed).map_err(|e| not_trusted(&e))?;
        drop(refreshed);
        let mut catalog =
            tuf::catalog(&targets, &installation.product()?).map_err(|e| AppError::below("NL0204", &e))?;
        if let Some(file) = &self.bundle {
            let names = fetch::names_in_bundle(file).map_err(|e| AppError::below("NL0202", &e))?;
            let is_in = |target: &TargetRef| {
                tuf::target_file(&target.name, target.sha256).is_ok_and(|name| names.contains(&name))
            };
            catalog.keep_files(is_in);
        }
        Ok((
            with_disk(installation, catalog, Offered::NoMore)?,
            warnings.into_inner(),
        ))
    }

    /// The text of a changelog, checked against the signed metadata.
    pub fn changelog(&self, target: &TargetRef) -> Result<String> {
        let name = tuf::target_file(&target.name, target.sha256).map_err(|e| AppError::below("NL0203", &e))?;
        let unreachable = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0202", e);
        let limit = target.length.min(CHANGELOG_LIMIT);
        let bytes = fetch::read_small(&self.sources, &name, limit).map_err(|e| unreachable(&e))?;
        let missing = || AppError::said("NL0202", format!("{} is not in the repository", target.name));
        let bytes = bytes.ok_or_else(missing)?;
        if crate::crypt::digest_of(&bytes) != target.sha256 {
            return Err(AppError::said(
                "NL0203",
                format!("{} is not what the publisher signed", target.name),
            ));
        }
        String::from_utf8(bytes).map_err(|e| AppError::below("NL0203", &e))
    }
}

fn network(installation: &Installation) -> Network {
    Network {
        limits: limits(&installation.settings.download),
        proxies: Proxies::of(&settings::proxies()),
    }
}

fn limits(settings: &Download) -> Limits {
    Limits {
        connect: settings.connect_timeout,
        idle: settings.idle_timeout,
        whole: settings.timeout,
        whole_from_store: settings.object_store_timeout,
        lowest_speed: settings.lowest_speed,
        tries: settings.retry_count,
        pause: settings.retry_pause,
        resume_from: settings.resume_threshold,
    }
}

/// Only the releases on disk; for going back when the repository cannot be asked.
pub fn on_disk(installation: &Installation) -> Result<Catalog> {
    with_disk(installation, Catalog::default(), Offered::NotAsked)
}

/// `offered` is of those that only the disk has.
fn with_disk(installation: &Installation, mut catalog: Catalog, offered: Offered) -> Result<Catalog> {
    for dir in release_dirs(installation)? {
        if let Ok(manifest) = package::manifest_of(&dir) {
            catalog.add_on_disk(&manifest, offered);
        }
    }
    Ok(catalog)
}

pub fn release_dirs(installation: &Installation) -> Result<Vec<std::path::PathBuf>> {
    let releases = installation.layout.releases();
    let read = std::fs::read_dir(&releases).and_then(|dirs| dirs.map(|dir| Ok(dir?.path())).collect());
    read.map_err(|e| AppError::below("NL0408", &e))
}

pub(super) fn not_trusted(error: &tuf::TufError) -> AppError {
    let code = if error.is_unreachable() { "NL0202" } else { "NL0203" };
    AppError::below(code, error)
}
