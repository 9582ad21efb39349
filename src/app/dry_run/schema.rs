//! The migrations of the schema, hop by hop on one copy of the database: so a later hop is tried from what an earlier one leaves.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::schema::live;
use crate::app::{AppError, Installation, Result};
use crate::engine::copies::Copy;
use crate::engine::{knows, product};
use crate::migrate::schema::{
    self, Dialect, Listed, Nobody, NotKept, Place, Renew, SchemaError, SchemaFiles, StoredLevel, Trial, WayBack,
};
use crate::package;
use crate::plan::{Leg, Plan, SchemaMove};
use crate::release::ReleaseManifest;
use crate::version::Version;

/// What would be run for one hop, in its order, and what came of it on a copy.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SchemaTrial {
    /// The release whose schema the database gets.
    #[schema(value_type = String)]
    pub version: Version,
    #[schema(required = true)]
    pub from: Option<u32>,
    pub to: u32,
    pub files: Vec<FileView>,
    pub seconds: f64,
    /// The file after which there is no way back but a restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_of_no_return: Option<String>,
    pub told: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SchemaFileTrial)]
pub struct FileView {
    #[serde(flatten)]
    pub listed: Listed,
    pub seconds: f64,
    pub rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
}

/// What is run for a hop.
struct Move<'a> {
    leg: &'a Leg,
    moved: SchemaMove,
    work: Work,
    listed: Vec<Listed>,
}

enum Work {
    Up(SchemaFiles),
    Down(Vec<StoredLevel>),
    /// Why it is not tried.
    Untried(&'static str),
}

const OWN: &str = "not tried: the product migrates itself";
const NOWHERE_YET: &str = "not tried: the configuration that says where the database is comes with the release";
const RESTORED: &str = "the database comes from a backup";

/// One for each hop that moves the schema. `tree` gives the release of a hop; on the way down it is not asked for.
pub fn trials(
    installation: &Installation,
    plan: &Plan,
    tree: impl Fn(&Leg) -> Result<PathBuf>,
    scratch: &Path,
) -> Result<Vec<SchemaTrial>> {
    if let Some(backup) = plan.restore() {
        return Ok(restored(plan, backup));
    }
    let moving = plan.legs().iter().filter_map(|leg| Some((leg, leg.schema?)));
    let moves = moving.map(|(leg, moved)| Move::of(installation, leg, moved, &tree));
    let moves = moves.collect::<Result<Vec<_>>>()?;
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let manifest = installed(installation)?;
    let budget = installation.settings.safety.trial_budget;
    let why_not: Option<Vec<&str>> = moves.iter().map(|one| one.work.why_not()).collect();
    let trials = if let Some(why_not) = why_not {
        why_not.into_iter().map(untried).collect()
    } else {
        live(installation, &manifest).on_copy(Copy::DryRun, scratch, "NL0307", |copy, renew| {
            tried(&moves, copy, budget, renew)
        })?
    };
    let with_trials = moves.into_iter().zip(trials);
    Ok(with_trials.map(|(one, trial)| SchemaTrial::of(one, trial)).collect())
}

/// The ways down that are trusted are gone, and for the others the backup is put back.
fn restored(plan: &Plan, backup: &str) -> Vec<SchemaTrial> {
    let told = format!("not tried: where a way down is not to be trusted, the database comes from {backup}");
    let moving = plan.legs().iter().filter_map(|leg| Some((leg, leg.schema?)));
    let moves = moving.map(|(leg, moved)| Move {
        leg,
        moved,
        work: Work::Untried(RESTORED),
        listed: Vec::new(),
    });
    moves.map(|one| SchemaTrial::of(one, untried(&told))).collect()
}

fn tried(
    moves: &[Move<'_>],
    copy: &Place,
    budget: Duration,
    renew: Renew<'_>,
) -> std::result::Result<Vec<Trial>, SchemaError> {
    let mut trials = Vec::new();
    for (at, one) in moves.iter().enumerate() {
        trials.push(match &one.work {
            Work::Untried(why) => untried(why),
            Work::Down(stored) => schema::trial_down(copy, stored, one.moved.to, budget)?,
            Work::Up(files) => {
                let mut again = || {
                    renew()?;
                    moves[..at].iter().try_for_each(|earlier| earlier.repeat(copy))
                };
                schema::trial_up(copy, files, one.moved.to, budget, &mut again)?
            }
        });
    }
    Ok(trials)
}

fn untried(why: &str) -> Trial {
    Trial {
        files: Vec::new(),
        told: vec![why.to_owned()],
        schema: None,
    }
}

impl Work {
    fn why_not(&self) -> Option<&'static str> {
        match self {
            Self::Untried(why) => Some(why),
            Self::Up(_) | Self::Down(_) => None,
        }
    }
}

impl<'a> Move<'a> {
    fn of(
        installation: &Installation,
        leg: &'a Leg,
        moved: SchemaMove,
        tree: impl Fn(&Leg) -> Result<PathBuf>,
    ) -> Result<Self> {
        let (work, listed) = if moved.from.is_some_and(|from| from > moved.to) {
            down(installation, moved)?
        } else {
            up(&installed(installation)?, leg, moved, &tree(leg)?)?
        };
        Ok(Self {
            leg,
            moved,
            work,
            listed,
        })
    }

