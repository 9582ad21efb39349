//! All that clients can come to know of a repository: what its own roles list, and what those list that another tool has handed work on to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;

use super::client::{self, Folder};
use super::{PublishError, products};
use crate::release::{Catalog, ProductName, TargetRef};
use crate::tuf::{self, Editor, HandedOn, Listed, Refreshed, TargetFile};

pub struct Whole {
    /// Each target that a client finds, by its name.
    pub targets: BTreeMap<String, TargetFile>,
    /// Roles that the editor does not write.
    pub roles: Vec<HandedOn>,
    /// What clients never ask those for: the role, and the name that it lists.
    pub unheard: Vec<(String, String)>,
    /// The releases of each product, as clients see them.
    pub catalogs: BTreeMap<ProductName, Catalog>,
}

impl Whole {
    /// Every role is verified, and that each product has a catalog for clients.
    pub fn of(repository: &Path, editor: &Editor, now: Timestamp) -> Result<Self, PublishError> {
        let source = Folder::of(repository);
        let own = || editor.targets().into_iter();
        let mut whole = Self {
            targets: own().map(|(name, file)| (name.to_owned(), file.clone())).collect(),
            roles: editor.handed_on(&source, now)?,
            unheard: Vec::new(),
            catalogs: BTreeMap::new(),
        };
        if whole.roles.is_empty() {
            for product in products::all(editor) {
                let catalog = editor.catalog(&product)?;
                whole.catalogs.insert(product, catalog);
            }
            return Ok(whole);
        }
        let root = client::first_root(repository)?;
        client::look(&root, &source, now, |refreshed| whole.take_in(refreshed))?;
        Ok(whole)
    }

    pub fn target_refs(&self) -> Result<Vec<TargetRef>, PublishError> {
        let all = self.targets.iter().map(|(name, file)| tuf::target_ref(name, file));
        Ok(all.collect::<Result<_, _>>()?)
    }

    fn take_in(&mut self, refreshed: &Refreshed<'_>) -> Result<(), PublishError> {
        let heard = heard(&self.roles, refreshed)?;
        for role in &self.roles {
            let is_heard = |name: &&String| {
                let by = heard.get(*name).and_then(|listed| listed.delegated_to.as_deref());
                by == Some(&role.name)
            };
            let unheard = role.targets.keys().filter(|name| !is_heard(name));
            self.unheard
                .extend(unheard.map(|name| (role.name.clone(), name.clone())));
        }
        for (name, listed) in heard {
            self.targets.entry(name).or_insert(listed.file);
        }
        let products: BTreeSet<ProductName> = products::among(self.targets.values());
        for product in products {
            let catalog = tuf::catalog(&tuf::all(refreshed, product.as_str())?, &product)?;
            self.catalogs.insert(product, catalog);
        }
        Ok(())
    }
}

/// What clients find of all that the roles list.
fn heard(roles: &[HandedOn], refreshed: &Refreshed<'_>) -> Result<BTreeMap<String, Listed>, PublishError> {
    let names: BTreeSet<&String> = roles.iter().flat_map(|role| role.targets.keys()).collect();
    let folders: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    let mut heard = BTreeMap::new();
    for folder in folders {
        let listing = tuf::all(refreshed, folder)?.into_inner();
        heard.extend(listing.into_iter().filter(|(name, _)| names.contains(name)));
    }
    for name in names.iter().filter(|name| !name.contains('/')) {
        let found = tuf::find(refreshed, name)?;
        heard.extend(found.map(|listed| ((*name).clone(), listed.into_inner())));
    }
    Ok(heard)
}
