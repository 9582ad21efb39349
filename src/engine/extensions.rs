//! Extensions of an installed product: which there are, which an update has switched off, and how one is switched.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Layout, StepError, product};
use crate::disk;
use crate::migrate;
use crate::plan::{ExtensionState, FoundExtensions, InstalledExtension};
use crate::release::{
    CommandSpec, ConfigFormat, ExtensionCommands, ExtensionFolder, ExtensionName, ExtensionSwitch, ExtensionsFound,
    ExtensionsSpec, ReleaseManifest, VersionPlace, named_version,
};
use crate::settings::Settings;
use crate::store::{Fact, Store, UpdateId};
use crate::version::{Dotted, Version};

/// What is told of them cannot be had, or one of them cannot be switched.
pub const FAILED: &str = "NL0371";

/// The file of an extension that has its version is at most this long.
const VERSION_LIMIT: u64 = 1 << 20;
/// Commands are heard for so long; a list that is longer has lost its beginning.
const HEARD: usize = 64 << 10;
const OFF: &str = "disabled";

/// One that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub name: ExtensionName,
    pub version: Option<Dotted>,
    pub is_active: bool,
    pub at: Place,
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A file or folder below `data/`.
    Entry(PathBuf),
    /// The product knows.
    Product,
}

/// One that an update has switched off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub name: ExtensionName,
    pub version: Option<Dotted>,
    /// The release that does not support it, and what that said.
    pub release: Version,
    pub because: String,
    pub by: UpdateId,
    pub at: Timestamp,
    pub place: Place,
    /// Below `data/`, where an entry lies meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<PathBuf>,
}

/// All that the installed release finds.
pub fn found(layout: &Layout, manifest: &ReleaseManifest) -> Result<Vec<Found>, StepError> {
    let mut all = Vec::new();
    for spec in &manifest.extensions {
        match &spec.found {
            ExtensionsFound::InFolder(folder) => all.extend(in_folder(layout, spec, folder)?),
            ExtensionsFound::ByCommand(commands) => all.extend(listed(layout, manifest, spec, commands)?),
        }
    }
    Ok(all)
}

/// Unless the operator wants updates without looking for them: the installed release may be one that cannot tell, and the next one
/// the one that can.
pub fn known(
    layout: &Layout,
    store: &Store,
    settings: &Settings,
    manifest: &ReleaseManifest,
) -> Result<FoundExtensions, StepError> {
    if !settings.safety.check_extensions && !manifest.extensions.is_empty() {
        return Ok(FoundExtensions::PassedOver);
    }
    installed(layout, store, manifest).map(FoundExtensions::Known)
}

/// As the planner is told of them: what is in use, and what an update has switched off. What the operator has switched off is of no
/// concern.
fn installed(layout: &Layout, store: &Store, manifest: &ReleaseManifest) -> Result<Vec<InstalledExtension>, StepError> {
    let active = found(layout, manifest)?.into_iter().filter(|one| one.is_active);
    let active = active.map(|one| InstalledExtension {
        state: ExtensionState::Active {
            can_be_disabled: one.at != Place::Product || switch_of(manifest, &one.name).is_some(),
        },
        name: one.name,
        version: one.version,
    });
    let off = waiting(layout, store)?.into_iter().map(|one| InstalledExtension {
        name: one.name,
        version: one.version,
        state: ExtensionState::DisabledByUpdate,
    });
    Ok(active.chain(off).collect())
}

