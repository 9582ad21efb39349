//! What the planner is told about the installation, and what is wanted of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{ExtensionFacts, Terms};
use crate::release::{Platform, ProductName};
use crate::version::Version;

#[derive(Debug, Clone)]
pub struct Facts {
    pub product: ProductName,
    pub platform: Platform,
    pub installed: Option<Installed>,
    /// The release trees on this disk.
    pub trees: BTreeMap<Version, Tree>,
    /// What was found when the content of every file of the installed release was compared, where that was of interest.
    pub altered: Option<String>,
    /// Schema levels whose way down is stored here, from when their way up was applied.
    pub stored_downs: BTreeSet<u32>,
    /// Levels that were applied here and cannot be taken back, each with its reason.
    pub one_way_levels: BTreeMap<u32, String>,
    /// What the database can be restored from where its ways down do not lead, when the operator takes the loss.
    pub restore: Option<Restorable>,
    /// What was put into the product beside its release.
    pub extensions: ExtensionFacts,
    /// Versions that an update reached and was rolled back from, on this installation.
    pub rolled_back: BTreeSet<Version>,
    /// Under which terms a way is looked for.
    pub terms: Terms,
}

/// A backup from before an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restorable {
    pub backup: String,
    /// When it was made, in words.
    pub made: String,
    /// Of the database in it.
    pub level: u32,
}

#[derive(Debug, Clone)]
pub struct Installed {
    pub version: Version,
    /// Level of the database as found; none when the product has no database yet, or its release cannot be read to tell.
    pub schema_level: Option<u32>,
    /// Bytes of `data/` and `config/`.
    pub data_bytes: u64,
}

/// In what state a release tree on this disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    Whole,
    /// Files are missing or of another size.
    Damaged,
    OtherPlatform,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// To a version above the installed one, or the first installation.
    Upgrade(Wish, Fetch),
    /// To a version below the installed one.
    Downgrade(Version),
    /// To where the last update came from, in either direction.
    Rollback(Version),
    /// The database alone to the schema of this version, in either direction; the installed release stays.
    Schema(Version),
}

impl Facts {
    pub(super) fn is_on_disk(&self, version: &Version) -> bool {
        self.trees.get(version) == Some(&Tree::Whole)
    }
}

impl Goal {
    pub(super) fn fetch(&self) -> Fetch {
        match self {
            Self::Upgrade(_, fetch) => *fetch,
            Self::Downgrade(_) | Self::Rollback(_) | Self::Schema(_) => Fetch::AsNeeded,
        }
    }
}

/// Whether what is on this disk already may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fetch {
    #[default]
    AsNeeded,
    /// The whole package of every release that is installed on the way.
    Full,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    To(Version),
    Latest,
    /// The highest version of the release channel.
    Stable,
}
