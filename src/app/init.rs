//! Makes an installation, takes one in that is there, or names another repository for it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::installation::{absolute, load_settings};
use super::{AppError, Result};
use crate::engine::{InstallationLock, Layout, VersionFile};
use crate::fetch::Location;
use crate::release::ProductName;
use crate::store::{Fact, Store};
use crate::version::Version;
use crate::{clock, disk, package, tuf};

/// Root metadata is at most this long (as in the client of `tuf`).
const ROOT_LIMIT: u64 = 512_000;

#[derive(Debug, Default)]
pub struct InitOptions {
    pub product: Option<ProductName>,
    pub repository: Option<Location>,
    /// The publisher's root of trust, got from elsewhere than the repository.
    pub root_metadata: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
pub struct InitReport {
    pub root: PathBuf,
    pub product: String,
    pub repository: Option<String>,
    /// A release that was found in place and taken in.
    pub adopted: Option<Version>,
    /// False when the installation was there before.
    pub created: bool,
}

/// Repeatable: what is there stays, what is named anew replaces the old name.
pub fn init(root: &Path, config: Option<&Path>, options: &InitOptions) -> Result<InitReport> {
    let layout = Layout::new(absolute(root)?);
    load_settings(&layout, config)?;
    let created = !disk::exists(&layout.store())?;
    let product = product_for(&layout, options)?;
    layout.create()?;
    let store = Store::open(&layout.store())?;
    let lock = InstallationLock::take(&layout, "netlink init")?;
    if let Some(known) = store.fact(Fact::Product)?.filter(|known| *known != product.to_string()) {
        let message = format!(
            "{} is an installation of {known}; use another folder for {product}",
            layout.root().display()
        );
        return Err(AppError::said("NL0110", message));
    }
    trust(&layout, options)?;
    store.set_fact(Fact::Product, Some(&product.to_string()))?;
    if let Some(location) = &options.repository {
        store.set_fact(Fact::Repository, Some(&location.to_string()))?;
    }
    let adopted = adopt(&layout, &store, &product)?;
    drop(lock);
    Ok(InitReport {
        root: layout.root().to_path_buf(),
        product: product.to_string(),
        repository: store.fact(Fact::Repository)?,
        adopted,
        created,
    })
}

fn product_for(layout: &Layout, options: &InitOptions) -> Result<ProductName> {
    if let Some(product) = &options.product {
        return Ok(product.clone());
    }
    if disk::exists(&layout.store())? {
        let known = Store::open(&layout.store())?.fact(Fact::Product)?;
        if let Some(known) = known {
            return known.parse().map_err(|e| AppError::below("NL0404", &e));
        }
    }
    Err(AppError::said("NL0110", "name the product with `--product NAME`"))
}

fn trust(layout: &Layout, options: &InitOptions) -> Result<()> {
    match (&options.repository, &options.root_metadata) {
        (_, Some(path)) => {
            let bytes = disk::read_limited(path, ROOT_LIMIT)?;
            tuf::init(&layout.trust(), &bytes).map_err(|e| AppError::below("NL0203", &e))
        }
        (Some(_), None) if !layout.trust().join("root.json").exists() => {
            let message = "a repository needs the publisher's root of trust: `--root-metadata FILE`";
            Err(AppError::said("NL0110", message))
        }
        _ => Ok(()),
    }
}

/// Takes in a release that `current` points to and that no record knows yet; it must be whole.
fn adopt(layout: &Layout, store: &Store, product: &ProductName) -> Result<Option<Version>> {
    if store.fact(Fact::InstalledVersion)?.is_some() {
        return Ok(None);
    }
    let Some(version) = layout.active() else {
        return Ok(None);
    };
    let staged = package::Staged::check(&layout.release(&version)).map_err(|e| AppError::below("NL0306", &e))?;
    let manifest = staged.manifest();
    if manifest.product != *product || manifest.version != version {
        let message = format!(
            "`current` holds {} {}, not {product} {version}",
            manifest.product, manifest.version
        );
        return Err(AppError::said("NL0306", message));
    }
    let file = VersionFile::with(None, &version, false, clock::now());
    file.write(&layout.version_file())
        .map_err(|e| AppError::below("NL0408", &e))?;
    store.set_fact(Fact::InstalledVersion, Some(&version.to_string()))?;
    Ok(Some(version))
}
