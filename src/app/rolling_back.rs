//! Where a rollback leads: the update that is taken back, and the version before it.

use super::updating::{record, replay};
use super::{AppError, Installation, Result};
use crate::journal::Outcome;
use crate::plan::{Direction, Goal};
use crate::store::{StoreError, UpdateId, UpdateRecord, Verb};
use crate::version::Version;

/// What `rollback` comes to.
pub enum RollbackTarget {
    /// An update is running or waits; it is turned back.
    Unfinished,
    To(Version),
}

/// What is taken back when nobody names an update and none is unfinished: the last completed one. A repair has led nowhere: the
/// way back is that of the update before it. What was itself a way back is taken back by its name alone: who asks twice would
/// otherwise get the release again that was just left, or lose the one before it.
pub(super) fn last_to_take_back(installation: &Installation) -> Result<UpdateId> {
    let history = installation.store.history(50)?;
    let completed = |update: &&UpdateRecord| update.outcome == Some(Outcome::Completed) && !is_repair(update);
    let last = history.iter().find(completed).ok_or(AppError::NoUpdateYet)?;
    if let Some(undone) = history
        .first()
        .filter(|update| update.outcome == Some(Outcome::RolledBack))
        && let Some(by) = replay(installation, undone)?.aborted_by()
    {
        return Err(turned_back_already(undone, by, last));
    }
    match (last.verb, last.plan.from()) {
        (Verb::Rollback, Some(left)) => Err(went_back_already(last, left)),
        _ => Ok(last.id.clone()),
    }
}

/// By somebody who may be asking twice.
fn turned_back_already(undone: &UpdateRecord, by: &str, before: &UpdateRecord) -> AppError {
    let (id, before) = (&undone.id, &before.id);
    let message = format!(
        "{by} has turned the last update, {id}, back already, and nothing of it is in place; `--update-id {before}` (`update_id`) takes back the one before"
    );
    AppError::said("NL0756", message)
}

fn went_back_already(update: &UpdateRecord, left: &Version) -> AppError {
    let (id, to) = (&update.id, update.plan.to());
    let again = if left > to { "upgrade" } else { "downgrade" };
    let when = update.finished_at.map(|at| format!(" on {at:.0}")).unwrap_or_default();
    let message = format!(
        "the last update was a rollback: {id} took {left} back to {to}{when}; `netlink update {again} --to {left}` goes to {left} \
         again, `--update-id {id}` (`update_id`) takes back just this rollback"
    );
    AppError::said("NL0756", message)
}

/// Where the last completed update, or the named one, came from.
pub fn rollback_target(installation: &Installation, id: Option<&UpdateId>) -> Result<RollbackTarget> {
    let unfinished = installation.store.unfinished()?;
    let update = match (id, &unfinished) {
        (None, Some(_)) => return Ok(RollbackTarget::Unfinished),
        (Some(id), unfinished) if unfinished.as_ref() == Some(id) => return Ok(RollbackTarget::Unfinished),
        (Some(id), _) => record(installation, id)?,
        (None, None) => {
            let id = last_to_take_back(installation)?;
            record(installation, &id)?
        }
    };
    if update.outcome != Some(Outcome::Completed) {
        let message = format!(
            "update {} was rolled back already; nothing of it is in place",
            update.id
        );
        return Err(AppError::said("NL0749", message));
    }
    if update.plan.direction() == Direction::Schema {
        let message = format!(
            "update {} has moved the database alone; `netlink update upgrade-db --to V` moves it back",
            update.id
        );
        return Err(AppError::said("NL0749", message));
    }
    if is_repair(&update) {
        let message = format!(
            "update {} has repaired {}; what was damaged is not put back",
            update.id,
            update.plan.to()
        );
        return Err(AppError::said("NL0749", message));
    }
    if installation.installed()?.as_ref() != Some(update.plan.to()) {
        let message = format!(
            "update {} led to {}, which is no longer installed",
            update.id,
            update.plan.to()
        );
        return Err(AppError::said("NL0749", message));
    }
    let missing = || {
        AppError::said(
            "NL0107",
            format!(
                "update {} was the first installation; there is nothing to go back to",
                update.id
            ),
        )
    };
    update.plan.from().cloned().map(RollbackTarget::To).ok_or_else(missing)
}

/// The same as a goal; refused while an update is unfinished, which is turned back instead.
pub fn way_back(installation: &Installation, id: Option<&UpdateId>) -> Result<Goal> {
    match rollback_target(installation, id)? {
        RollbackTarget::To(version) => Ok(Goal::Rollback(version)),
        RollbackTarget::Unfinished => {
            let unfinished = installation.store.unfinished()?;
            let id = unfinished.or_else(|| id.cloned()).ok_or(AppError::NoUpdateYet)?;
            Err(StoreError::Unfinished { id }.into())
        }
    }
}

fn is_repair(update: &UpdateRecord) -> bool {
    update.plan.direction() == Direction::Repair
}
