//! What becomes of each package.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Packages;

/// `from` is none for one that comes, `to` for one that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageChange {
    pub package: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// By name; those that stay are left out.
pub fn changes(old: &Packages, new: &Packages) -> Vec<PackageChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let of = |name: &String| PackageChange {
        package: name.clone(),
        from: old.get(name).cloned(),
        to: new.get(name).cloned(),
    };
    names
        .into_iter()
        .map(of)
        .filter(|change| change.from != change.to)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Carried out on the old packages, the changes give the new ones.
        #[test]
        fn changes_lead_from_the_old_to_the_new(
            old in proptest::collection::btree_map("[a-e]", "[1-3]", 0..5),
            new in proptest::collection::btree_map("[a-e]", "[1-3]", 0..5),
        ) {
            let mut packages = old.clone();
            for PackageChange { package, from, to } in changes(&old, &new) {
                prop_assert_eq!(packages.get(&package), from.as_ref());
                match to {
                    Some(to) => drop(packages.insert(package, to)),
                    None => drop(packages.remove(&package)),
                }
            }
            prop_assert_eq!(packages, new);
        }
    }
}
