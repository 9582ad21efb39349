//! What there is to go to, why each release is not taken now, and when it would be.

use std::fmt::Write;

use jiff::tz::TimeZone;

use super::args::Global;
use super::asked::asked;
use super::output::{Failed, Result, bold, bytes, dim, harmless, result, yellow};
use super::status::or_nothing;
use crate::app::{Available, CheckView, Held, HeldBy};
use crate::plan::local;
use crate::version::Version;

/// With `--exit-code`: an update is available.
const AVAILABLE: u8 = 10;

pub fn check(global: &Global, exit_code: bool) -> Result<()> {
    let view = asked(global)?.check()?;
    result(global, &view, check_text)?;
    if exit_code && view.updates_available {
        return Err(Failed::Exit(AVAILABLE));
    }
    Ok(())
}

fn check_text(view: &CheckView) -> String {
    // A zone without a name is that of the machine, which may be another one; the times show which it was.
    let zone = TimeZone::get(&view.time_zone).unwrap_or_else(|_| TimeZone::system());
    let all = || view.available.iter().flat_map(|release| &release.held);
    let never = all().find(|held| held.by == HeldBy::AutoUpgrade);
    let mut out = format!("installed  {}\n", or_nothing(view.current_version.as_ref()));
    for release in &view.available {
        out += &release_text(release, &zone, never.is_none());
    }
    if let Some(never) = never {
        let _ = writeln!(out, "by itself  {}", dim(&harmless(&never.message)));
    }
    out += &advice(view, &zone);
    for note in &view.notes {
        let _ = write!(out, "\n{} {}", yellow("note"), harmless(note));
    }
    out
}

fn release_text(release: &Available, zone: &TimeZone, auto: bool) -> String {
    let size = match (&release.withdrawn, release.download_bytes) {
        (Some(reason), _) => harmless(reason).to_string(),
        (None, None) => "not for this platform".to_owned(),
        (None, Some(length)) => bytes(length),
    };
    let date = release
        .released_at
        .map(|at| at.strftime("%Y-%m-%d").to_string())
        .unwrap_or_default();
    let mut out = format!(
        "available  {:<8} {:<8} {date} {}\n",
        bold(&release.version.to_string()),
        release.channel,
        dim(&size)
    );
    let mut tell = |told: &str| {
        let _ = writeln!(out, "           {}", dim(&harmless(told)));
    };
    release
        .held
        .iter()
        .filter_map(|held| told(release, held, auto))
        .for_each(|held| tell(&held));
    match release.taken_at {
        Some(at) => tell(&format!("taken by itself at {}", local(zone, at))),
        None if release.held.is_empty() => tell("taken by itself at the server's next look"),
        None => {}
    }
    out
}

/// No time opens a way to it.
fn is_out_of_reach(held: &Held) -> bool {
    matches!(
        held.by,
        HeldBy::Yanked | HeldBy::Platform | HeldBy::Policy | HeldBy::NoWay
    )
}

/// None for what is said elsewhere or makes no difference; `auto` says whether anything is taken by itself at all.
fn told(release: &Available, held: &Held, auto: bool) -> Option<String> {
    match held.by {
        HeldBy::Calendar | HeldBy::Freeze if release.held.iter().any(is_out_of_reach) => None,
        HeldBy::Yanked | HeldBy::AutoUpgrade => None,
        HeldBy::Newer if !auto => None,
        HeldBy::Calendar | HeldBy::Freeze | HeldBy::Rollout => Some(format!("not now: {}", held.message)),
        HeldBy::Newer | HeldBy::NewerFailed | HeldBy::FailedBefore | HeldBy::Warning | HeldBy::Consent => {
            Some(format!("not by itself: {}", held.message))
        }
        _ => Some(held.message.clone()),
    }
}

/// What a person may do now that is not refused.
fn advice(view: &CheckView, zone: &TimeZone) -> String {
    let Some((chosen, ways)) = goals(view) else {
        return match view.available.is_empty() {
            true => "nothing newer to install".to_owned(),
            false => "nothing to go to now".to_owned(),
        };
    };
    let held = |by: &[HeldBy]| chosen.held.iter().find(|held| by.contains(&held.by));
    if held(&[HeldBy::Extensions]).is_some() {
        let version = &chosen.version;
        return format!("extensions are in the way: `netlink update plan --to {version}` tells which");
    }
    let told = |more: &str| {
        let way = |(goal, version): &(String, &Version)| format!("`netlink update upgrade {goal}{more}` ({version})");
        ways.iter().map(way).collect::<Vec<_>>().join(" or ")
    };
    match held(&[HeldBy::Calendar, HeldBy::Freeze]) {
        None => format!("go there with {}", told("")),
        Some(Held { until: Some(at), .. }) => {
            let begins = local(zone, *at);
            format!("have it begin at {begins} with {}", told(" --strategy scheduled"))
        }
        Some(_) => format!("updates may not begin now; once they may, go there with {}", told("")),
    }
}

/// The highest release that one comes to, and by which words; the stable one by its own.
fn goals(view: &CheckView) -> Option<(&Available, Vec<(String, &Version)>)> {
    let find = |version: &Version| view.available.iter().find(|one| one.version == *version);
    let Some(latest) = &view.latest_version else {
        // Where no way leads to the highest, one may lead to another, by its name.
        let is_free = |one: &&Available| one.held.iter().all(|held| is_of_all(held.by));
        let chosen = view.available.iter().rev().find(is_free)?;
        return Some((chosen, vec![(format!("--to {}", chosen.version), &chosen.version)]));
    };
    let mut ways = Vec::new();
    if view.latest_stable.as_ref() != Some(latest) {
        ways.push(("--latest".to_owned(), latest));
    }
    ways.extend(view.latest_stable.iter().map(|stable| ("--stable".to_owned(), stable)));
    Some((find(latest)?, ways))
}

/// What holds back all releases alike.
fn is_of_all(by: HeldBy) -> bool {
    matches!(by, HeldBy::AutoUpgrade | HeldBy::Calendar | HeldBy::Freeze)
}
