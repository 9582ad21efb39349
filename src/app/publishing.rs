//! The publisher's verbs.

use std::path::{Path, PathBuf};

use super::signing::not_changed;
use super::{AppError, Result};
use crate::fetch::{Limits, Network, Proxies};
use crate::migrate::schema::SchemaFiles;
use crate::package::{self, Packed};
use crate::publish::{self, Inspected, Keys, Patches, Published, RepositoryReport};
use crate::release::{Changelog, Platform, ProductName, ReleaseManifest};
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
    migrations_are_sound(tree, &manifest)?;
    package::pack(tree, manifest, out, options.packing).map_err(wrong)
}

/// What operators' machines would refuse is found where it can still be mended.
fn migrations_are_sound(tree: &Path, manifest: &ReleaseManifest) -> Result<()> {
    let wrong = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0501", e);
    let Some(database) = manifest.sqlite() else {
        return Ok(());
    };
    let dir = database.migrations.under(tree);
    if manifest.rules.schema_level.is_none() && !dir.exists() {
        return Ok(());
    }
    let files = SchemaFiles::load(&dir, &|_| true).map_err(|e| wrong(&e))?;
    files.lint(0, files.highest()).map_err(|e| wrong(&e))?;
    let (highest, said) = (files.highest(), manifest.rules.schema_level);
    // A folder without migrations brings none.
    if said.unwrap_or(0) == highest {
        return Ok(());
    }
    let said = said.map_or_else(
        || "no `schema_level`".to_owned(),
        |level| format!("`schema_level = {level}`"),
    );
    let message = format!(
        "release.toml says {said}, but the migrations in {} go up to {highest}",
        dir.display()
    );
    Err(AppError::said("NL0501", message))
}

#[derive(Debug)]
pub struct PublishOptions {
    pub repository: PathBuf,
    pub keys: Keys,
    pub changelog: Option<PathBuf>,
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
    } = options;
    publish::publish(repository, keys, &inspected, changelog.as_deref(), clock::now()).map_err(|e| not_changed(&e))
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
    let file = std::fs::File::open(path).map_err(|e| AppError::below("NL0408", &e))?;
    let mut reader = crypt::DigestReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|e| AppError::below("NL0408", &e))?;
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

/// What a repository offers, product by product.
pub fn release_list(repository: &Path) -> Result<Vec<Listed>> {
    publish::list(repository).map_err(|e| AppError::below("NL0503", &e))
}

/// The whole repository as a client would see it.
pub fn release_verify(repository: &Path) -> Result<RepositoryReport> {
    publish::verify(repository, clock::now()).map_err(|e| AppError::below("NL0503", &e))
}
