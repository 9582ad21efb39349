//! Makes patches between published releases and publishes those that are worth it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::keys::Keys;
use super::repository::{Outcome, Repository};
use super::{PublishError, products};
use crate::crypt::random;
use crate::disk;
use crate::package::{self, Counts, Expect, Manner, PackageError, Staged};
use crate::release::{Platform, ProductName, TargetCustom, TargetRef};
use crate::tuf::{self, Editor, TargetFile};
use crate::version::Version;

pub use crate::package::Making;

#[derive(Debug)]
pub struct PatchOptions {
    /// May be left out where the repository has one product only.
    pub product: Option<ProductName>,
    pub from: Version,
    /// When absent, the highest one that has a package.
    pub to: Option<Version>,
    /// When absent, every platform that both releases have a package for.
    pub platform: Option<Platform>,
    /// A patch with more bytes than this many hundredths of the whole package is not worth it.
    pub at_most_percent: u8,
    pub making: Making,
    /// Folder to work in; needs room for both trees and a third.
    pub work: PathBuf,
}

/// What came of the patch for one platform.
#[derive(Debug, Serialize)]
pub struct Patched {
    pub from: Version,
    pub to: Version,
    pub platform: Platform,
    pub target: String,
    pub outcome: PatchOutcome,
    /// Bytes of the patch.
    pub length: u64,
    /// Bytes of the whole package.
    pub package_length: u64,
    /// How the files of the new release come about; absent when nothing was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Counts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatchOutcome {
    Published,
    /// Exactly this patch is in the repository.
    PublishedBefore,
    /// The whole package is hardly larger; nothing was published.
    NotWorthIt,
}

/// A published package and what the metadata says of it.
struct Package {
    target: TargetRef,
    expect: Expect,
}

type Packages = BTreeMap<(Version, Platform), Package>;

/// What came of all of them.
#[derive(Debug, Serialize)]
pub struct Patches {
    pub patches: Vec<Patched>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Makes the patches, tries each of them, and signs them into the repository. Where more people must sign, they are a draft
/// until they have.
pub fn patch(repository: &Path, keys: &Keys, options: &PatchOptions, now: Timestamp) -> Result<Patches, PublishError> {
    let mut open = Repository::open(repository)?;
    let product = products::one_of(&open.editor, options.product.as_ref())?;
    let packages = packages(open.editor.targets(), &product)?;
    let held = open.keys_for_targets(keys)?;
    let mut patches = Vec::new();
    for (to, platform) in pairs(&packages, &product, options)? {
        let (Some(old), Some(new)) = (
            packages.get(&(options.from.clone(), platform.clone())),
            packages.get(&(to.clone(), platform)),
        ) else {
            continue;
        };
        patches.push(one(repository, &mut open.editor, (old, new), options)?);
    }
    let is_new = patches.iter().any(|one| one.outcome == PatchOutcome::Published);
    super::verify::contradictions(&open.editor)?;
    let outcome = open.finish_targets(is_new, &held, now)?;
    Ok(Patches { patches, outcome })
}

fn packages<'a>(
    targets: impl IntoIterator<Item = (&'a str, &'a TargetFile)>,
    product: &ProductName,
) -> Result<Packages, PublishError> {
    let mut packages = Packages::new();
    for (name, file) in targets {
        let Some(custom) = file.netlink() else { continue };
        let target = tuf::target_ref(name, file)?;
        if let TargetCustom::Package {
            product: of,
            version,
            platform,
            rules,
            unpacked,
        } = custom
            && of == *product
        {
            let expect = Expect {
                product: of,
                version: version.clone(),
                platform: platform.clone(),
                rules: *rules,
                unpacked,
            };
            packages.insert((version, platform), Package { target, expect });
        }
    }
    Ok(packages)
}

/// Where to, and for which platforms.
fn pairs(
    packages: &Packages,
    product: &ProductName,
    options: &PatchOptions,
) -> Result<Vec<(Version, Platform)>, PublishError> {
    let from = &options.from;
    let fits = |platform: &Platform| options.platform.as_ref().is_none_or(|wanted| wanted == platform);
    let has_old = |platform: &Platform| packages.contains_key(&(from.clone(), platform.clone()));
    let found: Vec<_> = packages
        .keys()
        .filter(|(version, platform)| {
            version != from && options.to.as_ref().is_none_or(|to| to == version) && fits(platform) && has_old(platform)
        })
        .cloned()
        .collect();
    let highest = found.iter().map(|(version, _)| version.clone()).max();
    let Some(to) = highest else {
        let platform = options
            .platform
            .as_ref()
            .map_or(String::new(), |platform| format!(" for {platform}"));
        let to = options
            .to
            .as_ref()
            .map_or("a later release".to_owned(), |to| format!("release {to}"));
        let there: Vec<_> = packages
            .keys()
            .map(|(version, platform)| format!("{version} for {platform}"))
            .collect();
        return Err(PublishError::NothingToPatch {
            missing: format!("pair of packages of {product}, {from} and {to}{platform}"),
            there: format!("the repository has: {}", there.join(", ")),
        });
    };
    Ok(found.into_iter().filter(|(version, _)| *version == to).collect())
}

