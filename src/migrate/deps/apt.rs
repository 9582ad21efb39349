//! apt: packages of the operating system. They are for all programs of the machine, so there is no place to make them beside: what is
//! needed to go back is fetched before anything changes, and going back is as good as apt makes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::run::{Call, fixed, text};
use super::{DepsError, Site, said};
use crate::clock::Deadline;
use crate::disk;
use crate::host::Finished;
use crate::release::{AptSpec, DEPENDENCY_STORE, DependencyKind, DependencySpec};

/// Of dpkg: no questions, and what the operator has changed stays.
const KEEP_CONFIGURATION: [&str; 2] = ["--force-confdef", "--force-confold"];

/// One package that apt would put in, or put in another version of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AptChange {
    pub package: String,
    /// None when it is not there yet.
    pub from: Option<String>,
    pub to: String,
}

/// How packages may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moves {
    Up,
    /// To a release that locks older ones.
    AlsoDown,
}

/// What apt would do, by its own simulation. It never removes anything for a release.
pub fn plan(site: &Site<'_>, spec: &AptSpec, moves: Moves, kept: &Path) -> Result<Vec<AptChange>, DepsError> {
    let wanted = wanted(spec, moves, kept);
    let call = call(site, spec, &[&["--simulate", "install"], options(moves)], &wanted);
    let finished = call.run_to_read(site)?;
    if finished.status.success() {
        return Ok(finished.stdout.lines().filter_map(change).collect());
    }
    let conflicts = said::of_apt(&finished.stdout);
    let kind = DependencyKind::Apt;
    Err(match conflicts.is_empty() {
        true => call.failed(&finished),
        false => DepsError::Conflict { kind, conflicts },
    })
}

/// Where the packages lie that lead back to a release.
pub fn kept_for(tree: &Path, spec: &DependencySpec) -> PathBuf {
    tree.join(DEPENDENCY_STORE).join(spec.name())
}

/// Fetches what is to be put in, and into `kept` what is there now. Gives the names of those that no source has any more.
pub fn fetch(
    site: &Site<'_>,
    spec: &AptSpec,
    (moves, kept_before): (Moves, &Path),
    kept: &Path,
    changes: &[AptChange],
) -> Result<Vec<String>, DepsError> {
    let wanted = wanted(spec, moves, kept_before);
    call(site, spec, &[&["--download-only", "install"], options(moves)], &wanted).ok(site)?;
    disk::create_dir_all(kept)?;
    let mut lost = Vec::new();
    for AptChange { package, from, .. } in changes {
        let Some(from) = from else { continue };
        let one = [format!("{package}={from}")];
        let mut download = call(site, spec, &[&["download"]], &one);
        download.dir = kept;
        let finished = download.run(site)?;
        match finished.status.success() {
            true => {}
            // A source has it and does not give it: a line that is cut, a list that is out of date. That can be mended beforehand.
            false if finished.stderr.contains("Failed to fetch") => return Err(download.failed(&finished)),
            false => lost.push(package.clone()),
        }
    }
    disk::sync_filesystem(kept)?;
    Ok(lost)
}

/// Configuration files that the operator has changed stay. Repeatable: what was cut off is ended first.
pub fn apply(site: &Site<'_>, spec: &AptSpec, moves: Moves, kept: &Path) -> Result<(), DepsError> {
    configure_pending(site, spec)?;
    fix_broken(site, spec)?;
    let wanted = wanted(spec, moves, kept);
    call(site, spec, &[&["install"], options(moves)], &wanted)
        .ok_at_its_own_end(site)
        .map(drop)
}

