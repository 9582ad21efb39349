//! Looks at a repository as a client would, and at every file of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::add::described;
use super::whole::Whole;
use super::{Judge, METADATA, PublishError, ROOT_COPY, repository};
use crate::crypt::DigestReader;
use crate::disk::{self, EntryKind};
use crate::package;
use crate::release::{ProductName, ReleaseManifest, TargetCustom, TargetRef, counted};
use crate::tuf::{self, Editor, Role};
use crate::version::Version;

/// So many of a kind of odd target are named.
const TOLD: usize = 5;

#[derive(Debug, Serialize)]
pub struct RepositoryReport {
    pub releases: usize,
    pub targets: usize,
    /// Roles that another tool has handed work on to.
    pub delegated: usize,
    pub patches: usize,
    pub bytes: u64,
    /// When the metadata of each role ends to be valid.
    pub expires: BTreeMap<String, Timestamp>,
    pub warnings: Vec<String>,
}

/// Signatures, expiry, every byte of every target, and that packages are what the metadata says of them.
pub fn verify(repository: &Path, judge: Judge<'_>, now: Timestamp) -> Result<RepositoryReport, PublishError> {
    let editor = repository::look(repository)?;
    editor.check_fresh(now)?;
    let whole = Whole::of(repository, &editor, now)?;
    let mut releases = BTreeSet::new();
    let (mut targets, mut patches, mut bytes) = (0, 0, 0);
    for (name, file) in &whole.targets {
        let target = tuf::target_ref(name, file)?;
        let path = check_target(repository, &target)?;
        if let Some(custom @ TargetCustom::Package { .. }) = file.netlink() {
            let (product, version) = check_described(name, &path, &custom)?;
            releases.insert((product, version));
        }
        if let Some(custom @ TargetCustom::Patch { .. }) = file.netlink() {
            super::patch::check(repository, &whole.targets, &target, &custom)?;
            patches += 1;
        }
        targets += 1;
        bytes += target.length;
    }
    check_root_copy(repository)?;
    let mut warnings = repository::warnings(&editor, now);
    warnings.extend(editor.signatories().iter().flat_map(repository::shared_keys));
    for (product, catalog) in &whole.catalogs {
        warnings.extend(judge(product, catalog, None).map_err(PublishError::Unplannable)?);
    }
    warnings.extend(unheard(&whole));
    warnings.extend(unsigned(repository, &whole)?);
    let own = editor.states().into_iter();
    let own = own.map(|state| (state.role.name().to_owned(), state.expires));
    let delegated = whole.roles.iter().map(|role| (role.name.clone(), role.expires));
    Ok(RepositoryReport {
        releases: releases.len(),
        targets,
        delegated: whole.roles.len(),
        patches,
        bytes,
        expires: own.chain(delegated).collect(),
        warnings,
    })
}

/// What a role lists and nobody asks it for: it is not of its paths, or another role comes before it.
fn unheard(whole: &Whole) -> Vec<String> {
    let first = whole.unheard.iter().take(TOLD);
    let mut told: Vec<String> = first
        .map(|(role, name)| {
            format!("the role {role} lists {name}, and clients never ask it for that: its delegator gives it other paths, or another role comes first")
        })
        .collect();
    if let Some(more @ 1..) = whole.unheard.len().checked_sub(TOLD) {
        told.push(format!(
            "so it is with {} of delegated roles",
            counted(more, "more target")
        ));
    }
    told
}

/// The package is what the metadata says of it: what planning went by is compared again before it is installed.
fn check_described(name: &str, path: &Path, custom: &TargetCustom) -> Result<(ProductName, Version), PublishError> {
    let manifest = package::check_package(path).map_err(|source| PublishError::Package {
        target: name.to_owned(),
        source,
    })?;
    if *custom != described(&manifest) {
        let ReleaseManifest {
            product,
            version,
            platform,
            ..
        } = &manifest;
        let problem = format!("its package of {product} {version} for {platform} says otherwise than the metadata");
        return Err(PublishError::Target {
            target: name.to_owned(),
            problem,
        });
    }
    Ok((manifest.product, manifest.version))
}

/// What operators are told to trust is this repository's own first root.
fn check_root_copy(repository: &Path) -> Result<(), PublishError> {
    let copy = repository.join(ROOT_COPY);
    let first = repository.join(METADATA).join(Role::Root.versioned_file(1));
    let read = |path: &Path| disk::read_limited(path, Role::Root.limit());
    match read(&copy) {
        Ok(bytes) if bytes == read(&first)? => Ok(()),
        Err(e) if !e.is_missing() => Err(e.into()),
        _ => Err(PublishError::OtherRoot(copy)),
    }
}

/// Files beside the targets that no metadata names, also not that of a draft.
fn unsigned(repository: &Path, whole: &Whole) -> Result<Option<String>, PublishError> {
    let editor = repository::look_with_draft(repository)?;
    let mut named = BTreeSet::new();
    let listed = whole.targets.iter().map(|(name, file)| (name.as_str(), file));
    for (name, file) in editor.targets().into_iter().chain(listed) {
        let target = tuf::target_ref(name, file)?;
        named.insert(PathBuf::from(tuf::target_file(&target.name, target.sha256)?));
    }
    let folder = Path::new("targets");
    let found = disk::walk(&repository.join(folder))?;
    let files = found.iter().filter(|entry| entry.kind != EntryKind::Folder);
    let strange: Vec<String> = files
        .map(|entry| folder.join(&entry.path))
        .filter(|path| !named.contains(path))
        .map(|path| path.display().to_string())
        .collect();
    Ok(match &strange[..] {
        [] => None,
        [first, others @ ..] => Some(format!(
            "nothing signed names {first}{}: whoever reads the repository can have it; remove it",
            if others.is_empty() {
                String::new()
            } else {
                format!(" and {}", counted(others.len(), "other file"))
            }
        )),
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