fn one(
    repository: &Path,
    editor: &mut Editor,
    (old, new): (&Package, &Package),
    options: &PatchOptions,
) -> Result<Patched, PublishError> {
    let (from, to, platform) = (&old.expect.version, &new.expect.version, &new.expect.platform);
    let name = format!("{}/{to}/{platform}.from-{from}.patch", new.expect.product);
    let mut patched = Patched {
        from: from.clone(),
        to: to.clone(),
        platform: platform.clone(),
        target: name.clone(),
        outcome: PatchOutcome::PublishedBefore,
        length: 0,
        package_length: new.target.length,
        files: None,
    };
    if let Some(there) = editor.target(&name)? {
        patched.length = there.length;
        return Ok(patched);
    }
    let work = Work::new(&options.work)?;
    let failed = |source| PublishError::Patch {
        from: from.clone(),
        to: to.clone(),
        platform: platform.clone(),
        source,
    };
    let file = work.0.join("patch");
    let old_tree = unpacked(repository, old, None, &work.0.join("old"))?;
    let new_tree = unpacked(repository, new, Some(old_tree.dir()), &work.0.join("new"))?;
    let made = package::make_patch(&old_tree, &new_tree, &file, &options.making).map_err(failed)?;
    try_out(&file, from, &old_tree, &new.expect, &work.0.join("tried")).map_err(failed)?;
    patched.length = made.length;
    patched.files = Some(made.counts);
    if made.length * 100 > new.target.length * u64::from(options.at_most_percent) {
        patched.outcome = PatchOutcome::NotWorthIt;
        return Ok(patched);
    }
    let target = TargetRef {
        name,
        length: made.length,
        sha256: made.sha256,
    };
    let custom = TargetCustom::Patch {
        product: new.expect.product.clone(),
        version: to.clone(),
        from: from.clone(),
        platform: platform.clone(),
    };
    if editor.add_target(&target, &custom)? {
        let place = repository.join(tuf::target_file(&target.name, target.sha256)?);
        disk::create_dir_of(&place)?;
        disk::copy_file(&file, &place)?;
        disk::set_mode(&place, 0o644)?;
        patched.outcome = PatchOutcome::Published;
    }
    Ok(patched)
}

/// A folder that is gone when we are done, however that went. Its name is one that nobody else can have taken before.
struct Work(PathBuf);

impl Work {
    fn new(above: &Path) -> Result<Self, PublishError> {
        let path = above.join(format!("netlink-patch-{}", hex::encode(random::<8>())));
        disk::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = disk::remove_tree(&self.0);
    }
}

fn place_of(repository: &Path, target: &TargetRef) -> Result<PathBuf, PublishError> {
    Ok(repository.join(tuf::target_file(&target.name, target.sha256)?))
}

/// Of a tree that is gone when we are done, and that nobody writes into.
fn passing(like: Option<&Path>) -> Manner<'_> {
    Manner {
        like,
        hard_links: true,
        durable: false,
    }
}

fn unpacked(repository: &Path, package: &Package, like: Option<&Path>, into: &Path) -> Result<Staged, PublishError> {
    let path = super::verify::check_target(repository, &package.target)?;
    let file = File::open(&path).map_err(|source| PublishError::Read { path, source })?;
    package::unpack_as(file, into, &package.expect, &passing(like), &mut |_| ()).map_err(|source| {
        PublishError::Package {
            target: package.target.name.clone(),
            source,
        }
    })
}

/// A patch that does not do what it is for is found before it is signed.
fn try_out(file: &Path, from: &Version, old: &Staged, expect: &Expect, into: &Path) -> Result<(), PackageError> {
    let patch = File::open(file).map_err(|source| PackageError::Io {
        action: "open",
        path: file.to_path_buf(),
        source,
    })?;
    let tried = package::apply_patch_as(patch, (from, old.dir()), into, expect, &passing(None), &mut |_| ())?;
    Ok(disk::remove_tree(tried.dir())?)
}

/// A patch in the repository is what the metadata says of it, and leads from one published package to another.
pub fn check(
    repository: &Path,
    listed: &BTreeMap<String, TargetFile>,
    target: &TargetRef,
    custom: &TargetCustom,
) -> Result<(), PublishError> {
    let TargetCustom::Patch {
        product,
        version,
        from,
        platform,
    } = custom
    else {
        return Ok(());
    };
    let path = place_of(repository, target)?;
    let unusable = |source| PublishError::Package {
        target: target.name.clone(),
        source,
    };
    let file = File::open(&path).map_err(|source| PublishError::Read { path, source })?;
    let header = package::read_patch_header(file).map_err(unusable)?;
    let wrong = |problem: String| PublishError::Target {
        target: target.name.clone(),
        problem,
    };
    if (&header.product, &header.from, &header.to, &header.platform) != (product, from, version, platform) {
        return Err(wrong(format!(
            "it leads from {} {} to {} for {}",
            header.product, header.from, header.to, header.platform
        )));
    }
    let packages = packages(listed.iter().map(|(name, file)| (name.as_str(), file)), product)?;
    for (release, digest) in [(from, header.base), (version, header.manifest)] {
        let package = packages
            .get(&(release.clone(), platform.clone()))
            .ok_or_else(|| wrong(format!("there is no package of {release} for {platform}")))?;
        let found = package::manifest_digest(&place_of(repository, &package.target)?).map_err(unusable)?;
        if found != digest {
            return Err(wrong(format!("it was made for another package of {release}")));
        }
    }
    Ok(())
}
