//! A component of others, fetched, checked and unpacked into a folder that a publisher can pack and sign.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::component::{
    self, ArchiveKind, COMPONENT_NAME, Choice, ComponentError, ComponentManifest, Offer, Offers, Proof, Source,
};
use crate::crypt::{Digest, DigestReader};
use crate::disk::{self, DiskError};
use crate::fetch::{self, Expected, FetchError, Network};
use crate::package::{self, ForeignOptions, PackageError, SOURCE_NAME};
use crate::release::{FileEntry, FileKind, Platform};
use crate::version::{Dotted, Version};

/// One page of a list of releases, with what is written of each.
const PAGE_LIMIT: u64 = 16 << 20;
const PAGES: usize = 50;
/// The most that GitHub gives at a time.
const PER_PAGE: usize = 100;
const SUMS_LIMIT: u64 = 4 << 20;
/// How long what arrived of a file is kept for another try.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Component(#[from] ComponentError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("{} is there already; name a folder that is not", .0.display())]
    There(PathBuf),
    #[error("the source has no list of releases; give its address as `releases`, or `github_repo`")]
    NoList,
    #[error("the list of releases leads from {from} to {to}, another server, which is not followed")]
    Elsewhere { from: String, to: String },
    #[error("the list of releases has more than {PAGES} pages")]
    Endless,
    #[error("{url} is not text")]
    NotText { url: String },
    #[error(
        "{url} has SHA-256 {found} but its checksum is {expected}; what was fetched is removed, ask those who publish it"
    )]
    Checksum {
        url: String,
        expected: Digest,
        found: Digest,
    },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

#[derive(Debug)]
pub struct Wanted<'a> {
    pub version: &'a Dotted,
    pub platform: &'a Platform,
    pub into: &'a Path,
    /// The release that it is to become, for its `release.toml`.
    pub release: Option<&'a Version>,
}

#[derive(Debug, Serialize)]
pub struct Imported {
    pub folder: PathBuf,
    #[serde(flatten)]
    pub manifest: ComponentManifest,
    pub files_count: usize,
    pub bytes: u64,
}

/// All that the list of releases offers.
pub fn offers(source: &Source, network: &Network) -> Result<Offers, ImportError> {
    listed(source, network, |_| false)
}

/// Repeatable: the folder appears when it is whole, and what arrived of the file is gone on with.
pub fn import(source: &Source, wanted: &Wanted<'_>, network: &Network) -> Result<Imported, ImportError> {
    if disk::exists(wanted.into)? {
        return Err(ImportError::There(wanted.into.to_path_buf()));
    }
    let offers = match source.releases {
        Some(_) => Some(listed(source, network, |offers| offers.find(wanted.version).is_some())?),
        None => None,
    };
    let offer = offers.as_ref().map(|offers| one(offers, wanted.version)).transpose()?;
    let choice = component::choose(source, wanted.version, wanted.platform, offer)?;
    let work = part_of(wanted.into);
    disk::create_dir_all(&work)?;
    let made = fetched(source, &choice, &work, network)
        .and_then(|file| filled(source, wanted, &choice, &file, &work))
        .and_then(|(tree, manifest)| {
            disk::rename(&tree, wanted.into)?;
            Ok(manifest)
        });
    match made {
        Ok(manifest) => {
            disk::remove_tree(&work)?;
            Ok(report(wanted.into, manifest))
        }
        Err(error) => {
            // The reason of the failure is what a person needs to know.
            let _ = fetch::forget(&work, KEPT);
            Err(error)
        }
    }
}

/// Reads page after page, until there are no more or `enough` is there.
fn listed(source: &Source, network: &Network, enough: impl Fn(&Offers) -> bool) -> Result<Offers, ImportError> {
    let first = source.releases.as_deref().ok_or(ImportError::NoList)?;
    let is_web = first.starts_with("http");
    let mut url = if is_web {
        with_query(first, &format!("per_page={PER_PAGE}"))
    } else {
        first.to_owned()
    };
    let mut offers = Offers::default();
    for number in 2..PAGES + 2 {
        let page = fetch::read_page(&url, network, PAGE_LIMIT)?;
        let count = offers.add_page(&page.body)?;
        if enough(&offers) {
            return Ok(offers);
        }
        url = match page.next {
            Some(next) if origin(&next) != origin(first) => {
                return Err(ImportError::Elsewhere {
                    from: origin(first).to_owned(),
                    to: origin(&next).to_owned(),
                });
            }
            Some(next) => next,
            // Servers that do not say whether there is more give a full page when there may be.
            None if is_web && count >= PER_PAGE => with_query(first, &format!("per_page={PER_PAGE}&page={number}")),
            None => return Ok(offers),
        };
    }
    Err(ImportError::Endless)
}

