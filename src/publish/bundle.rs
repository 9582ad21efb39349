//! A repository in one file, cut down to what machines without network need to get from one version to another.
//!
//! It holds the metadata that a client asks for that knows the publisher's first root alone, and it is made by being that client:
//! what one would refuse cannot be bundled.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use tar::{Builder, EntryType, Header};

use super::client::{self, Folder};
use super::{METADATA, PublishError, ROOT_COPY, products};
use crate::crypt::DigestReader;
use crate::disk::{self, NewFile};
use crate::release::{Catalog, Platform, ProductName, TargetRef};
use crate::tuf::{self, MetadataSource, Role, SourceError};
use crate::version::Version;

/// What a bundle is to hold.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// When absent, the only one of the repository.
    pub product: Option<ProductName>,
    /// The version that is installed; none for a first installation.
    pub from: Option<Version>,
    pub to: Version,
    /// Empty for all.
    pub platforms: Vec<Platform>,
}

#[derive(Debug, Serialize)]
pub struct Bundled {
    pub file: PathBuf,
    /// The releases whose packages are in it.
    pub versions: Vec<Version>,
    pub files: usize,
    pub bytes: u64,
    /// When clients begin to refuse it, unless they allow for more.
    pub good_until: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("{product} has no release {version}; those that are published are: {known}")]
    Unknown {
        product: ProductName,
        version: Version,
        known: String,
    },
    #[error("{version} cannot be entered any more, so that no bundle leads there: {reason}")]
    Withdrawn { version: Version, reason: String },
    #[error("{from} is not below {to}: a bundle leads upwards")]
    Downwards { from: Version, to: Version },
    #[error("{version} has no package for {platforms}; it has: {known}")]
    NoPackage {
        version: Version,
        platforms: String,
        known: String,
    },
}

pub fn bundle(repository: &Path, wanted: &Wanted, out: &Path, now: Timestamp) -> Result<Bundled, PublishError> {
    let editor = super::repository::look(repository)?;
    let product = products::one_of(&editor, wanted.product.as_ref())?;
    let seen = Recorded {
        folder: Folder::of(repository),
        files: RefCell::default(),
    };
    let (catalog, good_until) = as_a_client(repository, &seen, &product, now)?;
    let versions = versions(&catalog, &product, wanted)?;
    let mut targets = Vec::new();
    for version in &versions {
        targets.extend(targets_of(&catalog, version, &wanted.platforms)?);
    }
    targets.extend(editor.target(&super::advise::file_of(&product))?);
    targets.sort_by(|a, b| a.name.cmp(&b.name));

    let file = NewFile::create(out, 0o644)?;
    let mut writer = Writer {
        tar: Builder::new(io::BufWriter::new(file)),
        out,
        files: 0,
    };
    let root = repository.join(ROOT_COPY);
    writer.whole(ROOT_COPY, &disk::read_limited(&root, Role::Root.limit())?)?;
    for (name, bytes) in seen.files.into_inner() {
        writer.whole(&format!("{METADATA}/{name}"), &bytes)?;
    }
    for target in &targets {
        writer.target(repository, target)?;
    }
    let (files, bytes) = (writer.files, writer.finish()?);
    Ok(Bundled {
        file: out.to_path_buf(),
        versions,
        files,
        bytes,
        good_until,
    })
}

