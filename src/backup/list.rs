//! What backups there are.

use super::repository::{Repository, Snapshot};
use super::{BackupError, Failure, Listed, Result, State};

use crate::named;

/// Newest first: whole, failed and damaged ones. Reads their small documents only, and waits for nobody: a document is never changed,
/// only put in place and taken away as a whole, and one that is taken away meanwhile is not listed.
pub fn list(repository: &Repository) -> Result<Vec<Listed>> {
    Ok(of(repository)?.into_iter().map(|(listed, _)| listed).collect())
}

/// The same with the documents of those that have one.
pub fn of(repository: &Repository) -> Result<Vec<(Listed, Option<Snapshot>)>> {
    let mut listed = Vec::new();
    for id in repository.backups()? {
        let (state, snapshot) = match repository.snapshot(&id) {
            Ok(snapshot) => (State::Whole(snapshot.record.clone()), Some(snapshot)),
            Err(BackupError::Unknown { .. }) => continue,
            Err(e) if e.is_damage() => (State::Damaged(reason(&e)), None),
            Err(e) => return Err(e),
        };
        // A record of a drill that cannot be read is none.
        let drill = repository.drill(&id).ok();
        let drilled = drill.and_then(|json| named::from_json(&json).ok());
        listed.push((Listed { id, state, drilled }, snapshot));
    }
    for id in repository.failures()? {
        let failure = match repository.failure(&id) {
            Err(BackupError::Disk(e)) if e.is_missing() => continue,
            Err(e) if !e.is_damage() => return Err(e),
            read => read.map_err(|e| reason(&e)),
        };
        let parsed = failure.and_then(|json| named::from_json::<Failure>(&json).map_err(|e| e.to_string()));
        let state = match parsed {
            Ok(failure) => State::Failed(failure),
            Err(e) => State::Damaged(e),
        };
        let drilled = None;
        listed.push((Listed { id, state, drilled }, None));
    }
    listed.sort_by(|(a, _), (b, _)| (b.id.moment(), &b.id).cmp(&(a.id.moment(), &a.id)));
    Ok(listed)
}

/// The error with its causes.
pub fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
