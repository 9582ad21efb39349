//! The publisher's verbs.

use std::path::{Path, PathBuf};

use super::signing::not_changed;
use super::{AppError, Result, soundness};
use crate::fetch::{Limits, Network, Proxies};
use crate::package::{self, Packed};
use crate::plan::{self, Shut};
use crate::publish::{self, Inspected, Keys, Patches, Published, RepositoryReport};
use crate::release::{Catalog, Changelog, Platform, ProductName, ReleaseManifest};
use crate::version::Version;
use crate::{clock, crypt, disk, settings};

pub use crate::fetch::store::Destination;
pub use crate::package::Packing;
pub use crate::publish::{Advice, Advised, Begun, Bundled, Listed, ListedRelease, Wanted as BundleWanted};

/// A changelog of one release is at most this long.
const CHANGELOG_LIMIT: u64 = 4 << 20;

/// The folder of the next release, begun from that of the last one; without a version, of the one that follows.
pub fn release_new(last: &Path, folder: &Path, version: Option<Version>) -> Result<Begun> {
    publish::begin(last, folder, version).map_err(|e| AppError::below("NL0501", &e))
}

#[derive(Debug)]
pub struct PackOptions {
    /// When absent, the manifest's own.
    pub platform: Option<Platform>,
    pub packing: Packing,
}

pub fn pack(tree: &Path, out: &Path, options: &PackOptions) -> Result<Packed> {
    let wrong = |e: package::PackageError| AppError::below("NL0501", &e);
    let mut manifest = package::read_source(tree).map_err(wrong)?;
    if let Some(platform) = &options.platform {
        manifest.platform = platform.clone();
    }
    soundness::check(tree, &manifest)?;
    package::pack(tree, manifest, out, options.packing).map_err(wrong)
}

#[derive(Debug)]
pub struct PublishOptions {
    pub repository: PathBuf,
    pub keys: Keys,
    pub changelog: Option<PathBuf>,
    /// The repository may have releases of one more product from now on.
    pub new_product: bool,
}

/// Signs and publishes packages of one release; a publisher's mistake is found before anything is signed.
pub fn publish(packages: &[PathBuf], options: &PublishOptions) -> Result<Published> {
    let inspected = packages.iter().map(|path| inspect(path)).collect::<Result<Vec<_>>>()?;
    let first = inspected
        .first()
        .ok_or_else(|| AppError::said("NL0110", "name at least one package file"))?;
    one_release(&inspected, &first.manifest)?;
    if let Some(path) = &options.changelog {
        let text = disk::read_text_limited(path, CHANGELOG_LIMIT)?;
        Changelog::parse(&first.manifest.version, &text).map_err(|e| AppError::below("NL0501", &e))?;
    }
    let PublishOptions {
        repository,
        keys,
        changelog,
        new_product,
    } = options;
    let publishing = publish::Publishing {
        packages: &inspected,
        changelog: changelog.as_deref(),
        new_product: *new_product,
    };
    publish::publish(repository, keys, &publishing, &judged, clock::now()).map_err(|e| not_changed(&e))
}

/// Releases that nobody can move up to, as operators' machines plan.
fn judged(
    product: &ProductName,
    catalog: &Catalog,
    only: Option<&Version>,
) -> std::result::Result<Vec<String>, String> {
    let shut = plan::shut(product, catalog).map_err(|e| e.to_string())?;
    let asked = shut.iter().filter(|shut| only.is_none_or(|only| *only == shut.version));
    Ok(asked.map(|shut| told(product, shut)).collect())
}

fn told(
    product: &ProductName,
    Shut {
        version,
        nearest,
        witness,
    }: &Shut,
) -> String {
    let why: Vec<String> = witness
        .iter()
        .map(|refused| format!("{} ({})", refused.reason, refused.rule))
        .collect();
    format!(
        "NOBODY CAN MOVE UP TO {version}: no published release of {product} leads there; from {nearest}, the nearest: {}. Mend \
         [rules] in its release.toml and publish it as another version; `netlink release yank {version}` takes this one back",
        why.join("; ")
    )
}