/// Metadata of the folder, and which of it was asked for.
struct Recorded {
    folder: Folder,
    files: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl MetadataSource for Recorded {
    fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, SourceError> {
        let found = self.folder.get(name, limit)?;
        if let Some(bytes) = &found {
            self.files.borrow_mut().insert(name.to_owned(), bytes.clone());
        }
        Ok(found)
    }
}

/// What a client sees that begins with the first root, and until when it does.
fn as_a_client(
    repository: &Path,
    seen: &Recorded,
    product: &ProductName,
    now: Timestamp,
) -> Result<(Catalog, Timestamp), PublishError> {
    let root = client::first_root(repository)?;
    let first = Role::Root.versioned_file(1);
    seen.files.borrow_mut().insert(first, root.clone());
    client::look(&root, seen, now, |refreshed| {
        let targets = tuf::all(refreshed, product.as_str())?;
        Ok((tuf::catalog(&targets, product)?, refreshed.good_until()))
    })
}

fn versions(catalog: &Catalog, product: &ProductName, wanted: &Wanted) -> Result<Vec<Version>, BundleError> {
    if catalog.get(&wanted.to).is_none() {
        let known: Vec<String> = catalog.releases().map(|release| release.version.to_string()).collect();
        return Err(BundleError::Unknown {
            product: product.clone(),
            version: wanted.to.clone(),
            known: known.join(", "),
        });
    }
    if let Some(withdrawal) = catalog.withdrawal(&wanted.to) {
        return Err(BundleError::Withdrawn {
            version: wanted.to.clone(),
            reason: withdrawal.reason(),
        });
    }
    let Some(from) = &wanted.from else {
        return Ok(vec![wanted.to.clone()]);
    };
    if *from >= wanted.to {
        let (from, to) = (from.clone(), wanted.to.clone());
        return Err(BundleError::Downwards { from, to });
    }
    // Nobody enters what was withdrawn, also on the way.
    let all = catalog.releases().map(|release| &release.version);
    let all = all.filter(|version| catalog.withdrawal(version).is_none());
    Ok(all.filter(|one| *one > from && **one <= wanted.to).cloned().collect())
}

fn targets_of(catalog: &Catalog, version: &Version, platforms: &[Platform]) -> Result<Vec<TargetRef>, BundleError> {
    let Some(release) = catalog.get(version) else {
        return Ok(Vec::new());
    };
    let list = |platforms: &mut dyn Iterator<Item = &Platform>| {
        let names: Vec<String> = platforms.map(ToString::to_string).collect();
        names.join(", ")
    };
    let mut targets = Vec::new();
    if platforms.is_empty() {
        targets.extend(release.packages.values().map(|package| package.target.clone()));
    }
    for platform in platforms {
        let package = release.package_for(platform).ok_or_else(|| BundleError::NoPackage {
            version: version.clone(),
            platforms: platform.to_string(),
            known: list(&mut release.packages.keys()),
        })?;
        targets.push(package.target.clone());
    }
    targets.extend(release.changelog.clone());
    targets.dedup();
    Ok(targets)
}

struct Writer<'a> {
    tar: Builder<io::BufWriter<NewFile>>,
    out: &'a Path,
    files: usize,
}

impl Writer<'_> {
    fn whole(&mut self, name: &str, bytes: &[u8]) -> Result<(), PublishError> {
        self.append(name, bytes.len() as u64, bytes)
    }

    /// The file of a target; refused when it is not what was signed.
    fn target(&mut self, repository: &Path, target: &TargetRef) -> Result<(), PublishError> {
        let name = tuf::target_file(&target.name, target.sha256)?;
        let path = repository.join(&name);
        let unreadable = |source| PublishError::Read {
            path: path.clone(),
            source,
        };
        let file = File::open(&path).map_err(unreadable)?;
        let mut reader = DigestReader::new(file.take(target.length));
        self.append(&name, target.length, &mut reader)?;
        let (rest, length, sha256) = reader.finish();
        let behind = rest.into_inner().read(&mut [0]);
        let longer = behind.map_err(unreadable)? != 0;
        if longer || (length, sha256) != (target.length, target.sha256) {
            return Err(PublishError::Target {
                target: target.name.clone(),
                problem: "its file has changed; `netlink release verify` tells more".into(),
            });
        }
        Ok(())
    }

    fn append(&mut self, name: &str, length: u64, content: impl Read) -> Result<(), PublishError> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(length);
        self.files += 1;
        let written = self.tar.append_data(&mut header, name, content);
        written.map_err(|source| self.unwritten(source))
    }

    fn finish(self) -> Result<u64, PublishError> {
        let path = self.out.to_path_buf();
        let failed = |source| PublishError::Write {
            path: path.clone(),
            source,
        };
        let mut buffer = self.tar.into_inner().map_err(failed)?;
        buffer.flush().map_err(failed)?;
        let file = buffer.into_inner().map_err(|e| failed(e.into_error()))?;
        file.commit()?;
        let meta = std::fs::metadata(&path).map_err(failed)?;
        Ok(meta.len())
    }

    fn unwritten(&self, source: io::Error) -> PublishError {
        PublishError::Write {
            path: self.out.to_path_buf(),
            source,
        }
    }
}