/// As good as it goes: in one go what was replaced comes from where it was kept, and what was new goes, unless something else needs
/// it by now. Repeatable.
pub fn restore(site: &Site<'_>, spec: &AptSpec, kept: &Path, changes: &[AptChange]) -> Result<(), DepsError> {
    // What cannot be mended, such as a package whose own script fails or does not end, is replaced or removed below.
    match configure_pending(site, spec) {
        Ok(()) => drop(fix_broken(site, spec)),
        Err(error) if error.was_asked_to_end() => drop(settle_records(site, spec)),
        Err(error) => return Err(error),
    }
    let old: Vec<String> = archives(kept)
        .into_iter()
        .filter(|file| {
            let is_of = |change: &AptChange| change.from.is_some() && belongs(file, &change.package);
            changes.iter().any(is_of)
        })
        .map(|file| text(&file))
        .collect();
    let new = changes.iter().filter(|one| one.from.is_none());
    let gone: Vec<String> = new.map(|one| format!("{}-", one.package)).collect();
    let both = [old.clone(), gone].concat();
    if both.is_empty() {
        return Ok(());
    }
    if takes_others_along(site, spec, &both, changes)? {
        return match old.is_empty() {
            true => Ok(()),
            false => call(site, spec, &[&["install"], options(Moves::AlsoDown)], &old)
                .ok_at_its_own_end(site)
                .map(drop),
        };
    }
    call(site, spec, &[&["install", "--allow-downgrades"]], &both)
        .ok_at_its_own_end(site)
        .map(drop)
}

/// Whether something would be removed that did not come with the release.
fn takes_others_along(
    site: &Site<'_>,
    spec: &AptSpec,
    both: &[String],
    changes: &[AptChange],
) -> Result<bool, DepsError> {
    let simulated = call(site, spec, &[&["--simulate", "install", "--allow-downgrades"]], both).run_to_read(site)?;
    let came = |name: &str| changes.iter().any(|one| one.from.is_none() && one.package == name);
    let removed = simulated.stdout.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("Remv ")?.split_once(' ')?;
        Some(name)
    });
    Ok(!simulated.status.success() || removed.into_iter().any(|name| !came(name)))
}

/// What is not there in the version that the release names.
pub fn verify(site: &Site<'_>, spec: &AptSpec) -> Result<Vec<String>, DepsError> {
    let changes = plan(site, spec, Moves::AlsoDown, Path::new("/nowhere"))?;
    let named = |change: &&AptChange| {
        spec.packages
            .iter()
            .any(|one| one.split('=').next() == Some(&change.package))
    };
    let wrong = changes.iter().filter(named).map(|change| match &change.from {
        None => format!("{} is not installed", change.package),
        Some(from) => format!("{} is {from}, wanted is {}", change.package, change.to),
    });
    Ok(wrong.collect())
}

/// Between two looks at whether another program still installs packages.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What a killed dpkg has left is ended by dpkg itself: until then apt refuses to work. An apt that outlived an earlier run is waited
/// for here. What cannot be configured yet, for want of another package, is left to apt.
fn configure_pending(site: &Site<'_>, spec: &AptSpec) -> Result<(), DepsError> {
    let deadline = Deadline::after(site.tools.apt_lock_wait);
    let call = dpkg(site, spec, &["--configure", "--pending"]);
    loop {
        let finished = call.run_to_its_own_end(site)?;
        let is_locked = finished.stderr.contains("lock") && finished.stderr.contains("another process");
        if finished.status.success() || !is_locked {
            return Ok(());
        }
        if deadline.has_passed() {
            return Err(call.failed(&finished));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What a dpkg that was cut off has noted is taken into its records, as apt wants it, and no package is configured.
fn settle_records(site: &Site<'_>, spec: &AptSpec) -> Result<Finished, DepsError> {
    dpkg(site, spec, &["--triggers-only", "--pending"]).run_to_its_own_end(site)
}

fn dpkg<'a>(site: &Site<'a>, spec: &AptSpec, words: &[&str]) -> Call<'a> {
    let argv = [site.tools.dpkg.clone()]
        .into_iter()
        .chain(KEEP_CONFIGURATION.map(str::to_owned))
        .chain(dpkg_options(&site.tools.apt_options))
        .chain(words.iter().map(|word| (*word).to_owned()));
    Call {
        argv: argv.collect(),
        ..call(site, spec, &[], &[])
    }
}

/// Packages that want another one get it.
fn fix_broken(site: &Site<'_>, spec: &AptSpec) -> Result<Finished, DepsError> {
    call(site, spec, &[&["--fix-broken", "--no-remove", "install"]], &[]).ok_at_its_own_end(site)
}

/// Options that apt is told to give to dpkg.
fn dpkg_options(apt_options: &[String]) -> Vec<String> {
    let of = |option: &String| {
        let option = option.trim_start_matches("--option=").trim_start_matches("-o");
        let (name, value) = option.split_once("::=")?;
        name.eq_ignore_ascii_case("dpkg::options").then(|| value.to_owned())
    };
    apt_options.iter().filter_map(of).collect()
}

fn options(moves: Moves) -> &'static [&'static str] {
    match moves {
        Moves::Up => &["--no-remove"],
        Moves::AlsoDown => &["--no-remove", "--allow-downgrades"],
    }
}

