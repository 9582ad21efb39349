//! 5.6 for the roles that a targets role hands on work to: each verified by the delegator through which it was reached.

use super::{Refreshed, needed, targets};
use crate::tuf::TufError;
use crate::tuf::delegation::{Delegations, Step};
use crate::tuf::document::{Document, Verified};
use crate::tuf::model::{Mandate, MetaFile, Role, Signed, Targets};
use crate::tuf::name::file_name;

use super::Note;

/// A targets role by its name, as the delegator asks for it; from this disk when it is there already.
pub fn load(
    refreshed: &Refreshed<'_>,
    delegator: (&str, &Signed<Targets>),
    delegations: &Delegations,
    step: &Step<'_>,
) -> Result<Verified<Signed<Targets>>, TufError> {
    let (name, by) = delegator;
    let mandate = delegations.mandate(step, format!("{name} {}", by.version));
    let found = announced(refreshed, &step.name).and_then(|meta| {
        if let Some(kept) = kept(refreshed, step, &mandate, meta)? {
            return Ok(kept);
        }
        fetch(refreshed, step, &mandate, meta)
    });
    found.map_err(|source| TufError::Delegated {
        name: step.name.clone(),
        source: Box::new(source),
    })
}

fn announced<'a>(refreshed: &'a Refreshed<'_>, name: &str) -> Result<&'a MetaFile, TufError> {
    let meta = refreshed.snapshot.content.meta.get(&format!("{name}.json"));
    meta.ok_or_else(|| TufError::NotAnnounced {
        name: name.to_owned(),
        version: refreshed.snapshot.version,
    })
}

fn kept(
    refreshed: &Refreshed<'_>,
    step: &Step<'_>,
    mandate: &Mandate<'_>,
    meta: &MetaFile,
) -> Result<Option<Verified<Signed<Targets>>>, TufError> {
    let Some(bytes) = refreshed.trust.read_delegated(&file_of(&step.name))? else {
        return Ok(None);
    };
    if meta.difference(&bytes).is_some() {
        return Ok(None);
    }
    let verified = Document::<Targets>::parse(&bytes).and_then(|document| document.verified_for(mandate));
    let Some(role) = verified.ok().filter(|role| role.version == meta.version) else {
        return Ok(None);
    };
    refreshed.asking.check_fresh(&role)?;
    refreshed.tell(&Note::Current {
        name: step.name.clone(),
        version: role.version,
    });
    Ok(Some(role))
}

fn fetch(
    refreshed: &Refreshed<'_>,
    step: &Step<'_>,
    mandate: &Mandate<'_>,
    meta: &MetaFile,
) -> Result<Verified<Signed<Targets>>, TufError> {
    // 5.6.1
    let name = refreshed.root.content.file_named(&step.name, meta.version);
    let limit = Role::Targets.limit().min(meta.length.unwrap_or(u64::MAX));
    let bytes = needed(refreshed.asking.source, name, limit)?;
    let role = accept(mandate, meta, &bytes)?;
    // 5.6.5
    refreshed.asking.check_fresh(&role)?;
    // 5.6.6
    refreshed.trust.write(&file_of(&step.name), &bytes)?;
    refreshed.tell(&Note::Accepted {
        name: step.name.clone(),
        version: role.version,
    });
    Ok(role)
}

pub fn accept(mandate: &Mandate<'_>, meta: &MetaFile, bytes: &[u8]) -> Result<Verified<Signed<Targets>>, TufError> {
    targets::accept_by(meta, bytes, |document| document.verified_for(mandate))
}

/// Beside the four top-level files, whose names no delegated role can have.
fn file_of(role: &str) -> String {
    format!("{}.json", file_name(role))
}
