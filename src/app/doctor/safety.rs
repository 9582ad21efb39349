//! What carries the next update and the way back from it: releases, backups, the audit, and who is told.

use jiff::{SignedDuration, Timestamp};

use super::super::measures::{first_expiry, given_up};
use super::super::{CheckView, Installation, check, list_backups, verify_audit};
use super::{Findings, Verdict, all, or_well};
use crate::backup::{self, Listed, State};
use crate::clock;
use crate::release::counted;
use crate::store::Fact;

/// A repository whose metadata ends so soon is one that its publisher should have renewed.
const SOON: SignedDuration = SignedDuration::from_hours(24);
/// A backup that nobody has restored for practice for so long is a hope.
const DRILLS: SignedDuration = SignedDuration::from_hours(24 * 90);

/// So long a checkpoint may be on its way.
const COPYING: SignedDuration = SignedDuration::from_mins(2);

pub fn repository(installation: &Installation) -> Findings {
    if installation.store.fact(Fact::Repository)?.is_none() {
        let text = "none is named, so that nothing newer is found; `netlink init --repository URL --root-metadata FILE` names one";
        return Ok(vec![(Verdict::Warning, text.into())]);
    }
    let seen = check(installation)?;
    let mut found = all(Verdict::Warning, seen.notes.clone());
    let expires = first_expiry(&installation.layout);
    if let Some(at) = expires.filter(|at| at.duration_since(clock::now()) < SOON) {
        let text = format!("its metadata expires at {at:.0}; its publisher must renew it");
        found.push((Verdict::Warning, text));
    }
    Ok(or_well(found, || answered(&seen)))
}

fn answered(seen: &CheckView) -> String {
    match &seen.latest_version {
        Some(version) => format!("it answers and is trusted; {version} is available"),
        None => "it answers and is trusted; nothing newer is there".into(),
    }
}

pub fn backups(installation: &Installation) -> Findings {
    let all_listed = list_backups(installation, None)?;
    let Some(newest) = all_listed.first() else {
        let text = "there is none yet; `netlink backup create` makes one".to_owned();
        return Ok(vec![(Verdict::Warning, text)]);
    };
    let mut found = Vec::new();
    match &newest.state {
        State::Whole(_) => {}
        State::Failed(_) => found.push((
            Verdict::Warning,
            format!("the newest, {}, failed; `netlink backup list` says why", newest.id),
        )),
        State::Damaged(why) => found.push((Verdict::Wrong, format!("{} cannot be read: {why}", newest.id))),
    }
    match all_listed.iter().filter_map(Listed::record).next() {
        None => found.push((
            Verdict::Wrong,
            "none is whole; `netlink backup create` makes one".into(),
        )),
        Some(record) => {
            let last = all_listed
                .iter()
                .filter_map(|one| one.drilled.as_ref())
                .map(|one| one.at);
            found.extend(practised(record, last.max()));
        }
    }
    let whole = all_listed.iter().filter(|one| one.record().is_some()).count();
    Ok(or_well(found, || {
        let newest = newest
            .record()
            .map(|record| format!(", the newest of {:.0}", record.created));
        format!("{}{}", counted(whole, "whole backup"), newest.unwrap_or_default())
    }))
}

fn practised(record: &backup::Record, last: Option<Timestamp>) -> Option<(Verdict, String)> {
    let remedy = format!("`netlink backup drill {}` does that beside everything", record.id);
    let text = match last {
        Some(at) if clock::now().duration_since(at) < DRILLS => return None,
        Some(at) => format!("none was restored for practice since {at:.0}; {remedy}"),
        None => format!("none was ever restored for practice; {remedy}"),
    };
    Some((Verdict::Warning, text))
}

pub fn audit(installation: &Installation) -> Findings {
    let seen = verify_audit(installation, None, None)?;
    let found = all(Verdict::Wrong, seen.problems);
    let mut found = or_well(found, || format!("{} in one chain", counted(seen.rows, "row")));
    if let Some(waits) = installation.store.audit_checkpoint_to_copy()?
        && installation.settings.audit.copy_to.is_some()
        && clock::now().duration_since(waits.time) > COPYING
    {
        let text = format!(
            "the checkpoint of {:.0} has not reached `audit.copy_to`; the server's log says why",
            waits.time
        );
        found.push((Verdict::Warning, text));
    }
    if installation.settings.audit.copy_to.is_none() {
        let text = "its checkpoints stay on this machine, where root could rewrite them with it; `audit.copy_to` sends them elsewhere";
        found.push((Verdict::Warning, text.into()));
    }
    Ok(found)
}

pub fn notices(installation: &Installation) -> Findings {
    let found = all(Verdict::Warning, given_up(installation)?);
    let receivers = installation.store.subscribers().all.len();
    Ok(or_well(found, || match receivers {
        0 => "nobody is told; `notifications` of the settings names whom".into(),
        some => format!(
            "all that were sent to {} arrived or are on their way",
            counted(some, "receiver")
        ),
    }))
}
