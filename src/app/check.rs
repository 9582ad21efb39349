//! Is there something newer, and can one get there?

use serde::Serialize;
use utoipa::ToSchema;

use super::repository::Repository;
use super::{Installation, Result, facts};
use crate::plan::{self, Fetch, Goal, Planned, Wish};
use crate::release::{Platform, Withdrawal};
use crate::version::{Channel, Version};

#[derive(Debug, Serialize, ToSchema)]
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
    /// What was passed over, and why.
    pub notes: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
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
}

/// Asks the repository; changes nothing but the trusted metadata.
pub fn check(installation: &Installation) -> Result<CheckView> {
    let facts = facts::gather(installation)?;
    let (catalog, told) = Repository::needed(installation, None)?.catalog(installation)?;
    let mut notes: Vec<String> = told.iter().map(ToString::to_string).collect();
    let current_version = facts.installed.as_ref().map(|installed| installed.version.clone());
    let platform = Platform::this_host();
    let newer = catalog
        .releases()
        .filter(|release| current_version.as_ref().is_none_or(|now| release.version > *now));
    let available: Vec<Available> = newer
        .map(|release| Available {
            version: release.version.clone(),
            channel: release.channel(),
            released_at: release.rules.released_at,
            download_bytes: release.package_for(&platform).map(|package| package.target.length),
            withdrawn: catalog.withdrawal(&release.version).map(Withdrawal::reason),
        })
        .collect();
    if let Some((version, withdrawal)) = current_version.as_ref().and_then(|v| Some((v, catalog.withdrawal(v)?))) {
        notes.push(format!("the installed {version}: {}", withdrawal.reason()));
    }
    let mut best = |wish| match plan::plan(&facts, &catalog, &Goal::Upgrade(wish, Fetch::AsNeeded)) {
        Ok(Planned::Go(plan)) => {
            notes.extend(plan.warnings().iter().map(|warning| warning.message.clone()));
            Some(plan.to().clone())
        }
        Ok(Planned::AlreadyThere(settled)) => {
            notes.extend(settled.passed_over);
            None
        }
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
        notes,
    })
}
