//! An environment in the release tree: made in a folder of its own that never moves, because environments hold their own path, and
//! shown at its place by a link, which appears only when all in the folder was looked through and is durable.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::lock::inputs;
use super::seal::Seal;
use super::{DepsError, Packages, Resolution, Site, provider};
use crate::disk;
use crate::release::{DEPENDENCY_STORE, DependencySpec};

/// One that is whole and waits to be put in its place.
#[derive(Debug)]
pub struct Made {
    number: u64,
    pub packages: Packages,
}

/// None for what belongs to the machine.
pub fn place_of(tree: &Path, spec: &DependencySpec) -> Option<PathBuf> {
    spec.place().map(|place| tree.join(place))
}

/// Folder of all environments of this name.
fn home(tree: &Path, spec: &DependencySpec) -> PathBuf {
    tree.join(DEPENDENCY_STORE).join(spec.name())
}

fn dir_of(tree: &Path, spec: &DependencySpec, number: u64) -> PathBuf {
    home(tree, spec).join(number.to_string())
}

fn record_of(tree: &Path, spec: &DependencySpec, number: u64) -> PathBuf {
    home(tree, spec).join(format!("{number}.json"))
}

/// What the link at the place holds; relative, as links of a release are.
fn link_to(spec: &DependencySpec, number: u64) -> Option<PathBuf> {
    let place = spec.place()?;
    let above = Path::new(&place).components().count().saturating_sub(1);
    let dir = Path::new(DEPENDENCY_STORE).join(spec.name()).join(number.to_string());
    let shown = provider(spec)?.shown(&dir).into_owned();
    Some((0..above).map(|_| Path::new("..")).collect::<PathBuf>().join(shown))
}

/// The number of the one at the place.
fn in_place(tree: &Path, spec: &DependencySpec) -> Result<Option<u64>, DepsError> {
    let Some(place) = place_of(tree, spec) else {
        return Ok(None);
    };
    let link = match fs::read_link(&place) {
        Ok(link) => link,
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(e) => {
            return Err(DepsError::Record {
                path: place,
                problem: e.to_string(),
            });
        }
    };
    let numbers = link.iter().filter_map(|part| part.to_str()?.parse().ok());
    Ok(numbers
        .into_iter()
        .find(|number| link_to(spec, *number).as_ref() == Some(&link)))
}

/// Whether there is one of what the release locks now, whole by the sizes of its files.
pub fn is_ready(site: &Site<'_>, spec: &DependencySpec) -> Result<bool, DepsError> {
    let Some(number) = in_place(site.tree, spec)? else {
        return Ok(false);
    };
    let seal = match Seal::read(&record_of(site.tree, spec, number)) {
        // One that cannot be read is made anew.
        Err(DepsError::Record { .. }) => None,
        read => read?,
    };
    let Some(seal) = seal else { return Ok(false) };
    Ok(seal.inputs == inputs(site.tree, spec)? && seal.looks_whole(&dir_of(site.tree, spec, number)))
}

/// The packages of the one in place, as they were when it was made; none when there is none.
pub fn installed(tree: &Path, spec: &DependencySpec) -> Result<Option<Packages>, DepsError> {
    let Some(number) = in_place(tree, spec)? else {
        return Ok(None);
    };
    Ok(Seal::read(&record_of(tree, spec, number))?.map(|seal| seal.packages))
}

/// The tool's own dry run, in a folder that goes again.
pub fn try_out(site: &Site<'_>, spec: &DependencySpec, scratch: &Path) -> Result<Resolution, DepsError> {
    let Some(provider) = provider(spec) else {
        return Ok(Resolution::default());
    };
    disk::remove_tree(scratch)?;
    disk::create_dir_all(scratch)?;
    let planned = provider.plan(site, scratch);
    disk::remove_tree(scratch)?;
    planned
}

