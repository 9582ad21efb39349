//! What an operator answers where the configuration and a release are in conflict. It holds for one update, also when it is resumed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::dry_run::{Scratch, trees};
use super::{AppError, Installation, Prepared, Result};
use crate::crypt::Digest;
use crate::engine::{OpenConflict, preview_config};
use crate::plan::{Direction, Plan};
use crate::settings::{OnConflict, Side};
use crate::store::Fact;

/// The answers for the update of a plan.
#[derive(Serialize, Deserialize)]
struct Kept {
    plan: Digest,
    settled: BTreeMap<String, Side>,
}

impl Prepared {
    /// What has to be answered before this update begins, where the settings say `ask`. Releases that are not on this disk are fetched
    /// for that. One that is answered may bring the next.
    pub fn questions(&self) -> Result<Vec<OpenConflict>> {
        let (installation, plan) = (self.installation(), self.plan());
        let changes_files = plan.from().is_some() && plan.direction() == Direction::Up;
        if installation.settings.config.on_conflict != OnConflict::Ask || !changes_files {
            return Ok(Vec::new());
        }
        let scratch = Scratch::take(&installation.layout)?;
        let trees = trees(installation, plan.bundle(), plan, scratch.path())?;
        let of = (&installation.layout, &installation.store, &installation.settings.config);
        let changes =
            preview_config(of, plan, &trees).map_err(|e| AppError::said("NL0312", e.into_failure().message))?;
        Ok(changes.into_iter().flat_map(|change| change.open).collect())
    }

    /// The answers, as `config.settled` would have them.
    pub fn answer(&mut self, answers: BTreeMap<String, Side>) {
        self.answers.extend(answers.clone());
        self.installation.settings.config.settled.extend(answers);
    }
}

/// Before the update is accepted: from then on a crash resumes.
pub(super) fn keep(installation: &Installation, plan: &Plan, settled: &BTreeMap<String, Side>) -> Result<()> {
    let kept = Kept {
        plan: plan.fingerprint(),
        settled: settled.clone(),
    };
    let json = serde_json::to_string(&kept).map_err(|e| AppError::below("NL0404", &e))?;
    let value = (!settled.is_empty()).then_some(json.as_str());
    Ok(installation.store.set_fact(Fact::Answers, value)?)
}

/// Those of the unfinished update.
pub(super) fn recall(installation: &mut Installation) -> Result<()> {
    let Some(json) = installation.store.fact(Fact::Answers)? else {
        return Ok(());
    };
    let Some(id) = installation.store.unfinished()? else {
        return Ok(());
    };
    let kept: Kept = serde_json::from_str(&json).map_err(|e| AppError::below("NL0404", &e))?;
    let update = installation.store.update(&id)?;
    if update.is_some_and(|update| update.plan.fingerprint() == kept.plan) {
        installation.settings.config.settled.extend(kept.settled);
    }
    Ok(())
}
