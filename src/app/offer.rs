//! What there is to choose from for an order: the releases, and what is said of them.

use super::repository::{self, Repository};
use super::{AppError, Goal, Installation, Order, Result, changes};
use crate::clock;
use crate::plan::{Facts, Plan, PlanError, Warning};
use crate::release::Catalog;
use crate::tuf::Note;

/// The releases to choose from, and where more is said of them.
pub struct Offer {
    pub catalog: Catalog,
    /// None when whoever goes back does so without one.
    repository: Option<Repository>,
    told: Vec<Note>,
}

impl Offer {
    pub fn of(installation: &Installation, order: &Order) -> Result<Self> {
        let asked = Repository::needed(installation, order.bundle.as_deref()).and_then(|repository| {
            let (catalog, told) = repository.catalog(installation)?;
            Ok(Self {
                catalog,
                repository: Some(repository),
                told,
            })
        });
        match asked {
            // The way back must not depend on the network: what is on disk is enough while the old release is kept.
            Err(_) if matches!(order.goal, Goal::Rollback(_) | Goal::Schema(_)) => Ok(Self {
                catalog: repository::on_disk(installation)?,
                repository: None,
                told: Vec::new(),
            }),
            asked => asked,
        }
    }

    /// The plan with what the releases on its way ask for, and where its packages come from.
    pub fn completed(&self, plan: Plan, goal: &Goal, facts: &Facts) -> Result<Plan> {
        let Some(repository) = &self.repository else {
            return Ok(plan);
        };
        let unsound = |e: PlanError| AppError::below("NL0323", &e);
        let plan = match repository.bundle() {
            Some(file) => plan
                .out_of_bundle(file.to_path_buf(), self.warnings())
                .map_err(unsound)?,
            None => plan,
        };
        let notes = match goal {
            Goal::Upgrade(..) => Some(changes::notes_of_the_way_up(
                repository,
                &self.catalog,
                &plan,
                &facts.terms.facts,
            )?),
            // Good to know, but nothing to fail for.
            Goal::Downgrade(_) | Goal::Rollback(_) => {
                changes::notes_of_the_way_down(repository, &self.catalog, &plan).ok()
            }
            Goal::Schema(_) => None,
        };
        match notes {
            Some(notes) => plan.with_notes(notes, clock::date_of(facts.terms.now)).map_err(unsound),
            None => Ok(plan),
        }
    }

    /// What is to be said of how the releases were had.
    pub fn told(&self) -> impl Iterator<Item = String> {
        self.told.iter().map(ToString::to_string)
    }

    /// What stays the same while the repository does, so that a plan that was written down can be made again.
    fn warnings(&self) -> Vec<Warning> {
        let stale = self.told.iter().filter(|note| matches!(note, Note::Stale { .. }));
        stale
            .map(|note| Warning {
                code: "stale".into(),
                message: note.to_string(),
            })
            .collect()
    }
}
