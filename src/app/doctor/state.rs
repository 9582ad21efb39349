//! What the installation says of itself.

use super::super::configuration::problems;
use super::super::{Installation, Running, StatusView, status, verify};
use super::{Findings, Verdict, all, or_well};
use crate::release::counted;

pub fn settings(installation: &Installation) -> Findings {
    let found = all(Verdict::Wrong, problems(&installation.layout, &installation.settings));
    Ok(or_well(found, || {
        "all keys are known; the certificate, secrets, user, mirrors and tools that they name can be used".into()
    }))
}

pub fn state(installation: &Installation) -> Findings {
    let path = installation.layout.store();
    let damaged = installation.store.damage()?.map(|what| {
        let remedy = "put the state back from a backup of this machine";
        format!("{} is damaged: {what}; {remedy}", path.display())
    });
    Ok(or_well(all(Verdict::Wrong, damaged), || {
        "NetLink's own database is whole".into()
    }))
}

pub fn release(installation: &Installation) -> Findings {
    let seen = verify(installation)?;
    let mut found = all(Verdict::Wrong, seen.differences);
    let changes = [
        (seen.changed, "changed"),
        (seen.missing, "missing"),
        (seen.extra, "not of it"),
    ];
    for (files, how) in changes.iter().filter(|(files, _)| !files.is_empty()) {
        let first = files.first().map_or("", String::as_str);
        let text = format!(
            "{} {how}, the first is {first}; `netlink update verify` lists them",
            counted(files.len(), "file")
        );
        found.push((Verdict::Wrong, text));
    }
    Ok(or_well(found, || match &seen.version {
        Some(version) => format!("{version} is what its publisher signed, file by file"),
        None => "nothing is installed yet".into(),
    }))
}

pub fn updates(installation: &Installation) -> Findings {
    let seen = status(installation, None)?;
    let mut found = unfinished(&seen);
    if !seen.migrations_left.is_empty() {
        let left = counted(seen.migrations_left.len(), "migration");
        found.push((
            Verdict::Warning,
            format!("{left} of the database left; `netlink schema migrate` runs them"),
        ));
    }
    for extension in &seen.disabled_extensions {
        let text = format!(
            "the extension {} stays off until a release supports it again",
            extension.name
        );
        found.push((Verdict::Warning, text));
    }
    if !seen.refused.is_empty() {
        let refused = counted(seen.refused.len(), "update");
        let text = format!(
            "{refused} of the last day would have begun by the clock and could not; `netlink update status` says why"
        );
        found.push((Verdict::Warning, text));
    }
    found.extend(all(Verdict::Warning, seen.left_beside.clone()));
    if seen.maintenance && seen.update.as_ref().is_none_or(|update| update.finished_at.is_some()) {
        let text = "maintenance mode is on; `netlink maintenance off` ends it".to_owned();
        found.push((Verdict::Warning, text));
    }
    Ok(or_well(found, || "none is unfinished".into()))
}

fn unfinished(seen: &StatusView) -> Vec<(Verdict, String)> {
    let Some(update) = &seen.update else { return Vec::new() };
    let id = &update.update_id;
    let found = match &update.running {
        Running::Died => Some((
            Verdict::Wrong,
            format!("{id} is not finished and nobody is at it; `netlink update resume` finishes or undoes it"),
        )),
        Running::Waiting { .. } => Some((
            Verdict::Warning,
            format!("{id} waits for a person; `netlink update status` says for what"),
        )),
        Running::Running { .. } => Some((Verdict::Ok, format!("{id} is at work"))),
        Running::Finished { .. } => None,
    };
    found.into_iter().collect()
}
