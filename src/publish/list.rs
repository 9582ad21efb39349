//! What a repository offers: every release, for which platforms, and what was said of it later.

use std::path::Path;

use serde::Serialize;

use super::{PublishError, products, repository};
use crate::release::{Advisory, Platform, ProductName, Rollout, Withdrawal};
use crate::version::{Channel, Version};

#[derive(Debug, Serialize)]
pub struct Listed {
    pub product: ProductName,
    /// Newest first.
    pub releases: Vec<ListedRelease>,
    /// What was said of them after they came out.
    pub advisory: Advisory,
}

#[derive(Debug, Serialize)]
pub struct ListedRelease {
    pub version: Version,
    pub channel: Channel,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<jiff::Timestamp>,
    pub packages: Vec<ListedPackage>,
    pub changelog: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
}

#[derive(Debug, Serialize)]
pub struct ListedPackage {
    pub platform: Platform,
    pub length: u64,
}

/// One entry for each product; with what a publisher should do soon.
pub fn list(repository: &Path, now: jiff::Timestamp) -> Result<(Vec<Listed>, Vec<String>), PublishError> {
    let editor = repository::look(repository)?;
    let all = products::all(&editor).into_iter().map(|product| {
        let catalog = editor.catalog(&product)?;
        let releases = catalog.releases().rev().map(|release| ListedRelease {
            version: release.version.clone(),
            channel: release.channel(),
            released_at: release.rules.released_at,
            packages: release.packages.values().map(listed_package).collect(),
            changelog: release.changelog.is_some(),
            withdrawn: catalog.withdrawal(&release.version).cloned(),
            rollout: catalog.rules_of(release).rollout,
        });
        Ok(Listed {
            product,
            releases: releases.collect(),
            advisory: catalog.advisory().cloned().unwrap_or_default(),
        })
    });
    let all = all.collect::<Result<_, PublishError>>()?;
    Ok((all, repository::warnings(&editor, now)))
}

fn listed_package(package: &crate::release::PackageRef) -> ListedPackage {
    ListedPackage {
        platform: package.platform.clone(),
        length: package.target.length,
    }
}
