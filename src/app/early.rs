//! What is wrong with an order is said when it is given, as far as it can be told by then: who was told yes does not look again.

use super::backups::{failed, open, refuse_restore};
use super::offer::Offer;
use super::{AppError, Goal, Installation, Result, Wanted, codes, list_backups, somebody_is_at_work};
use crate::backup::{self, BackupId, Repository, Selection};
use crate::plan;
use crate::release::RelPath;

/// Refuses an upgrade or a downgrade to what nobody has published, whatever is under way. A repository that cannot be asked now may
/// be there when the turn of the order comes.
pub fn refuse_unknown_version(installation: &Installation, wanted: &Wanted) -> Result<()> {
    let (Wanted::Upgrade { target_version, .. } | Wanted::Downgrade { target_version, .. }) = wanted else {
        return Ok(());
    };
    let goal = Goal::Downgrade(target_version.clone());
    let Ok(Offer { catalog, .. }) = Offer::of(installation, &goal.into()) else {
        return Ok(());
    };
    match catalog.get(target_version) {
        Some(_) => Ok(()),
        None => Err(AppError::Refused(Box::new(plan::unknown(
            &catalog,
            target_version.clone(),
        )))),
    }
}

/// Refuses an order for backups that cannot be done. What depends on the product and its files is looked at while nobody is at work,
/// and again when the turn of the order comes.
pub fn refuse_backup_order(installation: &Installation, wanted: &Wanted) -> Result<()> {
    let id = match wanted {
        Wanted::BackupVerify { backup_id }
        | Wanted::BackupDrill { backup_id }
        | Wanted::BackupRestore { backup_id, .. } => backup_id,
        // Without a key there is nothing to add to, either.
        Wanted::BackupCreate { .. } => return list_backups(installation, None).map(drop).or_else(unless_failed),
        // Whoever is at work may be making the first one.
        Wanted::BackupPrune if somebody_is_at_work(installation)? => return Ok(()),
        Wanted::BackupPrune => return open(installation, None).map(drop).or_else(unless_failed),
        _ => return Ok(()),
    };
    let repository = known(installation, id)?;
    if somebody_is_at_work(installation)? {
        return Ok(());
    }
    match (repository.snapshot(id), wanted) {
        (Ok(snapshot), Wanted::BackupRestore { only, .. }) => {
            refuse_restore(installation, &snapshot.record)?;
            refuse_paths(installation, &repository, id, only)
        }
        (Ok(_), _) => Ok(()),
        (Err(error), _) => unless_failed(failed(&error)),
    }
}

fn refuse_paths(installation: &Installation, repository: &Repository, id: &BackupId, only: &[RelPath]) -> Result<()> {
    if only.is_empty() {
        return Ok(());
    }
    let selection = Selection::Only(only.to_vec());
    let refused = backup::refuse_restore(repository, id, &selection, installation.layout.root());
    refused.or_else(|error| unless_failed(failed(&error)))
}

/// To find out what is damaged is what an order is for.
fn unless_failed(error: AppError) -> Result<()> {
    match error.code().kind {
        codes::Kind::Failed => Ok(()),
        _ => Err(error),
    }
}

fn known(installation: &Installation, id: &BackupId) -> Result<Repository> {
    let listed = list_backups(installation, None)?;
    match listed.iter().any(|listed| listed.id == *id) {
        true => open(installation, None),
        false => Err(AppError::said("NL0601", format!("there is no backup {id}"))),
    }
}
