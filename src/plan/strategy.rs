//! How the release tree of a leg comes to this disk, and why in that way (spec 004, strategy selection).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::facts::Tree;
use super::{Facts, Fetch};
use crate::release::{CatalogRelease, PackageRef};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "strategy", rename_all = "lowercase")]
pub enum Strategy {
    /// The tree is on this disk already, whole.
    None,
    /// The whole package is fetched and unpacked.
    Full { because: WhyFull, package: PackageRef },
}

/// Why nothing less than the whole package will do; of several reasons the first of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhyFull {
    Forced,
    FirstInstallation,
    /// The release was kept on this disk, and files of it are missing or of another size.
    KeptDamaged,
    KeptForOtherPlatform,
    /// The same of the release that is installed.
    InstalledDamaged,
    InstalledForOtherPlatform,
    /// The repository has no patch from the installed release.
    NoPatch,
}

impl Strategy {
    /// None when there is no package that fits this host.
    pub(super) fn choose(facts: &Facts, release: &CatalogRelease, fetch: Fetch) -> Option<Self> {
        let kept = facts.trees.get(&release.version);
        let is_whole = kept == Some(&Tree::Whole);
        match release.package_for(&facts.platform) {
            // Without a package, what is here has to do even for whoever wants it fetched afresh.
            None => is_whole.then_some(Self::None),
            Some(_) if is_whole && fetch == Fetch::AsNeeded => Some(Self::None),
            Some(package) => Some(Self::Full {
                because: why_full(facts, kept, fetch),
                package: package.clone(),
            }),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Full { .. } => "full",
        }
    }

    pub fn package(&self) -> Option<&PackageRef> {
        match self {
            Self::None => None,
            Self::Full { package, .. } => Some(package),
        }
    }

    /// In words, for people.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::None => "it is on this disk already, whole",
            Self::Full { because, .. } => because.words(),
        }
    }
}

fn why_full(facts: &Facts, kept: Option<&Tree>, fetch: Fetch) -> WhyFull {
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    let running = installed.and_then(|version| facts.trees.get(version));
    match (fetch, kept, installed, running) {
        (Fetch::Full, ..) => WhyFull::Forced,
        (_, Some(Tree::Damaged), ..) => WhyFull::KeptDamaged,
        (_, Some(Tree::OtherPlatform), ..) => WhyFull::KeptForOtherPlatform,
        (_, _, None, _) => WhyFull::FirstInstallation,
        (_, _, Some(_), None | Some(Tree::Damaged)) => WhyFull::InstalledDamaged,
        (_, _, Some(_), Some(Tree::OtherPlatform)) => WhyFull::InstalledForOtherPlatform,
        (_, _, Some(_), Some(Tree::Whole)) => WhyFull::NoPatch,
    }
}

impl WhyFull {
    pub fn words(self) -> &'static str {
        match self {
            Self::Forced => "the whole package was asked for",
            Self::FirstInstallation => "nothing is installed yet",
            Self::KeptDamaged => "files of the copy on this disk are missing or of another size",
            Self::KeptForOtherPlatform => "the copy on this disk is for another platform",
            Self::InstalledDamaged => "files of the installed release are missing or of another size",
            Self::InstalledForOtherPlatform => "the installed release is for another platform",
            Self::NoPatch => "no patch leads there from the installed release",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.reason())
    }
}
