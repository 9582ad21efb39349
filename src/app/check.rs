//! Is there something newer, and can one get there?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calendar::zone_name;
use super::offer::Offer;
use super::outlook::{Held, outlook};
use super::{Installation, Result, facts};
use crate::plan::{self, Fetch, Goal, Planned, Wish};
use crate::release::{Platform, Withdrawal};
use crate::version::{Channel, Version};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    #[schema(value_type = Option<String>, required = true)]
    pub current_version: Option<Version>,
    pub updates_available: bool,
    /// The highest version that `--latest` would go to.
    #[schema(value_type = Option<String>, required = true)]
    pub latest_version: Option<Version>,
    /// The highest version that `--stable` would go to.
    #[schema(value_type = Option<String>, required = true)]
    pub latest_stable: Option<Version>,
    /// Everything above the installed version, lowest first.
    pub available: Vec<Available>,
    /// By whose clock times are told in words.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
    /// What is to be known besides: of how the releases were had, of the installed one, and of the way to the highest.
    pub notes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Available {
    #[schema(value_type = String)]
    pub version: Version,
    pub channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub released_at: Option<jiff::Timestamp>,
    /// Bytes of the package for this platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_bytes: Option<u64>,
    /// Why its publisher took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<String>,
    /// What keeps it from being taken by itself now; empty when the server takes it at its next look.
    pub held: Vec<Held>,
    /// When it would be taken by itself if all stays as it is; absent where nothing holds it,
    /// where that takes a person, or a newer one is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub taken_at: Option<jiff::Timestamp>,
}

/// Asks the repository; changes nothing but the trusted metadata.
pub fn check(installation: &Installation) -> Result<CheckView> {
    let facts = facts::gather(installation)?;
    let offer = Offer::of(installation, &Goal::Upgrade(Wish::Latest, Fetch::AsNeeded).into())?;
    let catalog = &offer.catalog;
    let mut notes: Vec<String> = offer.told().collect();
    let current_version = facts.installed.as_ref().map(|installed| installed.version.clone());
    let platform = Platform::this_host();
    let seen = outlook(installation, &facts, &offer)?.releases;
    let newer = catalog
        .releases()
        .filter(|release| current_version.as_ref().is_none_or(|now| release.version > *now));
    let available: Vec<Available> = newer
        .map(|release| {
            let at = seen.binary_search_by(|seen| seen.version.cmp(&release.version));
            let seen = at.ok().and_then(|at| seen.get(at));
            Available {
                version: release.version.clone(),
                channel: release.channel(),
                released_at: release.rules.released_at,
                download_bytes: release.package_for(&platform).map(|package| package.target.length),
                withdrawn: catalog.withdrawal(&release.version).map(Withdrawal::reason),
                held: seen.map(|seen| seen.held.clone()).unwrap_or_default(),
                taken_at: seen.and_then(|seen| seen.taken_at(installation)),
            }
        })
        .collect();
    if let Some((version, withdrawal)) = current_version.as_ref().and_then(|v| Some((v, catalog.withdrawal(v)?))) {
        notes.push(format!("the installed {version}: {}", withdrawal.reason()));
    }
    let mut best = |wish| match plan::plan(&facts, catalog, &Goal::Upgrade(wish, Fetch::AsNeeded)) {
        Ok(Planned::Go(plan)) => {
            // What is passed over is told with each release.
            let warnings = plan
                .warnings()
                .iter()
                .filter(|warning| warning.code != plan::PASSED_OVER);
            notes.extend(warnings.map(|warning| warning.message.clone()));
            Some(plan.to().clone())
        }
        Ok(Planned::AlreadyThere(_)) => None,
        Err(refusal) => {
            notes.push(refusal.message);
            None
        }
    };
    let (latest_version, latest_stable) = (best(Wish::Latest), best(Wish::Stable));
    notes.sort();
    notes.dedup();
    let updates_available = latest_version.is_some();
    Ok(CheckView {
        current_version,
        updates_available,
        latest_version,
        latest_stable,
        available,
        time_zone: zone_name(&installation.settings.policy.calendar()),
        notes,
    })
}