/// What is kept of an older package is taken for it: sources forget it.
fn wanted(spec: &AptSpec, moves: Moves, kept: &Path) -> Vec<String> {
    let kept = if moves == Moves::AlsoDown {
        archives(kept)
    } else {
        Vec::new()
    };
    let one = |package: &String| {
        let (name, version) = package.split_once('=').unwrap_or((package, ""));
        let is_it = |file: &&PathBuf| belongs(file, name) && holds(file, version);
        kept.iter()
            .find(is_it)
            .map_or_else(|| package.clone(), |file| text(file))
    };
    spec.packages.iter().map(one).collect()
}

fn archives(kept: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(kept).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "deb"));
    files.sort();
    files
}

/// `name_version_architecture.deb`.
fn belongs(file: &Path, package: &str) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let package = package.split(':').next().unwrap_or_default();
    name.strip_prefix(package).is_some_and(|rest| rest.starts_with('_'))
}

fn holds(file: &Path, version: &str) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let written = version.replace(':', "%3a");
    version.is_empty() || name.split('_').nth(1) == Some(&written)
}

fn call<'a>(site: &Site<'a>, spec: &AptSpec, words: &[&[&str]], wanted: &[String]) -> Call<'a> {
    let mut argv = vec![site.tools.apt_get.clone()];
    let wait = format!("DPkg::Lock::Timeout={}", site.tools.apt_lock_wait.as_secs());
    let keep = KEEP_CONFIGURATION.map(|option| format!("Dpkg::Options::={option}"));
    // In one process group, so that all of it is asked to end at its limit.
    let own = keep.into_iter().chain([wait, "Dpkg::Use-Pty=0".to_owned()]);
    argv.extend(own.flat_map(|option| ["-o".to_owned(), option]));
    argv.extend(site.tools.apt_options.clone());
    argv.extend(["--yes", "--no-install-recommends"].map(str::to_owned));
    argv.extend(
        words
            .iter()
            .flat_map(|words| words.iter())
            .map(|word| (*word).to_owned()),
    );
    argv.extend_from_slice(wanted);
    Call {
        kind: DependencyKind::Apt,
        argv,
        dir: site.root,
        env: fixed(&[("DEBIAN_FRONTEND", "noninteractive"), ("LC_ALL", "C")]),
        limit: spec.timeout,
    }
}

/// `Inst jq [1.6-2] (1.7-1 Debian:13 [amd64])`; without brackets before the parenthesis it is new.
fn change(line: &str) -> Option<AptChange> {
    let (package, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    let (before, after) = rest.split_once('(')?;
    let from = before.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    Some(AptChange {
        package: package.to_owned(),
        from: from.map(str::to_owned),
        to: after.split([' ', ')']).next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_would_do_is_read_from_its_simulation() {
        let of = |line| change(line).map(|one| (one.package, one.from, one.to));
        let owned = |package: &str, from: Option<&str>, to: &str| {
            Some((package.to_owned(), from.map(str::to_owned), to.to_owned()))
        };
        assert_eq!(
            of("Inst jq [1.6-2] (1.7-1 Debian:13 [amd64])"),
            owned("jq", Some("1.6-2"), "1.7-1")
        );
        assert_eq!(
            of("Inst libonig5:i386 (6.9 localhost [i386]) []"),
            owned("libonig5:i386", None, "6.9")
        );
        assert_eq!(of("Conf jq (1.7-1 Debian:13 [amd64])"), None);
        assert!(belongs(Path::new("/x/jq_1.7-1_amd64.deb"), "jq") && !belongs(Path::new("/x/jqp_1_all.deb"), "jq"));
        let given = [
            "-o",
            "Acquire::Retries=3",
            "-o",
            "DPkg::Options::=--root=/x",
            "-oDpkg::Options::=--y",
        ];
        assert_eq!(dpkg_options(&given.map(str::to_owned)), ["--root=/x", "--y"]);
        assert!(holds(Path::new("a_1%3a2-3_all.deb"), "1:2-3") && !holds(Path::new("a_12_all.deb"), "1"));
    }
}
