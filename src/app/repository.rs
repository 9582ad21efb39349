//! The releases an installation can choose from: verified metadata of its repository, and what lies on disk.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{AppError, Installation, Result};
use crate::clock::{self, Deadline};
use crate::disk::DiskError;
use crate::fetch::{self, FetchError, Limits, Location, LocationError, Network, Proxies, Sources};
use crate::package;
use crate::release::{Catalog, Offered, ProductName, TargetRef};
use crate::settings::{self, Download};
use crate::store::Fact;
use crate::tuf::{self, Asking, Listing, MetadataSource, Note, SourceError, TufError, Verified};

/// A changelog of a single release is at most this long.
const CHANGELOG_LIMIT: u64 = 4 << 20;

/// All metadata files of a refresh together: each has limits of its own, and there may be many.
const REFRESH_LIMIT: Duration = Duration::from_secs(600);

/// Metadata files in a folder of a repository, for the client of `tuf`.
pub(super) struct Metadata<'a> {
    sources: &'a Sources,
    folder: &'a str,
    until: Deadline,
}

impl<'a> Metadata<'a> {
    pub fn of(sources: &'a Sources, folder: &'a str) -> Self {
        let until = Deadline::after(REFRESH_LIMIT);
        Self { sources, folder, until }
    }
}

impl MetadataSource for Metadata<'_> {
    fn get(&self, name: &str, limit: u64) -> std::result::Result<Option<Vec<u8>>, SourceError> {
        if self.until.has_passed() {
            return Err(SourceError::new(
                name,
                FetchError::TimedOut {
                    url: "the metadata of the repository".into(),
                    limit: REFRESH_LIMIT,
                },
            ));
        }
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
        let product = installation.product()?;
        let (targets, warnings) = self.targets(installation, &product)?;
        let mut catalog = tuf::catalog(&targets, &product).map_err(|e| AppError::below("NL0204", &e))?;
        if let Some(file) = &self.bundle {
            let names = fetch::names_in_bundle(file).map_err(|e| AppError::below("NL0202", &e))?;
            let is_in = |target: &TargetRef| {
                tuf::target_file(&target.name, target.sha256).is_ok_and(|name| names.contains(&name))
            };
            catalog.keep_files(is_in);
        }
        Ok((with_disk(installation, catalog, Offered::NoMore)?, warnings))
    }

    /// What the publisher lists. A place that answers with what he did not sign, or with an old copy, is passed over for its mirrors,
    /// as one that does not answer is.
    fn targets(&self, installation: &Installation, product: &ProductName) -> Result<(Verified<Listing>, Vec<Note>)> {
        let found = self.targets_of_any(installation, product);
        let bytes = self.sources.taken();
        if bytes > 0 {
            // Who may only look at the state learns all the same what there is.
            let _ = installation.store.count_fetched(bytes);
        }
        found
    }

    fn targets_of_any(
        &self,
        installation: &Installation,
        product: &ProductName,
    ) -> Result<(Verified<Listing>, Vec<Note>)> {
        let mut first_error = None;
        for _ in 0..self.sources.count() {
            match self.targets_of_one(installation, product) {
                Ok(found) => return Ok(found),
                // Then all places were asked already.
                Err(error) if error.is_of_source() => return Err(not_trusted(&first_error.unwrap_or(error))),
                Err(error) => {
                    self.sources.pass_over();
                    first_error.get_or_insert(error);
                }
            }
        }
        let none = || AppError::said("NL0202", "the repository has no place");
        Err(first_error.map_or_else(none, |error| not_trusted(&error)))
    }

    fn targets_of_one(
        &self,
        installation: &Installation,
        product: &ProductName,
    ) -> std::result::Result<(Verified<Listing>, Vec<Note>), TufError> {
        let source = Metadata::of(&self.sources, "metadata");
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
        let refreshed = tuf::refresh(&installation.layout.trust(), asking)?;
        let targets = tuf::all(&refreshed, product.as_str())?;
        drop(refreshed);
        Ok((targets, warnings.into_inner()))
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
    let unread = |source| DiskError {
        action: "list",
        path: releases.clone(),
        source,
    };
    Ok(read.map_err(unread)?)
}

pub(super) fn not_trusted(error: &tuf::TufError) -> AppError {
    let code = if error.is_unreachable() { "NL0202" } else { "NL0203" };
    AppError::below(code, error)
}
