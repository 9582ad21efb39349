//! Which products a repository has releases of.

use std::collections::BTreeSet;

use super::PublishError;
use super::advise::AdviceError;
use crate::release::{ProductName, TargetCustom, nearest};
use crate::tuf::{Editor, TargetFile};

pub fn all(editor: &Editor) -> BTreeSet<ProductName> {
    among(editor.targets().into_values())
}

pub fn among<'a>(targets: impl Iterator<Item = &'a TargetFile>) -> BTreeSet<ProductName> {
    let customs = targets.filter_map(TargetFile::netlink);
    customs.map(|custom: TargetCustom| custom.product().clone()).collect()
}

/// The one that is asked for, else the only one.
pub fn one_of(editor: &Editor, asked: Option<&ProductName>) -> Result<ProductName, AdviceError> {
    let all = all(editor);
    match (asked, all.first()) {
        (_, None) => Err(AdviceError::NoProduct),
        (Some(asked), _) if all.contains(asked) => Ok(asked.clone()),
        (None, Some(only)) if all.len() == 1 => Ok(only.clone()),
        _ => {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(AdviceError::WhichProduct(names.join(", ")))
        }
    }
}

/// A product that the repository does not have yet is most likely misspelt.
pub fn refuse_another(editor: &Editor, product: &ProductName) -> Result<(), PublishError> {
    let all = all(editor);
    if all.is_empty() || all.contains(product) {
        return Ok(());
    }
    let names: Vec<&str> = all.iter().map(ProductName::as_str).collect();
    Err(PublishError::AnotherProduct {
        product: product.clone(),
        known: names.join(", "),
        nearest: nearest(product.as_str(), names.into_iter()).map(str::to_owned),
    })
}
