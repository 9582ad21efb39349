//! All releases of a product that the repository's verified metadata names; enough to plan without any download.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Platform, ProductName, ReleaseManifest, ReleaseRules};
use crate::crypt::Digest;
use crate::version::{Channel, Scheme, Version};

/// What the publisher says of a target in TUF's `custom`, under the key `netlink`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum TargetCustom {
    Package {
        product: ProductName,
        version: Version,
        platform: Platform,
        rules: Box<ReleaseRules>,
        /// Bytes on disk once unpacked.
        unpacked: u64,
    },
    Changelog {
        product: ProductName,
        version: Version,
    },
    /// Makes the tree of `version` out of that of exactly `from`, both of the same platform.
    Patch {
        product: ProductName,
        version: Version,
        from: Version,
        platform: Platform,
    },
}

impl TargetCustom {
    pub fn product(&self) -> &ProductName {
        match self {
            Self::Package { product, .. } | Self::Changelog { product, .. } | Self::Patch { product, .. } => product,
        }
    }
}

/// A file of the repository as the signed metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TargetRef {
    /// Target name in the metadata, e.g. `guestbook/0b1/linux-x86_64.tar.zst`.
    pub name: String,
    pub length: u64,
    #[schema(value_type = String)]
    pub sha256: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageRef {
    pub target: TargetRef,
    #[schema(value_type = String)]
    pub platform: Platform,
    pub unpacked: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatchRef {
    pub target: TargetRef,
    /// The release whose tree it needs.
    #[schema(value_type = String)]
    pub from: Version,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CatalogRelease {
    pub version: Version,
    pub rules: ReleaseRules,
    pub packages: BTreeMap<Platform, PackageRef>,
    pub changelog: Option<TargetRef>,
}

impl CatalogRelease {
    pub fn channel(&self) -> Channel {
        self.rules.channel.unwrap_or_else(|| self.version.channel())
    }

    /// The package for this platform, else the one for any.
    pub fn package_for(&self, platform: &Platform) -> Option<&PackageRef> {
        self.packages
            .get(platform)
            .or_else(|| self.packages.get(&Platform::any()))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    #[error("release {version} is described in two different ways by its packages")]
    Contradiction { version: Version },
    #[error("release {version} has two packages for {platform}")]
    TwicePackaged { version: Version, platform: Platform },
    #[error("release {version} has two patches from {from} for {platform}")]
    TwicePatched {
        version: Version,
        from: Version,
        platform: Platform,
    },
}

/// The releases of one product by version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    releases: BTreeMap<Version, CatalogRelease>,
    changelogs: BTreeMap<Version, TargetRef>,
    /// By the release each leads to, the one it starts from, and their platform.
    patches: BTreeMap<(Version, Version, Platform), PatchRef>,
}

impl Catalog {
    /// Releases in version order.
    pub fn releases(&self) -> impl DoubleEndedIterator<Item = &CatalogRelease> {
        self.releases.values()
    }

    pub fn get(&self, version: &Version) -> Option<&CatalogRelease> {
        self.releases.get(version)
    }

    pub fn changelog(&self, version: &Version) -> Option<&TargetRef> {
        self.changelogs.get(version)
    }

    /// The patch between the packages of exactly these releases for a platform.
    pub fn patch(&self, from: &Version, to: &Version, platform: &Platform) -> Option<&PatchRef> {
        self.patches.get(&(to.clone(), from.clone(), platform.clone()))
    }

    pub fn has_patches_from(&self, version: &Version) -> bool {
        self.patches.values().any(|patch| patch.from == *version)
    }

    /// Takes in one target of the verified metadata; targets of other products are passed over.
    pub fn add(&mut self, product: &ProductName, target: TargetRef, custom: TargetCustom) -> Result<(), CatalogError> {
        match custom {
            TargetCustom::Changelog { product: of, version } if of == *product => {
                if let Some(release) = self.releases.get_mut(&version) {
                    release.changelog = Some(target.clone());
                }
                self.changelogs.insert(version, target);
                Ok(())
            }
            TargetCustom::Package {
                product: of,
                version,
                platform,
                rules,
                unpacked,
            } if of == *product => {
                let package = PackageRef {
                    target,
                    platform,
                    unpacked,
                };
                self.add_package(version, &rules, package)
            }
            TargetCustom::Patch {
                product: of,
                version,
                from,
                platform,
            } if of == *product => {
                let patch = PatchRef {
                    target,
                    from: from.clone(),
                };
                match self
                    .patches
                    .insert((version.clone(), from.clone(), platform.clone()), patch)
                {
                    None => Ok(()),
                    Some(_) => Err(CatalogError::TwicePatched {
                        version,
                        from,
                        platform,
                    }),
                }
            }
            TargetCustom::Changelog { .. } | TargetCustom::Package { .. } | TargetCustom::Patch { .. } => Ok(()),
        }
    }

    /// Takes in a release that is on this disk, unless the repository names it already.
    pub fn add_on_disk(&mut self, manifest: &ReleaseManifest) {
        self.releases
            .entry(manifest.version.clone())
            .or_insert_with(|| CatalogRelease {
                version: manifest.version.clone(),
                rules: manifest.rules.clone(),
                packages: BTreeMap::new(),
                changelog: self.changelogs.get(&manifest.version).cloned(),
            });
    }

    fn add_package(&mut self, version: Version, rules: &ReleaseRules, package: PackageRef) -> Result<(), CatalogError> {
        let changelog = self.changelogs.get(&version).cloned();
        let release = self.releases.entry(version.clone()).or_insert_with(|| CatalogRelease {
            version: version.clone(),
            rules: rules.clone(),
            packages: BTreeMap::new(),
            changelog,
        });
        if release.rules != *rules {
            return Err(CatalogError::Contradiction { version });
        }
        let platform = package.platform.clone();
        match release.packages.insert(platform.clone(), package) {
            None => Ok(()),
            Some(_) => Err(CatalogError::TwicePackaged { version, platform }),
        }
    }
}
