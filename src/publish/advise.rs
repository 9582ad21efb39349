//! Says something of releases that are out: withdrawn, blocked, rolled out. It is signed like a release, as a target of its own
//! whose signed description says it all, so that a client knows it without a download.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::PublishError;
use super::keys::Keys;
use super::repository::{Outcome, Repository};
use crate::crypt::digest_of;
use crate::disk;
use crate::release::{Advisory, BlockRule, Catalog, ProductName, Rollout, TargetCustom, TargetRef, Withdrawal};
use crate::tuf::{self, Editor};
use crate::version::{Constraint, Version};

/// One thing to say, or to take back.
#[derive(Debug, Clone)]
pub enum Advice {
    Withdraw(Version, Withdrawal),
    /// It may be entered again.
    Restore(Version),
    /// Without a name it gets the next of `block-1`, `block-2`, …
    Block(BlockRule),
    /// By the block's name.
    Unblock(String),
    RollOut(Version, Rollout),
}

#[derive(Debug, thiserror::Error)]
pub enum AdviceError {
    #[error("{product} has no release {version}; those that are published are: {known}")]
    Unknown {
        product: ProductName,
        version: Version,
        known: String,
    },
    #[error("{0} is not withdrawn")]
    NotWithdrawn(Version),
    #[error("{0} cannot be where to go instead: it is withdrawn itself")]
    Nowhere(Version),
    #[error("there is a block {0} already; take it back first with `netlink release block --undo {0}`")]
    Twice(String),
    #[error("there is no block {name}; there are: {known}")]
    NoBlock { name: String, known: String },
    #[error("no published release of {product} is meant by `{constraint}`")]
    MeansNothing {
        product: ProductName,
        constraint: Constraint<Version>,
    },
    #[error("the repository has releases of {0}: say which with `--product`")]
    WhichProduct(String),
    #[error("the repository has no releases yet")]
    NoProduct,
}

/// All that is said of the releases of a product, and whether operators hear it yet.
#[derive(Debug, Serialize)]
pub struct Advised {
    #[serde(flatten)]
    pub advisory: Advisory,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Signs what is now to be said of the releases of a product; all of it is given back.
pub fn advise(
    repository: &Path,
    keys: &Keys,
    product: Option<&ProductName>,
    advice: Advice,
    now: Timestamp,
) -> Result<Advised, PublishError> {
    let mut open = Repository::open(repository)?;
    let product = super::products::one_of(&open.editor, product)?;
    let catalog = open.editor.catalog(&product)?;
    let mut advisory = catalog.advisory().cloned().unwrap_or_default();
    take_in(&mut advisory, advice, &catalog, &product)?;
    let held = open.keys_for_targets(keys)?;
    let is_new = put(&mut open.editor, repository, &product, &advisory)?;
    super::verify::contradictions(&open.editor)?;
    let outcome = open.finish_targets(is_new, &held, now)?;
    Ok(Advised { advisory, outcome })
}

/// The name of the target that says it all.
pub fn file_of(product: &ProductName) -> String {
    format!("{product}/advisory.json")
}

fn put(
    editor: &mut Editor,
    repository: &Path,
    product: &ProductName,
    advisory: &Advisory,
) -> Result<bool, PublishError> {
    // Serializing what was read from JSON, or is made of the same types, cannot fail.
    let text = serde_json::to_vec_pretty(advisory).unwrap_or_default();
    let target = TargetRef {
        name: file_of(product),
        length: text.len() as u64,
        sha256: digest_of(&text),
    };
    let custom = TargetCustom::Advisory {
        product: product.clone(),
        advisory: Box::new(advisory.clone()),
    };
    let is_new = editor.replace_target(&target, &custom)?;
    if is_new {
        let place = repository.join(tuf::target_file(&target.name, target.sha256)?);
        disk::create_dir_of(&place)?;
        disk::write_atomic(&place, &text, 0o644)?;
    }
    Ok(is_new)
}

fn take_in(
    advisory: &mut Advisory,
    advice: Advice,
    catalog: &Catalog,
    product: &ProductName,
) -> Result<(), AdviceError> {
    match advice {
        Advice::Withdraw(version, withdrawal) => {
            known(catalog, product, &version)?;
            if let Some(instead) = &withdrawal.instead {
                known(catalog, product, instead)?;
                if *instead == version || advisory.withdrawn.contains_key(instead) {
                    return Err(AdviceError::Nowhere(instead.clone()));
                }
            }
            advisory.withdrawn.insert(version, withdrawal);
        }
        Advice::Restore(version) => {
            let restored = advisory.withdrawn.remove(&version);
            restored.ok_or(AdviceError::NotWithdrawn(version))?;
        }
        Advice::Block(mut block) => {
            if block.name.is_empty() {
                block.name = next_name(advisory);
            }
            means_something(catalog, product, &block.to)?;
            block
                .from
                .iter()
                .try_for_each(|from| means_something(catalog, product, from))?;
            if advisory.blocked.iter().any(|there| there.name == block.name) {
                return Err(AdviceError::Twice(block.name));
            }
            advisory.blocked.push(block);
        }
        Advice::Unblock(name) => {
            let before = advisory.blocked.len();
            let known = list(advisory.blocked.iter().map(|block| &block.name));
            advisory.blocked.retain(|block| block.name != name);
            if advisory.blocked.len() == before {
                return Err(AdviceError::NoBlock { name, known });
            }
        }
        Advice::RollOut(version, rollout) => {
            known(catalog, product, &version)?;
            advisory.rollouts.insert(version, rollout);
        }
    }
    Ok(())
}

fn known(catalog: &Catalog, product: &ProductName, version: &Version) -> Result<(), AdviceError> {
    let unknown = || AdviceError::Unknown {
        product: product.clone(),
        version: version.clone(),
        known: list(catalog.releases().map(|release| &release.version)),
    };
    catalog.get(version).map(drop).ok_or_else(unknown)
}

fn next_name(advisory: &Advisory) -> String {
    let is_free = |name: &String| advisory.blocked.iter().all(|block| block.name != *name);
    let mut names = (1..).map(|n: u32| format!("block-{n}"));
    names.find(is_free).unwrap_or_default()
}

/// A block that means no release is a slip of the pen.
fn means_something(
    catalog: &Catalog,
    product: &ProductName,
    constraint: &Constraint<Version>,
) -> Result<(), AdviceError> {
    if catalog.releases().any(|release| constraint.matches(&release.version)) {
        return Ok(());
    }
    Err(AdviceError::MeansNothing {
        product: product.clone(),
        constraint: constraint.clone(),
    })
}

fn list<T: ToString>(all: impl Iterator<Item = T>) -> String {
    let all: Vec<String> = all.map(|one| one.to_string()).collect();
    if all.is_empty() { "none".into() } else { all.join(", ") }
}
