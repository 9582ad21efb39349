//! All releases of a product that the repository's verified metadata names; enough to plan without any download.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Advisory, Platform, ProductName, ReleaseManifest, ReleaseRules, Withdrawal};
use crate::crypt::Digest;
use crate::version::{Channel, Scheme, Version};

/// What the publisher says of a target in TUF's `custom`, under the key `netlink`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", try_from = "Fields")]
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
    Advisory {
        product: ProductName,
        advisory: Box<Advisory>,
    },
}

impl TargetCustom {
    pub fn product(&self) -> &ProductName {
        match self {
            Self::Package { product, .. }
            | Self::Changelog { product, .. }
            | Self::Patch { product, .. }
            | Self::Advisory { product, .. } => product,
        }
    }
}

/// All that any kind may have: read in one go, where serde's tagged enums gather everything first. There are thousands of targets.
#[derive(Deserialize)]
struct Fields {
    kind: Kind,
    product: ProductName,
    version: Option<Version>,
    from: Option<Version>,
    platform: Option<Platform>,
    rules: Option<Box<ReleaseRules>>,
    unpacked: Option<u64>,
    advisory: Option<Box<Advisory>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Package,
    Changelog,
    Patch,
    Advisory,
}

impl TryFrom<Fields> for TargetCustom {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        fn needed<T>(name: &str, field: Option<T>) -> Result<T, String> {
            field.ok_or_else(|| format!("missing field `{name}`"))
        }
        let product = fields.product;
        Ok(match fields.kind {
            Kind::Package => Self::Package {
                product,
                version: needed("version", fields.version)?,
                platform: needed("platform", fields.platform)?,
                rules: needed("rules", fields.rules)?,
                unpacked: needed("unpacked", fields.unpacked)?,
            },
            Kind::Changelog => Self::Changelog {
                product,
                version: needed("version", fields.version)?,
            },
            Kind::Patch => Self::Patch {
                product,
                version: needed("version", fields.version)?,
                from: needed("from", fields.from)?,
                platform: needed("platform", fields.platform)?,
            },
            Kind::Advisory => Self::Advisory {
                product,
                advisory: needed("advisory", fields.advisory)?,
            },
        })
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

/// Whether the publisher still offers a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    Yes,
    /// It is only on this disk, from when it was offered.
    NoMore,
    /// It is on this disk, and the publisher could not be asked.
    NotAsked,
}

#[derive(Debug, Clone, PartialEq)]
pub struct CatalogRelease {
    pub version: Version,
    pub offered: Offered,
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
    #[error("there are two advisories, the second is `{0}`")]
    TwiceAdvised(String),
}

/// The releases of one product by version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    releases: BTreeMap<Version, CatalogRelease>,
    changelogs: BTreeMap<Version, TargetRef>,
    /// By the release each leads to, the one it starts from, and their platform.
    patches: BTreeMap<(Version, Version, Platform), PatchRef>,
    advisory: Option<Box<Advisory>>,
}

impl Catalog {
    /// What was said of the releases after they came out, if anything.
    pub fn advisory(&self) -> Option<&Advisory> {
        self.advisory.as_deref()
    }

    /// Why a release may not be entered any more.
    pub fn withdrawal(&self, version: &Version) -> Option<&Withdrawal> {
        self.advisory()?.withdrawn.get(version)
    }

    /// What the planner goes by for a release: its own rules, with the roll-out that was said later.
    pub fn rules_of<'a>(&self, release: &'a CatalogRelease) -> Cow<'a, ReleaseRules> {
        match self
            .advisory()
            .and_then(|advisory| advisory.rollouts.get(&release.version))
        {
            None => Cow::Borrowed(&release.rules),
            Some(rollout) => Cow::Owned(ReleaseRules {
                rollout: Some(*rollout),
                ..release.rules.clone()
            }),
        }
    }

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
            of_another if of_another.product() != product => Ok(()),
            TargetCustom::Advisory { advisory, .. } => match self.advisory.replace(advisory) {
                None => Ok(()),
                Some(_) => Err(CatalogError::TwiceAdvised(target.name)),
            },
            TargetCustom::Changelog { version, .. } => {
                if let Some(release) = self.releases.get_mut(&version) {
                    release.changelog = Some(target.clone());
                }
                self.changelogs.insert(version, target);
                Ok(())
            }
            TargetCustom::Package {
                version,
                platform,
                rules,
                unpacked,
                ..
            } => {
                let package = PackageRef {
                    target,
                    platform,
                    unpacked,
                };
                self.add_package(version, &rules, package)
            }
            TargetCustom::Patch {
                version,
                from,
                platform,
                ..
            } => self.add_patch((version, from, platform), target),
        }
    }

    /// Leaves out the packages, patches and changelogs that are not to be had.
    pub fn keep_files(&mut self, is_there: impl Fn(&TargetRef) -> bool) {
        self.changelogs.retain(|_, target| is_there(target));
        self.patches.retain(|_, patch| is_there(&patch.target));
        for release in self.releases.values_mut() {
            release.packages.retain(|_, package| is_there(&package.target));
            release.changelog = release.changelog.take().filter(|target| is_there(target));
        }
    }

    /// Takes in a release that is on this disk, unless the repository names it already.
    pub fn add_on_disk(&mut self, manifest: &ReleaseManifest, offered: Offered) {
        self.releases
            .entry(manifest.version.clone())
            .or_insert_with(|| CatalogRelease {
                version: manifest.version.clone(),
                offered,
                rules: manifest.rules.clone(),
                packages: BTreeMap::new(),
                changelog: self.changelogs.get(&manifest.version).cloned(),
            });
    }

    fn add_patch(&mut self, key: (Version, Version, Platform), target: TargetRef) -> Result<(), CatalogError> {
        let patch = PatchRef {
            target,
            from: key.1.clone(),
        };
        match self.patches.insert(key.clone(), patch) {
            None => Ok(()),
            Some(_) => {
                let (version, from, platform) = key;
                Err(CatalogError::TwicePatched {
                    version,
                    from,
                    platform,
                })
            }
        }
    }

    fn add_package(&mut self, version: Version, rules: &ReleaseRules, package: PackageRef) -> Result<(), CatalogError> {
        let changelog = self.changelogs.get(&version).cloned();
        let release = self.releases.entry(version.clone()).or_insert_with(|| CatalogRelease {
            version: version.clone(),
            offered: Offered::Yes,
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