/// Makes one beside the one in place. What an earlier try left is removed; nothing looks at what is made until it is put in its
/// place.
pub fn make(site: &Site<'_>, spec: &DependencySpec) -> Result<Option<Made>, DepsError> {
    let Some(provider) = provider(spec) else {
        return Ok(None);
    };
    sweep(site.tree, spec)?;
    let number = in_place(site.tree, spec)?.map_or(1, |number| number + 1);
    let dir = dir_of(site.tree, spec, number);
    disk::create_dir_all(&dir)?;
    let planned = provider.plan(site, &dir)?;
    enough_room(&dir, planned.bytes)?;
    provider.apply(site, &dir)?;
    let found = provider.snapshot(site, &dir)?;
    let mut wrong = not_as_planned(&planned.packages, &found);
    wrong.extend(provider.verify(site, &dir)?);
    if !wrong.is_empty() {
        let kind = spec.kind();
        return Err(DepsError::NotAsLocked { kind, wrong });
    }
    let seal = Seal::of(&dir, inputs(site.tree, spec)?, planned.packages.clone())?;
    // Tools write without making durable.
    disk::sync_filesystem(&dir)?;
    seal.write(&record_of(site.tree, spec, number))?;
    let packages = planned.packages;
    Ok(Some(Made { number, packages }))
}

fn enough_room(dir: &Path, needed: Option<u64>) -> Result<(), DepsError> {
    let (Some(needed), free) = (needed, disk::free_space(dir)?) else {
        return Ok(());
    };
    if free >= needed {
        return Ok(());
    }
    let path = dir.to_path_buf();
    Err(DepsError::Room { path, needed, free })
}

fn not_as_planned(planned: &Packages, found: &Packages) -> Vec<String> {
    let wrong = planned.iter().filter_map(|(name, version)| match found.get(name) {
        None => Some(format!("{name} {version} is missing")),
        Some(other) if other != version => Some(format!("{name} is {other}, locked is {version}")),
        Some(_) => None,
    });
    wrong.collect()
}

/// Shows it at its place, in one step that programs see wholly or not at all.
pub fn put_in_place(tree: &Path, spec: &DependencySpec, made: &Made) -> Result<(), DepsError> {
    point_to(tree, spec, made.number)
}

fn point_to(tree: &Path, spec: &DependencySpec, number: u64) -> Result<(), DepsError> {
    if let (Some(place), Some(link)) = (place_of(tree, spec), link_to(spec, number)) {
        disk::create_dir_of(&place)?;
        disk::switch_link(&place, &link)?;
    }
    Ok(())
}

/// Puts the one before back in its place and removes this one.
pub fn discard(tree: &Path, spec: &DependencySpec, made: &Made) -> Result<(), DepsError> {
    let before = made.number.saturating_sub(1);
    if dir_of(tree, spec, before).exists() {
        point_to(tree, spec, before)?;
    }
    sweep(tree, spec)
}

/// Removes all but the one in place.
pub fn sweep(tree: &Path, spec: &DependencySpec) -> Result<(), DepsError> {
    let home = home(tree, spec);
    let kept = in_place(tree, spec)?.map(|number| [number.to_string(), format!("{number}.json")]);
    let listed = match fs::read_dir(&home) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        listed => listed.and_then(Iterator::collect::<std::io::Result<Vec<_>>>),
    };
    let listed = listed.map_err(|e| DepsError::Record {
        path: home,
        problem: e.to_string(),
    })?;
    for entry in listed {
        let name = entry.file_name();
        let is_kept = kept.iter().flatten().any(|kept| name.to_str() == Some(kept));
        if !is_kept {
            disk::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// Reads every file of the one in place and asks its tool: what is not as it is locked.
pub fn verify(site: &Site<'_>, spec: &DependencySpec) -> Result<Vec<String>, DepsError> {
    let Some(provider) = provider(spec) else {
        return Ok(Vec::new());
    };
    let number = in_place(site.tree, spec)?;
    let record = number.map(|number| (number, Seal::read(&record_of(site.tree, spec, number))));
    let (number, seal) = match record {
        Some((number, Ok(Some(seal)))) => (number, seal),
        Some((_, Err(e))) => return Ok(vec![e.to_string()]),
        Some((_, Ok(None))) | None => return Ok(vec!["it is not there".into()]),
    };
    let dir = dir_of(site.tree, spec, number);
    let mut wrong = Vec::new();
    if seal.inputs != inputs(site.tree, spec)? {
        wrong.push("it was made of another lock, or at another place".into());
    }
    wrong.extend(seal.differences(&dir)?);
    // A tool that is changed itself is not asked.
    if wrong.is_empty() {
        wrong.extend(not_as_planned(&seal.packages, &provider.snapshot(site, &dir)?));
        wrong.extend(provider.verify(site, &dir)?);
    }
    Ok(wrong)
}
