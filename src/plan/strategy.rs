//! How the release tree of a leg comes to this disk, and why in that way (spec 004, strategy selection).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::facts::Tree;
use super::{Facts, Fetch};
use crate::release::{Catalog, CatalogRelease, PackageRef, PatchRef, TargetRef};
use crate::version::Version;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "strategy", rename_all = "lowercase")]
pub enum Strategy {
    /// The tree is on this disk already, whole.
    None,
    /// A patch is fetched and applied to the release before. The whole package is what it falls back to.
    Patch { patch: PatchRef, package: PackageRef },
    /// The whole package is fetched and unpacked.
    Full {
        because: WhyFull,
        /// What exactly was found, e.g. which file is changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        package: PackageRef,
    },
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
    /// A patch would do, but the content of a file of the installed release is not what it was.
    InstalledChanged,
    /// The patch is no smaller than the whole package.
    PatchLarger,
    /// The repository has no patch from the installed release.
    NoPatch,
}

impl Strategy {
    /// How the release comes here at the end of a leg that begins at `from`. None when there is no package that fits this host.
    pub(super) fn choose(
        facts: &Facts,
        catalog: &Catalog,
        (from, release): (Option<&Version>, &CatalogRelease),
        fetch: Fetch,
    ) -> Option<Self> {
        let kept = facts.trees.get(&release.version);
        let is_installed = from == Some(&release.version);
        let is_whole = kept == Some(&Tree::Whole);
        let Some(package) = release.package_for(&facts.platform) else {
            // Without a package, what is here has to do even for whoever wants it fetched afresh.
            return is_whole.then_some(Self::None);
        };
        if is_whole && fetch == Fetch::AsNeeded {
            return Some(Self::None);
        }
        let patch = from.and_then(|from| catalog.patch(from, &release.version, &package.platform));
        let (because, detail) = match (why_full(facts, kept.filter(|_| !is_installed), from, fetch), patch) {
            (Some((because, detail)), _) => (because, detail),
            (None, None) => (WhyFull::NoPatch, None),
            (None, Some(patch)) if patch.target.length >= package.target.length => (WhyFull::PatchLarger, None),
            (None, Some(patch)) => {
                let (patch, package) = (patch.clone(), package.clone());
                return Some(Self::Patch { patch, package });
            }
        };
        Some(Self::Full {
            because,
            detail,
            package: package.clone(),
        })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch { .. } => "patch",
            Self::Full { .. } => "full",
        }
    }

    /// The whole package, which is also what a patch falls back to.
    pub fn package(&self) -> Option<&PackageRef> {
        match self {
            Self::None => None,
            Self::Patch { package, .. } | Self::Full { package, .. } => Some(package),
        }
    }

    /// The file that is fetched when all goes well.
    pub fn fetched(&self) -> Option<&TargetRef> {
        match self {
            Self::None => None,
            Self::Patch { patch, .. } => Some(&patch.target),
            Self::Full { package, .. } => Some(&package.target),
        }
    }

    /// In words, for people.
    pub fn reason(&self) -> String {
        match self {
            Self::None => "it is on this disk already, whole".into(),
            Self::Patch { patch, .. } => format!("a patch leads there from {}", patch.from),
            Self::Full { because, detail, .. } => match detail {
                Some(detail) => format!("{}: {detail}", because.words()),
                None => because.words().into(),
            },
        }
    }
}

/// What stands against a patch, before it is known whether there is one.
fn why_full(
    facts: &Facts,
    kept: Option<&Tree>,
    from: Option<&Version>,
    fetch: Fetch,
) -> Option<(WhyFull, Option<String>)> {
    let installed = facts.installed.as_ref().map(|installed| &installed.version);
    let running = installed.and_then(|version| facts.trees.get(version));
    // A later leg begins at a tree that this update itself has brought here.
    let starts_here = from == installed;
    let because = match (fetch, kept, installed, running) {
        (Fetch::Full, ..) => WhyFull::Forced,
        (_, Some(Tree::Damaged), ..) => WhyFull::KeptDamaged,
        (_, Some(Tree::OtherPlatform), ..) => WhyFull::KeptForOtherPlatform,
        (_, _, None, _) => WhyFull::FirstInstallation,
        (_, _, Some(_), None | Some(Tree::Damaged)) if starts_here => WhyFull::InstalledDamaged,
        (_, _, Some(_), Some(Tree::OtherPlatform)) if starts_here => WhyFull::InstalledForOtherPlatform,
        (_, _, Some(_), _) if starts_here && facts.altered.is_some() => {
            return Some((WhyFull::InstalledChanged, facts.altered.clone()));
        }
        (_, _, Some(_), _) => return None,
    };
    Some((because, None))
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
            Self::InstalledChanged => "files of the installed release are not what they were",
            Self::PatchLarger => "the patch is no smaller than the whole package",
            Self::NoPatch => "no patch leads there from the installed release",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.reason())
    }
}