/// Brings the place where operators read it up to the repository.
pub fn release_send(repository: &Path, to: &Destination, looking: publish::Looking) -> Result<publish::Sent> {
    let network = Network {
        limits: Limits::default(),
        proxies: Proxies::of(&settings::proxies()),
    };
    publish::send(repository, to, &network, looking, clock::now()).map_err(|e| match &e {
        publish::PublishError::Send(publish::SendError::Store(_)) => AppError::below("NL0516", &e),
        publish::PublishError::Send(_) => AppError::below("NL0515", &e),
        publish::PublishError::Target { .. } | publish::PublishError::Tuf(_) => AppError::below("NL0503", &e),
        _ => not_changed(&e),
    })
}

/// Makes, tries, signs and publishes patches between two published releases.
pub fn patch(repository: &Path, keys: &Keys, options: &publish::PatchOptions) -> Result<Patches> {
    publish::patch(repository, keys, options, clock::now()).map_err(|e| match e {
        publish::PublishError::NothingToPatch { .. } | publish::PublishError::Advice(_) => {
            AppError::below("NL0520", &e)
        }
        e => not_changed(&e),
    })
}

fn inspect(path: &Path) -> Result<Inspected> {
    let wrong = |e: package::PackageError| {
        AppError::said(
            "NL0501",
            format!("{}: {}", path.display(), AppError::below("NL0501", &e)),
        )
    };
    // To its end: what is cut or damaged would be signed, and refused by every client.
    let manifest = package::check_package(path).map_err(wrong)?;
    let unread = |source| disk::DiskError {
        action: "read",
        path: path.to_path_buf(),
        source,
    };
    let mut reader = crypt::DigestReader::new(std::fs::File::open(path).map_err(unread)?);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(unread)?;
    let (_, length, sha256) = reader.finish();
    Ok(Inspected {
        path: path.to_path_buf(),
        manifest,
        length,
        sha256,
    })
}

fn one_release(inspected: &[Inspected], first: &ReleaseManifest) -> Result<()> {
    let odd = inspected
        .iter()
        .find(|one| one.manifest.version != first.version || one.manifest.product != first.product);
    match odd {
        None => Ok(()),
        Some(odd) => {
            let message = format!(
                "{} is {} {}, the first package is {} {}; publish one release at a time",
                odd.path.display(),
                odd.manifest.product,
                odd.manifest.version,
                first.product,
                first.version
            );
            Err(AppError::said("NL0501", message))
        }
    }
}

/// Where a publisher says something of the releases of a product.
#[derive(Debug)]
pub struct AdviceOptions {
    pub repository: PathBuf,
    pub keys: Keys,
    /// When absent, the only one of the repository.
    pub product: Option<ProductName>,
}

/// Signs one more thing to be said of releases that are out, or takes one back; gives all that is said now.
pub fn release_advise(advice: Advice, options: &AdviceOptions) -> Result<Advised> {
    let AdviceOptions {
        repository,
        keys,
        product,
    } = options;
    publish::advise(repository, keys, product.as_ref(), advice, clock::now()).map_err(|e| match &e {
        publish::PublishError::Advice(_) => AppError::below("NL0501", &e),
        _ => not_changed(&e),
    })
}

/// One file of a repository, for machines without network.
pub fn release_bundle(repository: &Path, wanted: &BundleWanted, out: &Path) -> Result<Bundled> {
    publish::bundle(repository, wanted, out, clock::now()).map_err(|e| match &e {
        publish::PublishError::Bundle(_) | publish::PublishError::Advice(_) => AppError::below("NL0501", &e),
        _ => AppError::below("NL0502", &e),
    })
}

/// What a repository offers, product by product, and what is to be done soon.
pub fn release_list(repository: &Path) -> Result<(Vec<Listed>, Vec<String>)> {
    publish::list(repository, clock::now()).map_err(|e| AppError::below("NL0503", &e))
}

/// The whole repository as a client would see it.
pub fn release_verify(repository: &Path) -> Result<RepositoryReport> {
    publish::verify(repository, &judged, clock::now()).map_err(|e| AppError::below("NL0503", &e))
}
