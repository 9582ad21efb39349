//! Components of others, for publishers who ship them.

use std::path::Path;

use serde::Serialize;

use super::{AppError, Result};
use crate::component::Source;
use crate::disk;
use crate::fetch::{Limits, Network, Proxies};
use crate::publish::{self, ImportError, ImportWanted, Imported};
use crate::settings;

pub use crate::component::Offer as ComponentOffer;

const SOURCE_LIMIT: u64 = 256 << 10;

/// What a source offers, the highest version first.
#[derive(Debug, Serialize)]
pub struct OffersView {
    pub name: String,
    pub offers: Vec<ComponentOffer>,
    /// Tags that are not versions.
    pub odd: Vec<String>,
}

/// The versions that a source has, with pre-releases where it says so.
pub fn component_offers(source: &Path) -> Result<OffersView> {
    let source = read(source)?;
    let mut offers = publish::offers(&source, &network()).map_err(|e| failed(&e))?;
    let sorted = offers.sorted(source.pre_releases).into_iter().cloned().collect();
    Ok(OffersView {
        name: source.name.to_string(),
        offers: sorted,
        odd: std::mem::take(&mut offers.odd),
    })
}

/// Fetches a version, checks it, and unpacks it into a folder that can be packed.
pub fn component_import(source: &Path, wanted: &ImportWanted<'_>) -> Result<Imported> {
    let source = read(source)?;
    publish::import(&source, wanted, &network()).map_err(|e| failed(&e))
}

fn read(path: &Path) -> Result<Source> {
    let text = disk::read_text_limited(path, SOURCE_LIMIT)?;
    Source::parse(&text).map_err(|e| AppError::said("NL0530", format!("{}: {e}", path.display())))
}

fn network() -> Network {
    Network {
        limits: Limits::default(),
        proxies: Proxies::of(&settings::proxies()),
    }
}

fn failed(error: &ImportError) -> AppError {
    let code = match error {
        ImportError::NoList | ImportError::There(_) => "NL0530",
        ImportError::Component(_) | ImportError::Checksum { .. } | ImportError::Package(_) => "NL0532",
        ImportError::Disk(_) | ImportError::Read { .. } => "NL0408",
        ImportError::Fetch(_) | ImportError::Elsewhere { .. } | ImportError::Endless | ImportError::NotText { .. } => {
            "NL0531"
        }
    };
    AppError::below(code, error)
}
