//! Gathers what the planner goes by.

use std::collections::{BTreeMap, BTreeSet};

use super::{AppError, Installation, Order, Result, repository, terms};
use crate::backup;
use crate::engine::{self, StepError, backups, knows, product};
use crate::journal::{Outcome, State};
use crate::migrate::schema::StoredLevel;
use crate::package::TreeReport;
use crate::plan::{
    Direction, ExtensionFacts, Facts, FoundExtensions, Goal, Installed, Restorable, StepKind, Tree, Wish,
};
use crate::release::{Platform, ReleaseManifest};
use crate::store::{UpdateRecord, Verb};
use crate::version::Version;
use crate::{disk, package};

/// How far back a rolled back version is remembered.
const REMEMBERED_UPDATES: u32 = 200;

/// For any goal.
pub fn gather(installation: &Installation) -> Result<Facts> {
    let readable = |version: &Version| {
        let unreadable = |e: StepError| {
            let message = e.into_failure().message;
            AppError::said("NL0306", format!("the installed release cannot be read: {message}"))
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
    let mut own = None;
    let installed = match installation.installed()? {
        None => None,
        Some(version) => {
            let manifest = manifest_of(&version)?;
            let schema_level = match &manifest {
                None => None,
                Some(manifest) => knows::level_of(layout, manifest)?,
            };
            own = manifest.as_ref().and_then(ReleaseManifest::own_migrations).cloned();
            let data_bytes = disk::tree_size(&layout.data())? + disk::tree_size(&layout.config())?;
            Some(Installed {
                version,
                schema_level,
                data_bytes,
            })
        }
    };
    let (mut one_way, mut ways_down) = kept_levels(installation)?;
    if let (Some(own), Some(level)) = (own, installed.as_ref().and_then(|installed| installed.schema_level)) {
        (one_way, ways_down) = match own.down {
            Some(_) => (BTreeMap::new(), (1..=level).collect()),
            None => {
                let why = "the product has no command for its way down";
                (
                    (1..=level).map(|level| (level, why.to_owned())).collect(),
                    BTreeSet::new(),
                )
            }
        };
    }
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
        restore: None,
        extensions: ExtensionFacts::default(),
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

/// What was put into the product beside its release; of interest only where another release is to run.
pub fn extensions(installation: &Installation, order: &Order) -> Result<ExtensionFacts> {
    let may_be_disabled = order.disable_incompatible.clone();
    let found = match (&order.goal, installation.installed()?) {
        (Goal::Schema(_), _) | (_, None) => FoundExtensions::default(),
        (Goal::Upgrade(Wish::To(to), _), Some(installed)) if *to == installed => FoundExtensions::default(),
        (_, Some(installed)) => {
            let manifest = product::manifest(&installation.layout, &installed)?;
            engine::extensions::known(
                &installation.layout,
                &installation.store,
                &installation.settings,
                &manifest,
            )?
        }
    };
    Ok(ExtensionFacts { found, may_be_disabled })
}

/// The backup from before the last update that left `to`, with the database as it was at that release.
pub fn restorable(installation: &Installation, to: &Version) -> Result<Restorable> {
    let wrong = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0341", e);
    let none = |why: &str| AppError::said("NL0341", format!("there is no backup to go back to {to} by: {why}"));
    let installed = installation.installed()?;
    let manifest = installed
        .map(|version| product::manifest(&installation.layout, &version))
        .transpose()?;
    if manifest.is_some_and(|manifest| manifest.own_migrations().is_some()) {
        let message = "the product migrates itself, so NetLink does not know its database alone; restore by hand: `netlink backup list`";
        return Err(AppError::said("NL0342", message));
    }
    let updates = installation.store.history(REMEMBERED_UPDATES)?;
    let left = updates.iter().find(|update| {
        update.outcome == Some(Outcome::Completed)
            && update.plan.direction() == Direction::Up
            && update.plan.from() == Some(to)
    });
    let left = left.ok_or_else(|| none("no update from it is remembered"))?;
    let moved = left.plan.legs().first().and_then(|leg| leg.schema);
    let level = moved.and_then(|moved| moved.from);
    let level = level.ok_or_else(|| none("the update from it did not change a schema"))?;
    let home = backups::home(&installation.layout, &installation.settings, None).map_err(|e| wrong(&e))?;
    let repository = backup::home::existing(&home).map_err(|e| wrong(&e))?;
    let listed = backup::list(&repository).map_err(|e| wrong(&e))?;
    // Each leg makes one; the first is of where the update began.
    let first = listed
        .iter()
        .filter(|one| one.is_for(left.id.as_str()))
        .filter_map(backup::Listed::record)
        .min_by_key(|record| record.created);
    let record = first.ok_or_else(|| none(&format!("update {} made none, or it was let go since", left.id)))?;
    Ok(Restorable {
        backup: record.id.to_string(),
        made: record.created.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        level,
    })
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
    left_again(installation, |update| blames_the_release(installation, update))
}

/// Versions to which the last update failed here for whatever reason, was turned back, or was rolled back later: they are not
/// tried again by themselves.
pub fn failed_here(installation: &Installation) -> Result<BTreeSet<Version>> {
    left_again(installation, |_| Ok(true))
}

fn left_again(
    installation: &Installation,
    counts: impl Fn(&UpdateRecord) -> Result<bool>,
) -> Result<BTreeSet<Version>> {
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
            (Some(Outcome::RolledBack), _) if counts(&update)? => (update.plan.to().clone(), false),
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
                | StepKind::ExtensionsOn
                | StepKind::Start
                | StepKind::Health
                | StepKind::Validate
        )
    ))
}
