//! From verified targets to releases, and from a target's name to its file.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::client::Listing;
use super::document::Verified;
use super::target::{Custom, TargetFile};
use super::{Role, TufError};
use crate::crypt::Digest;
use crate::release::{Catalog, ProductName, RelPath, TargetCustom, TargetRef};

/// Others are of a newer NetLink: passed over, so that a repository can grow without breaking its older clients.
const KINDS: [&str; 4] = ["package", "changelog", "patch", "advisory"];

/// The releases of one product.
pub fn catalog(listing: &Verified<Listing>, product: &ProductName) -> Result<Catalog, TufError> {
    let mut catalog = Catalog::default();
    for (name, listed) in listing.iter() {
        add(&mut catalog, product, name, &listed.file)?;
    }
    Ok(catalog)
}

/// The releases that a publisher's own targets make.
pub(super) fn releases(targets: BTreeMap<&str, &TargetFile>, product: &ProductName) -> Result<Catalog, TufError> {
    let mut catalog = Catalog::default();
    for (name, file) in targets {
        add(&mut catalog, product, name, file)?;
    }
    Ok(catalog)
}

fn add(catalog: &mut Catalog, product: &ProductName, name: &str, file: &TargetFile) -> Result<(), TufError> {
    let Some(custom) = file.custom.as_ref() else {
        return Ok(());
    };
    if !custom.read().is_ok_and(|said: Said| said.concerns(product)) {
        return Ok(());
    }
    let Ours { netlink } = custom.read().map_err(|e| TufError::Custom {
        target: name.to_owned(),
        reason: e.to_string(),
    })?;
    Ok(catalog.add(product, target_ref(name, file)?, netlink)?)
}

/// Of a target's `custom`, what is NetLink's.
#[derive(Serialize, Deserialize)]
struct Ours {
    netlink: TargetCustom,
}

/// As much of it as tells whether the rest is to be read.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    netlink: About<'a>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    product: Cow<'a, str>,
}

impl Said<'_> {
    fn concerns(&self, product: &ProductName) -> bool {
        KINDS.contains(&&*self.netlink.kind) && self.netlink.product == product.as_str()
    }
}

impl TargetFile {
    /// What NetLink's publisher said of it; none for a target of another kind.
    pub fn netlink(&self) -> Option<TargetCustom> {
        let Ours { netlink } = self.custom.as_ref()?.read().ok()?;
        Some(netlink)
    }
}

/// A target with what NetLink's publisher says of it.
pub fn described(target: &TargetRef, custom: &TargetCustom) -> Result<TargetFile, TufError> {
    target_file(&target.name, target.sha256)?;
    let netlink = custom.clone();
    let custom = Custom::of(&Ours { netlink }).map_err(|e| TufError::malformed(Role::Targets, e))?;
    Ok(TargetFile::new(target, custom))
}

pub fn target_ref(name: &str, file: &TargetFile) -> Result<TargetRef, TufError> {
    let sha256 = file.sha256().ok_or_else(|| {
        let reason = format!("its target `{name}` has no SHA-256");
        TufError::malformed(Role::Targets, reason)
    })?;
    target_file(name, sha256)?;
    Ok(TargetRef {
        name: name.to_owned(),
        length: file.length,
        sha256,
    })
}

/// Where a repository with consistent snapshots keeps a target: `targets/<folder>/<sha256>.<file>`.
pub fn target_file(name: &str, sha256: Digest) -> Result<String, TufError> {
    name.parse::<RelPath>().map_err(|source| TufError::TargetName {
        name: name.to_owned(),
        source,
    })?;
    Ok(match name.rsplit_once('/') {
        Some((folder, file)) => format!("targets/{folder}/{sha256}.{file}"),
        None => format!("targets/{sha256}.{name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypt::digest_of;

    #[test]
    fn a_target_file_stays_below_targets() {
        let sha256 = digest_of(b"x");
        let file = target_file("guestbook/0b1/linux-x86_64.tar.zst", sha256).unwrap();
        assert_eq!(file, format!("targets/guestbook/0b1/{sha256}.linux-x86_64.tar.zst"));
        assert_eq!(target_file("one", sha256).unwrap(), format!("targets/{sha256}.one"));
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a/",
            "./a",
            "a/..",
            "a\0b",
        ] {
            assert!(target_file(bad, sha256).is_err(), "{bad:?}");
        }
    }
}