fn with_query(url: &str, query: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}{query}")
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    let slashes = url.match_indices('/').nth(2);
    slashes.map_or(url, |(at, _)| &url[..at])
}

fn one<'a>(offers: &'a Offers, version: &Dotted) -> Result<&'a Offer, ComponentError> {
    offers.find(version).ok_or_else(|| ComponentError::NoVersion {
        version: version.clone(),
        count: offers.offers.len(),
    })
}

/// The file, checked as far as something vouches for it.
struct Fetched {
    path: PathBuf,
    length: u64,
    sha256: Digest,
}

fn fetched(source: &Source, choice: &Choice, work: &Path, network: &Network) -> Result<Fetched, ImportError> {
    let url = &choice.url;
    let expected = match &choice.proof {
        Proof::Digest(digest) => Some(*digest),
        Proof::Sums(sums) => Some(sum(sums, choice, network)?),
        Proof::Nothing => None,
    };
    let length = fetch::length_of(url, network, source.limits.download)?;
    let path = work.join("file");
    let mut on = |_, _| ControlFlow::Continue(());
    let Some(sha256) = expected else {
        fetch::download_unverified(url, network, length, &path, &mut on)?;
        let sha256 = digest_of_file(&path)?;
        return Ok(Fetched { path, length, sha256 });
    };
    let signed = Expected { length, sha256 };
    let sources = fetch::sources(url, network)?;
    fetch::download(&sources, fetch::ANY, &signed, &path, &mut on).map_err(|error| match error {
        FetchError::Digest { url, expected, found } => ImportError::Checksum { url, expected, found },
        other => other.into(),
    })?;
    Ok(Fetched { path, length, sha256 })
}

fn sum(url: &str, choice: &Choice, network: &Network) -> Result<Digest, ImportError> {
    let page = fetch::read_page(url, network, SUMS_LIMIT)?;
    let text = String::from_utf8(page.body).map_err(|_| ImportError::NotText { url: url.to_owned() })?;
    Ok(component::sum_of(&text, &choice.name).map_err(ComponentError::from)?)
}

fn digest_of_file(path: &Path) -> Result<Digest, ImportError> {
    let read = |source| ImportError::Read {
        path: path.to_path_buf(),
        source,
    };
    let mut reader = DigestReader::new(std::fs::File::open(path).map_err(read)?);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(read)?;
    Ok(reader.finish().2)
}

/// The unpacked tree with what it says of itself.
fn filled(
    source: &Source,
    wanted: &Wanted<'_>,
    choice: &Choice,
    file: &Fetched,
    work: &Path,
) -> Result<(PathBuf, ComponentManifest), ImportError> {
    let options = ForeignOptions {
        kind: source.archive.unwrap_or_else(|| ArchiveKind::of(&choice.name)),
        program: &source.program,
        strip: source.strip,
        limits: source.limits,
    };
    let unpacked = package::unpack_foreign(&file.path, &work.join("tree"), &options)?;
    let manifest = ComponentManifest {
        name: source.name.clone(),
        version: wanted.version.clone(),
        platform: wanted.platform.clone(),
        url: choice.url.clone(),
        length: file.length,
        sha256: file.sha256,
        checked_against: match &choice.proof {
            Proof::Sums(url) => Some(url.clone()),
            Proof::Digest(_) => source.releases.clone(),
            Proof::Nothing => None,
        },
        files: unpacked.files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    text.push(b'\n');
    disk::write_atomic(&unpacked.tree.join(COMPONENT_NAME), &text, 0o644)?;
    if let Some(release) = wanted.release {
        let text = format!(
            "# {} {} as its publisher made it; see {COMPONENT_NAME}\nproduct = \"{}\"\nversion = \"{release}\"\nplatform = \"{}\"\n",
            manifest.name, manifest.version, manifest.name, manifest.platform
        );
        disk::write_atomic(&unpacked.tree.join(SOURCE_NAME), text.as_bytes(), 0o644)?;
        let changelog = unpacked.tree.join("changelog.md");
        if !disk::exists(&changelog)? {
            let text = format!(
                "# {release}\n\n### Changed\n\n- {} {}\n",
                manifest.name, manifest.version
            );
            disk::write_atomic(&changelog, text.as_bytes(), 0o644)?;
        }
    }
    Ok((unpacked.tree, manifest))
}

fn part_of(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    folder.with_file_name(format!(".{name}.netlink-part"))
}

fn report(folder: &Path, manifest: ComponentManifest) -> Imported {
    let size = |entry: &FileEntry| match entry.kind {
        FileKind::File { size, .. } => size,
        FileKind::Link { .. } => 0,
    };
    Imported {
        folder: folder.to_path_buf(),
        files_count: manifest.files.len(),
        bytes: manifest.files.iter().map(size).sum(),
        manifest,
    }
}