fn in_folder(layout: &Layout, spec: &ExtensionsSpec, folder: &ExtensionFolder) -> Result<Vec<Found>, StepError> {
    let path = folder.folder.under(&layout.data());
    let unreadable = |e: &std::io::Error| failed_at(&path, e);
    let entries = match std::fs::read_dir(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| unreadable(&e))?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let file = entry.map_err(|e| unreadable(&e))?.file_name();
        let Some(file) = file.to_str() else {
            let message = format!(
                "{} has an entry whose name is no text: {}",
                path.display(),
                file.to_string_lossy()
            );
            return Err(StepError::new(FAILED, message));
        };
        if file.starts_with('.') || disk::is_part(file) || folder.except.iter().any(|one| one == file) {
            continue;
        }
        let told = match &folder.version {
            None => Some(named_version(file)),
            Some(place) => version_in(&path.join(file), place)?.map(|version| (file.to_owned(), version)),
        };
        let Some((name, version)) = told else { continue };
        all.push(Found {
            name: named(spec, &name, &path)?,
            version,
            is_active: true,
            at: Place::Entry(Path::new(folder.folder.as_str()).join(file)),
        });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn named(spec: &ExtensionsSpec, name: &str, found_at: &Path) -> Result<ExtensionName, StepError> {
    ExtensionName::new(spec.component.clone(), name).map_err(|e| failed_at(found_at, &e))
}

pub fn failed_at(path: &Path, error: &(dyn std::error::Error + 'static)) -> StepError {
    let failure = StepError::because(FAILED, error).into_failure();
    StepError::new(&failure.code, format!("{}: {}", path.display(), failure.message))
}

/// What the file in an extension's folder says. A folder without it is none; a version that cannot be read is not known.
fn version_in(
    extension: &Path,
    VersionPlace { file, key }: &VersionPlace,
) -> Result<Option<Option<Dotted>>, StepError> {
    let path = file.under(extension);
    let text = match disk::read_text_limited(&path, VERSION_LIMIT) {
        Ok(text) => text,
        Err(e) if e.is_missing() || e.source.kind() == ErrorKind::NotADirectory => return Ok(None),
        Err(e) => return Err(StepError::because(FAILED, &e)),
    };
    let value = migrate::config::value_at(ConfigFormat::of(file), &text, key).unwrap_or_default();
    Ok(Some(value.and_then(|value| value.parse().ok())))
}

fn listed(
    layout: &Layout,
    manifest: &ReleaseManifest,
    spec: &ExtensionsSpec,
    commands: &ExtensionCommands,
) -> Result<Vec<Found>, StepError> {
    let values = product::values(layout, manifest)?;
    let out = product::run_with(layout, manifest, &commands.list, &values, FAILED)?;
    let shown = commands.list.command.join(" ");
    let wrong = |problem: &str| StepError::new(FAILED, format!("`{shown}`, which lists extensions, {problem}"));
    if out.len() >= HEARD {
        return Err(wrong("prints more than 64 KiB"));
    }
    let lines = out.lines().filter(|line| !line.trim().is_empty());
    let one = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, version, is_active) = match words[..] {
            [name, version] => (name, version, true),
            [name, version, OFF] => (name, version, false),
            _ => {
                return Err(wrong(&format!(
                    "prints `{line}`; expected: name version, or name version {OFF}"
                )));
            }
        };
        let version = match version {
            "-" => None,
            text => Some(
                text.parse::<Dotted>()
                    .map_err(|e| wrong(&format!("prints `{line}`: {e}")))?,
            ),
        };
        let name = ExtensionName::new(spec.component.clone(), name).map_err(|e| wrong(&format!("prints {e}")))?;
        let at = Place::Product;
        Ok(Found {
            name,
            version,
            is_active,
            at,
        })
    };
    lines.map(one).collect()
}

/// The commands of this release that switch extensions of this one's component.
pub fn switch_of<'m>(manifest: &'m ReleaseManifest, name: &ExtensionName) -> Option<&'m ExtensionSwitch> {
    let of = manifest
        .extensions
        .iter()
        .filter(|spec| spec.component.as_ref() == name.component());
    of.filter_map(|spec| match &spec.found {
        ExtensionsFound::ByCommand(commands) => commands.switch.as_ref(),
        ExtensionsFound::InFolder(_) => None,
    })
    .next()
}

/// Runs one of the commands for an extension; they can be repeated.
pub fn switch(
    layout: &Layout,
    manifest: &ReleaseManifest,
    command: &CommandSpec,
    (name, version): (&ExtensionName, Option<&Dotted>),
) -> Result<(), StepError> {
    let mut values = product::values(layout, manifest)?;
    let version = version.map_or_else(|| "-".to_owned(), ToString::to_string);
    values.extend([
        ("name".to_owned(), name.own().to_owned()),
        ("version".to_owned(), version),
    ]);
    product::run_with(layout, manifest, command, &values, FAILED).map(drop)
}

/// Those that updates have switched off.
pub fn disabled(store: &Store) -> Result<Vec<Disabled>, StepError> {
    let kept = store
        .fact(Fact::DisabledExtensions)
        .map_err(|e| StepError::because("NL0404", &e))?;
    let read = kept.map(|json| serde_json::from_str(&json).map_err(|e| StepError::because("NL0404", &e)));
    Ok(read.transpose()?.unwrap_or_default())
}

/// Of these, those that could be switched on again: what the operator has removed meanwhile waits for nothing.
pub fn waiting(layout: &Layout, store: &Store) -> Result<Vec<Disabled>, StepError> {
    let mut all = disabled(store)?;
    let is_gone = |one: &Disabled| {
        let aside = one.aside.as_ref().map(|aside| layout.data().join(aside));
        aside.is_some_and(|aside| aside.symlink_metadata().is_err_and(|e| e.kind() == ErrorKind::NotFound))
    };
    all.retain(|one| !is_gone(one));
    Ok(all)
}

pub fn keep_disabled(store: &Store, all: &[Disabled]) -> Result<(), StepError> {
    let json = serde_json::to_string(all).map_err(|e| StepError::because("NL0404", &e))?;
    let kept = Some(json.as_str()).filter(|_| !all.is_empty());
    let set = store.set_fact(Fact::DisabledExtensions, kept);
    set.map_err(|e| StepError::because("NL0404", &e))
}
