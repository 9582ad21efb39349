//! What an update would do, tried where it does no harm: on copies of the configuration and of the database, with the releases that
//! are to come.

mod config;
mod dependencies;
mod releases;
mod schema;
mod scratch;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::updating::{Order, PlanView, Ready, preview};
use super::{AppError, Installation, Result};
use crate::engine::{self, ConfigChange};
use crate::plan::{Direction, Leg, Plan};
use crate::store::StoreError;
pub(super) use scratch::Scratch;

pub use dependencies::DependencyChange;
pub use schema::{FileView, SchemaTrial};

/// A plan with what came of trying it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    #[serde(flatten)]
    pub view: PlanView,
    /// What becomes of configuration files; absent when releases would have to be fetched to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Vec<ConfigChange>>,
    /// What becomes of the packages that the release needs; absent when their tools were not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependencies: Option<Vec<DependencyChange>>,
    /// What becomes of the database, for each hop that changes its schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<SchemaTrial>,
    /// Where hooks of this update may change more than the installation, which is worth knowing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfined: Vec<String>,
}

/// Tries all hops of a plan, with releases fetched that are not on this disk.
pub fn dry_run(installation: &Installation, order: &Order, view: PlanView) -> Result<DryRun> {
    let plan = &view.plan;
    // A first installation has nothing that could be changed.
    if plan.from().is_none() {
        return Ok(DryRun {
            view,
            config: Some(Vec::new()),
            dependencies: Some(Vec::new()),
            schema: Vec::new(),
            unconfined: engine::unconfined(&installation.settings),
        });
    }
    let scratch = begin(installation)?;
    let bundle = order.bundle.as_deref();
    let tree = |leg: &Leg| releases::tree(installation, bundle, plan, leg, scratch.path());
    let trees = trees(installation, bundle, plan, scratch.path())?;
    Ok(DryRun {
        config: Some(config::changes(installation, plan, &trees)?),
        dependencies: Some(dependencies::changes(installation, plan, &trees, scratch.path())?),
        schema: schema::trials(installation, plan, tree, scratch.path())?,
        unconfined: engine::unconfined(&installation.settings),
        view,
    })
}

/// The releases of all hops, fetched where they are not on this disk.
pub(super) fn trees(
    installation: &Installation,
    bundle: Option<&Path>,
    plan: &Plan,
    scratch: &Path,
) -> Result<Vec<PathBuf>> {
    let tree = |leg| releases::tree(installation, bundle, plan, leg, scratch);
    plan.legs().iter().map(tree).collect()
}

/// What can be told by looking: of configuration, where all releases are on this disk. Nothing is tried, so nobody is waited for.
pub fn outlook(installation: &Installation, view: PlanView) -> Result<DryRun> {
    let plan = &view.plan;
    let config = match releases::on_disk(installation, plan) {
        _ if plan.from().is_none() || plan.direction() == Direction::Schema => Some(Vec::new()),
        Some(trees) => Some(config::changes(installation, plan, &trees)?),
        None => None,
    };
    Ok(DryRun {
        view,
        config,
        dependencies: None,
        schema: Vec::new(),
        unconfined: engine::unconfined(&installation.settings),
    })
}

/// What moving the database alone would do.
#[derive(Debug, Serialize)]
pub struct SchemaDryRun {
    pub plan: Plan,
    #[serde(flatten)]
    pub trial: SchemaTrial,
}

/// Tries it on a copy of the database, and changes nothing.
pub fn try_schema(root: &Path, config: Option<&Path>, order: &Order) -> Result<Ready<SchemaDryRun>> {
    let installation = Installation::open(root, config)?;
    let scratch = begin(&installation)?;
    let plan = match preview(&installation, order)? {
        Ready::AlreadyThere(settled) => return Ok(Ready::AlreadyThere(settled)),
        Ready::Go(view) => view.plan,
    };
    let bundle = order.bundle.as_deref();
    let tree = |leg: &Leg| releases::tree(&installation, bundle, &plan, leg, scratch.path());
    let trials = schema::trials(&installation, &plan, tree, scratch.path())?;
    let unsound = || AppError::said("NL0323", "the plan has no move of the schema");
    let trial = trials.into_iter().next().ok_or_else(unsound)?;
    Ok(Ready::Go(SchemaDryRun { plan, trial }))
}

/// In the middle of an update there is nothing to try from.
fn begin(installation: &Installation) -> Result<Scratch> {
    match installation.store.unfinished()? {
        Some(id) => Err(StoreError::Unfinished { id }.into()),
        None => Scratch::take(&installation.layout),
    }
}
