//! The database alone: what bringing it to a release's schema would do, and how it differs from a fresh one.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::repository::Repository;
use super::updating::{Order, Ready, preview};
use super::{AppError, Goal, Installation, Result};
use crate::engine::{InstallationLock, knows, product};
use crate::fetch::{self, Expected};
use crate::migrate::schema::{self, Difference, Listed, SchemaFiles, StoredLevel, Trial, WayBack};
use crate::package::{self, Expect, Manner};
use crate::plan::{Leg, Plan, SchemaMove};
use crate::release::{PackageRef, Platform, ReleaseManifest, SqliteSpec};
use crate::store::{self, StoreError};
use crate::version::Version;
use crate::{disk, tuf};

/// What would be run, in its order, and what came of it on a copy.
#[derive(Debug, Serialize)]
pub struct SchemaTrial {
    pub plan: Plan,
    pub from: Option<u32>,
    pub to: u32,
    pub files: Vec<FileView>,
    pub seconds: f64,
    /// The file after which there is no way back but a restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_of_no_return: Option<String>,
    pub told: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct FileView {
    #[serde(flatten)]
    pub listed: Listed,
    pub seconds: f64,
    pub rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
}

/// The goal of bringing the database to the schema of a release; without one, of the installed release.
pub fn schema_goal(installation: &Installation, to: Option<&Version>) -> Result<Goal> {
    let missing = || {
        AppError::said(
            "NL0107",
            "nothing is installed; `netlink init --version V` installs a release with its database",
        )
    };
    let installed = installation.installed()?.ok_or_else(missing)?;
    Ok(Goal::Schema(to.cloned().unwrap_or(installed)))
}

/// Tries it on a copy of the database, and changes nothing.
pub fn try_schema(root: &Path, config: Option<&Path>, order: &Order) -> Result<Ready<SchemaTrial>> {
    let installation = Installation::open(root, config)?;
    let _lock = InstallationLock::take(&installation.layout, "netlink update upgrade-db --dry-run")?;
    if let Some(id) = installation.store.unfinished()? {
        return Err(StoreError::Unfinished { id }.into());
    }
    let plan = match preview(&installation, order)? {
        Ready::AlreadyThere(settled) => return Ok(Ready::AlreadyThere(settled)),
        Ready::Go(view) => view.plan,
    };
    let scratch = installation.layout.staging().join("dry-run");
    disk::create_dir_all(&scratch)?;
    let tried = tried(&installation, plan, &scratch);
    disk::remove_tree(&scratch)?;
    tried.map(Ready::Go)
}

fn tried(installation: &Installation, plan: Plan, scratch: &Path) -> Result<SchemaTrial> {
    let unsound = || AppError::said("NL0323", "the plan has no move of the schema");
    let leg = plan.legs().first().ok_or_else(unsound)?;
    let moved = leg.schema.ok_or_else(unsound)?;
    let copy = scratch.join("copy.db");
    let is_down = moved.from.is_some_and(|from| from > moved.to);
    let (listed, trial) = if is_down {
        down(installation, moved, &copy)?
    } else {
        up(installation, leg, moved, scratch)?
    };
    let point_of_no_return = trial.files.iter().find_map(|file| match file.way_back {
        Some(WayBack::None { .. }) => Some(file.title.clone()),
        _ => None,
    });
    Ok(SchemaTrial {
        from: moved.from,
        to: moved.to,
        seconds: trial.seconds(),
        files: beside(listed, &trial),
        point_of_no_return,
        told: trial.told,
        plan,
    })
}

fn beside(listed: Vec<Listed>, trial: &Trial) -> Vec<FileView> {
    let view = |listed: Listed| {
        let tried = trial.files.iter().find(|tried| tried.level == listed.level);
        FileView {
            seconds: tried.map_or(0.0, |tried| tried.seconds),
            rows: tried.map_or(0, |tried| tried.rows),
            way_back: tried.and_then(|tried| tried.way_back.clone()),
            listed,
        }
    };
    listed.into_iter().map(view).collect()
}

fn failed(error: &(dyn std::error::Error + 'static)) -> AppError {
    AppError::below("NL0307", error)
}

fn down(installation: &Installation, moved: SchemaMove, copy: &Path) -> Result<(Vec<Listed>, Trial)> {
    let installed = installation.installed()?;
    let manifest = installed
        .map(|version| product::manifest(&installation.layout, &version))
        .transpose()?;
    let stored = installation.store.schema_downs()?;
    let above = stored.range(moved.to + 1..).map(|(_, json)| serde_json::from_str(json));
    let mut stored: Vec<StoredLevel> = above.collect::<std::result::Result<_, _>>().map_err(|e| failed(&e))?;
    stored.retain(|level| moved.from.is_some_and(|from| level.level <= from));
    copied(installation, manifest.as_ref(), copy)?;
    let budget = installation.settings.safety.trial_budget;
    let trial = schema::trial_down(copy, &stored, moved.to, budget).map_err(|e| failed(&e))?;
    Ok((stored.iter().rev().filter_map(Listed::of_stored).collect(), trial))
}

fn up(installation: &Installation, leg: &Leg, moved: SchemaMove, scratch: &Path) -> Result<(Vec<Listed>, Trial)> {
    let layout = &installation.layout;
    let tree = match leg.strategy.package() {
        Some(package) => unpacked(installation, leg, package, &scratch.join("release"))?,
        None => layout.release(&leg.to),
    };
    let manifest = package::manifest_of(&tree).map_err(|e| AppError::below("NL0306", &e))?;
    let missing = || AppError::said("NL0313", format!("release {} has no database", leg.to));
    let files = knows::files_in(&tree, &manifest)?.ok_or_else(missing)?;
    let copy = scratch.join("copy.db");
    copied(installation, Some(&manifest), &copy)?;
    let budget = installation.settings.safety.trial_budget;
    let trial = schema::trial_up(&copy, &files, moved.to, budget).map_err(|e| failed(&e))?;
    Ok((files.listed(moved.from.unwrap_or(0), moved.to), trial))
}

/// A copy of the live database where there is one.
fn copied(installation: &Installation, manifest: Option<&ReleaseManifest>, copy: &Path) -> Result<()> {
    let database = manifest.and_then(ReleaseManifest::sqlite);
    let live = database.map(|database| live(installation, database));
    match live.filter(|live| live.exists()) {
        Some(live) => store::copy_live(&live, copy).map_err(|e| failed(&e)),
        None => Ok(()),
    }
}

fn live(installation: &Installation, database: &SqliteSpec) -> PathBuf {
    database.path.under(&installation.layout.data())
}

/// The tree of a release that is not on this disk.
fn unpacked(installation: &Installation, leg: &Leg, package: &PackageRef, to: &Path) -> Result<PathBuf> {
    let wrong = |e: &(dyn std::error::Error + 'static)| AppError::below("NL0305", e);
    let repository = Repository::needed(installation, None)?;
    let target = &package.target;
    let name = tuf::target_file(&target.name, target.sha256).map_err(|e| wrong(&e))?;
    let expected = Expected {
        length: target.length,
        sha256: target.sha256,
    };
    let file = to.with_extension("tar.zst");
    let mut go_on = |_, _| std::ops::ControlFlow::Continue(());
    fetch::download(repository.sources(), &name, &expected, &file, &mut go_on).map_err(|e| wrong(&e))?;
    let expect = Expect {
        product: installation.product()?,
        version: leg.to.clone(),
        platform: Platform::this_host(),
        rules: leg.rules.clone(),
        unpacked: package.unpacked,
    };
    let manner = Manner {
        like: None,
        hard_links: false,
        durable: false,
    };
    let file = std::fs::File::open(&file).map_err(|e| AppError::below("NL0306", &e))?;
    package::unpack_as(file, to, &expect, &manner, &mut |_| ()).map_err(|e| AppError::below("NL0306", &e))?;
    Ok(to.to_path_buf())
}

/// How the database differs from that of a fresh installation of the installed release.
#[derive(Debug, Serialize)]
pub struct SchemaDiff {
    pub version: Version,
    pub level: Option<u32>,
    pub fresh_level: u32,
    pub differences: Vec<Difference>,
}

impl SchemaDiff {
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty() && self.level == Some(self.fresh_level)
    }
}

pub fn schema_diff(installation: &Installation) -> Result<SchemaDiff> {
    let missing = || AppError::said("NL0107", "nothing is installed; there is no schema to compare with");
    let version = installation.installed()?.ok_or_else(missing)?;
    let manifest = product::manifest(&installation.layout, &version)?;
    let none = || {
        AppError::said(
            "NL0115",
            format!("release {version} has no database that NetLink migrates"),
        )
    };
    let database = manifest.sqlite().ok_or_else(none)?;
    let files: SchemaFiles = knows::files_of(&installation.layout, &manifest)?.ok_or_else(none)?;
    let fresh_level = manifest.rules.schema_level.unwrap_or_else(|| files.highest());
    let scratch = tempfile::tempdir().map_err(|e| AppError::below("NL0408", &e))?;
    let differences = schema::diff(
        &live(installation, database),
        &files,
        fresh_level,
        &scratch.path().join("fresh.db"),
    );
    Ok(SchemaDiff {
        level: knows::level_of(&installation.layout, &manifest)?,
        fresh_level,
        differences: differences.map_err(|e| AppError::below("NL0313", &e))?,
        version,
    })
}
