//! Looks at a repository as a client would, and at every file of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{PublishError, repository};
use crate::crypt::DigestReader;
use crate::package;
use crate::release::{TargetCustom, TargetRef};
use crate::tuf::{self, Editor};

#[derive(Debug, Serialize)]
pub struct RepositoryReport {
    pub releases: usize,
    pub targets: usize,
    pub patches: usize,
    pub bytes: u64,
    /// When the metadata of each role ends to be valid.
    pub expires: BTreeMap<String, Timestamp>,
    pub warnings: Vec<String>,
}

/// Signatures, expiry, every byte of every target, and that packages are what the metadata says of them.
pub fn verify(repository: &Path, now: Timestamp) -> Result<RepositoryReport, PublishError> {
    let editor = repository::look(repository)?;
    editor.check_fresh(now)?;
    contradictions(&editor)?;
    let mut releases = BTreeSet::new();
    let (mut targets, mut patches, mut bytes) = (0, 0, 0);
    for (name, file) in editor.targets() {
        let Some(target) = editor.target(name)? else { continue };
        let path = check_target(repository, &target)?;
        if let Some(TargetCustom::Package { product, version, .. }) = file.netlink() {
            let manifest = package::check_package(&path).map_err(|source| PublishError::Package {
                target: name.to_owned(),
                source,
            })?;
            if manifest.product != product || manifest.version != version {
                let problem = format!("it holds {} {}", manifest.product, manifest.version);
                return Err(PublishError::Target {
                    target: name.to_owned(),
                    problem,
                });
            }
            releases.insert((product, version));
        }
        if let Some(custom @ TargetCustom::Patch { .. }) = file.netlink() {
            super::patch::check(repository, &editor, &target, &custom)?;
            patches += 1;
        }
        targets += 1;
        bytes += target.length;
    }
    let states = editor.states().into_iter();
    Ok(RepositoryReport {
        releases: releases.len(),
        targets,
        patches,
        bytes,
        expires: states
            .map(|state| (state.role.name().to_owned(), state.expires))
            .collect(),
        warnings: repository::warnings(&editor, now),
    })
}

/// The file of a target, which is as it is listed.
pub fn check_target(repository: &Path, target: &TargetRef) -> Result<PathBuf, PublishError> {
    let path = repository.join(tuf::target_file(&target.name, target.sha256)?);
    let read = |source| PublishError::Read {
        path: path.clone(),
        source,
    };
    let mut reader = DigestReader::new(File::open(&path).map_err(read)?);
    io::copy(&mut reader, &mut io::sink()).map_err(read)?;
    let (_, length, sha256) = reader.finish();
    if (length, sha256) == (target.length, target.sha256) {
        return Ok(path);
    }
    Err(PublishError::Target {
        target: target.name.clone(),
        problem: format!(
            "its file has {length} bytes and digest {sha256}, signed are {} and {}",
            target.length, target.sha256
        ),
    })
}

/// Every product's catalog can be made, as each client will make it.
pub fn contradictions(editor: &Editor) -> Result<(), PublishError> {
    for product in super::products::all(editor) {
        editor.catalog(&product)?;
    }
    Ok(())
}
