//! Which products a repository has releases of.

use std::collections::BTreeSet;

use super::advise::AdviceError;
use crate::release::{ProductName, TargetCustom};
use crate::tuf::{Editor, TargetFile};

pub fn all(editor: &Editor) -> BTreeSet<ProductName> {
    let customs = editor.targets().into_values().filter_map(TargetFile::netlink);
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