    /// Brings a copy that was made anew to where this hop leads.
    fn repeat(&self, copy: &Place) -> std::result::Result<(), NotKept> {
        match &self.work {
            Work::Untried(_) | Work::Down(_) => Ok(()),
            Work::Up(files) => schema::up(copy, files, self.moved.to, &mut Nobody)
                .map(drop)
                .map_err(NotKept::from),
        }
    }
}

impl SchemaTrial {
    fn of(one: Move<'_>, trial: Trial) -> Self {
        let point_of_no_return = trial.files.iter().find_map(|file| match file.way_back {
            Some(WayBack::None { .. }) => Some(file.title.clone()),
            _ => None,
        });
        Self {
            version: one.leg.to.clone(),
            from: one.moved.from,
            to: one.moved.to,
            seconds: trial.seconds(),
            files: beside(one.listed, &trial),
            point_of_no_return,
            told: trial.told,
        }
    }
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

fn down(installation: &Installation, moved: SchemaMove) -> Result<(Work, Vec<Listed>)> {
    let stored = installation.store.schema_downs()?;
    let above = stored.range(moved.to + 1..).map(|(_, json)| serde_json::from_str(json));
    let mut stored: Vec<StoredLevel> = above.collect::<std::result::Result<_, _>>().map_err(|e| failed(&e))?;
    stored.retain(|level| moved.from.is_some_and(|from| level.level <= from));
    let manifest = installed(installation)?;
    if manifest.own_migrations().is_some() {
        return Ok((Work::Untried(OWN), Vec::new()));
    }
    let dialect = manifest.database.as_ref().map_or(Dialect::Sqlite, knows::dialect);
    let listed = stored
        .iter()
        .rev()
        .filter_map(|stored| Listed::of_stored(dialect, stored));
    let listed = listed.collect();
    Ok((Work::Down(stored), listed))
}

fn up(installed: &ReleaseManifest, leg: &Leg, moved: SchemaMove, tree: &Path) -> Result<(Work, Vec<Listed>)> {
    let manifest = package::manifest_of(tree).map_err(|e| AppError::below("NL0306", &e))?;
    if manifest.own_migrations().is_some() {
        return Ok((Work::Untried(OWN), Vec::new()));
    }
    let missing = || AppError::said("NL0313", format!("release {} has no database", leg.to));
    let files = knows::files_in(tree, &manifest)?.ok_or_else(missing)?;
    let listed = files.listed(moved.from.unwrap_or(0), moved.to);
    let is_on_server = manifest
        .database
        .as_ref()
        .is_some_and(|database| database.server().is_some());
    if installed.migrations().is_none() && is_on_server {
        return Ok((Work::Untried(NOWHERE_YET), listed));
    }
    Ok((Work::Up(files), listed))
}

/// The release that is installed, whose configuration says where the database is.
fn installed(installation: &Installation) -> Result<ReleaseManifest> {
    let missing = || AppError::said("NL0107", "nothing is installed; there is no database");
    let version = installation.installed()?.ok_or_else(missing)?;
    Ok(product::manifest(&installation.layout, &version)?)
}
