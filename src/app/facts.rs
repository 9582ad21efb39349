//! Gathers what the planner goes by.

use std::collections::{BTreeMap, BTreeSet};

use super::{AppError, Installation, Result, repository, terms};
use crate::engine::{self, StepError, product};
use crate::journal::{Outcome, State};
use crate::migrate::schema::StoredLevel;
use crate::package::TreeReport;
use crate::plan::{Facts, Goal, Installed, StepKind, Tree, Wish};
use crate::release::{Platform, ReleaseManifest};
use crate::store::{UpdateRecord, Verb};
use crate::version::Version;
use crate::{disk, migrate, package};

/// How far back a rolled back version is remembered.
const REMEMBERED_UPDATES: u32 = 200;

/// For any goal.
pub fn gather(installation: &Installation) -> Result<Facts> {
    let readable = |version: &Version| {
        let unreadable = |e: StepError| {
            let message = e.into_failure().message;
            let advice = format!("`netlink update upgrade --to {version} --full` repairs it");
            AppError::said(
                "NL0306",
                format!("the installed release cannot be read: {message}; {advice}"),
            )
        };
        product::manifest(&installation.layout, version)
            .map(Some)
            .map_err(unreadable)
    };
    gathered(installation, readable)
}

/// As [`gather`] for this goal: the installed release need not be readable when it is what is wanted.
pub fn gather_for(installation: &Installation, goal: &Goal) -> Result<Facts> {
    match (goal, installation.installed()?) {
        (Goal::Upgrade(Wish::To(to), _), Some(installed)) if *to == installed => gathered(installation, |version| {
            Ok(product::manifest(&installation.layout, version).ok())
        }),
        _ => gather(installation),
    }
}

fn gathered(
    installation: &Installation,
    manifest_of: impl Fn(&Version) -> Result<Option<ReleaseManifest>>,
) -> Result<Facts> {
    let layout = &installation.layout;
    let installed = match installation.installed()? {
        None => None,
        Some(version) => {
            let manifest = manifest_of(&version)?;
            let schema_level = match manifest.as_ref().and_then(ReleaseManifest::sqlite) {
                None => None,
                Some(database) => migrate::schema::level(&database.path.under(&layout.data()))
                    .map_err(|e| AppError::below("NL0304", &e))?,
            };
            let data_bytes = disk::tree_size(&layout.data())? + disk::tree_size(&layout.config())?;
            Some(Installed {
                version,
                schema_level,
                data_bytes,
            })
        }
    };
    let (one_way, ways_down) = kept_levels(installation)?;
    let platform = Platform::this_host();
    let trees = repository::release_dirs(installation)?
        .iter()
        .filter_map(|dir| tree(dir, &platform))
        .collect();
    Ok(Facts {
        product: installation.product()?,
        platform,
        installed,
        trees,
        altered: None,
        stored_downs: ways_down,
        one_way_levels: one_way,
        rolled_back: rolled_back(installation)?,
        terms: terms::gather(installation)?,
    })
}

/// Levels that were applied here: those that cannot be taken back with the reason, and the others.
fn kept_levels(installation: &Installation) -> Result<(BTreeMap<u32, String>, BTreeSet<u32>)> {
    let (mut one_way, mut ways_down) = (BTreeMap::new(), BTreeSet::new());
    for (level, json) in installation.store.schema_downs()? {
        let stored: StoredLevel = serde_json::from_str(&json).map_err(|e| AppError::below("NL0404", &e))?;
        match stored.one_way() {
            Some(reason) => drop(one_way.insert(level, reason.to_owned())),
            None => drop(ways_down.insert(level)),
        }
    }
    Ok((one_way, ways_down))
}

/// Whether a patch can be applied to the installed release: what stands against it, e.g. which file is changed. Reads every
/// byte, so it is asked only where there is a patch.
pub fn altered(installation: &Installation, version: &Version) -> Option<String> {
    match package::verify_tree(&installation.layout.release(version)) {
        Ok(report) if report.is_as_published() => None,
        Ok(report) => Some(
            TreeReport {
                extra: Vec::new(),
                ..report
            }
            .to_string(),
        ),
        Err(e) => Some(AppError::below("NL0306", &e).to_string()),
    }
}

/// In what state the release in a folder is, by the sizes of its files; contents are compared before the switch.
fn tree(dir: &std::path::Path, platform: &Platform) -> Option<(Version, Tree)> {
    let version: Version = dir.file_name()?.to_str()?.parse().ok()?;
    let manifest = package::manifest_of(dir)
        .ok()
        .filter(|manifest| manifest.version == version);
    let tree = match manifest {
        Some(manifest) if !manifest.platform.runs_on(platform) => Tree::OtherPlatform,
        Some(manifest) if package::looks_whole(dir, &manifest) => Tree::Whole,
        Some(_) | None => Tree::Damaged,
    };
    Some((version, tree))
}

/// Versions that were reached or tried here and left again because of themselves; a later success clears them. A repair tells
/// nothing of its release: that had proven itself before.
fn rolled_back(installation: &Installation) -> Result<BTreeSet<Version>> {
    let mut settled = BTreeSet::new();
    let mut bad = BTreeSet::new();
    let updates = installation.store.history(REMEMBERED_UPDATES)?.into_iter();
    for update in updates.filter(|update| !update.plan.leads_nowhere()) {
        let (version, good) = match (update.outcome, update.verb) {
            (Some(Outcome::Completed), Verb::Rollback) => match update.plan.from() {
                Some(left) => (left.clone(), false),
                None => continue,
            },
            (Some(Outcome::Completed), _) => (update.plan.to().clone(), true),
            (Some(Outcome::RolledBack), _) if blames_the_release(installation, &update)? => {
                (update.plan.to().clone(), false)
            }
            _ => continue,
        };
        if settled.insert(version.clone()) && !good {
            bad.insert(version);
        }
    }
    Ok(bad)
}

/// A full disk or a missing permission.
fn is_of_the_host(code: &str) -> bool {
    [engine::DISK_FULL, engine::PERMISSION].contains(&code)
}

/// A full disk or a cut line says nothing about the release; a migration, a start or a health check that failed does.
fn blames_the_release(installation: &Installation, update: &UpdateRecord) -> Result<bool> {
    let rows = installation.store.journal(&update.id, 0)?;
    let state =
        State::replay(&update.plan, rows.iter().map(|row| &row.event)).map_err(|e| AppError::below("NL0404", &e))?;
    let failure = state.failure().filter(|(_, failure)| !is_of_the_host(&failure.code));
    let kind = failure
        .and_then(|(step, _)| update.plan.step(*step))
        .map(|step| step.kind);
    Ok(matches!(
        kind,
        Some(
            StepKind::Trial
                | StepKind::Dependencies
                | StepKind::Config
                | StepKind::SchemaBefore
                | StepKind::Schema
                | StepKind::SchemaAfter
                | StepKind::Start
                | StepKind::Health
                | StepKind::Validate
        )
    ))
}
