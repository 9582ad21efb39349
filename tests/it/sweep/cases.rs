//! What is swept.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::scenario::{Scenario, State};
use super::{Effect, MUTATING, Point, end, numbered, points, sweep, sweep_at};
use crate::world::{Installation, Publisher, Ran, netlink, put};

pub(super) fn upgrade() -> Scenario {
    Scenario::new(&["update", "upgrade", "--to", "0b1", "--yes"], &[])
}

/// The upgrade by a patch, or back to the whole package because the repository has lost the patch.
fn patched(is_there: bool) -> Scenario {
    let publish = |publisher: &Publisher| {
        publisher.patch("0a1", "0b1").ok();
        let folder = fs::read_dir(publisher.dir.join("repo/targets/lamp/0b1")).unwrap();
        for path in folder.map(|entry| entry.unwrap().path()) {
            if !is_there && path.to_str().unwrap().ends_with(".patch") {
                fs::remove_file(path).unwrap();
            }
        }
    };
    let args = ["update", "upgrade", "--to", "0b1", "--yes"];
    let mut patched = Scenario::with(&args, &[], publish, |_| ());
    let said = patched.fresh().run(&patched.args).ok().err;
    let way = if is_there {
        "by a patch of"
    } else {
        "of the whole package"
    };
    assert!(said.contains(way), "{said}");
    // Once the release is in its place, nothing remembers how it came.
    patched.until = Some("/releases/0b1");
    patched
}

/// Until its health check it is the upgrade, so only what comes then is visited.
pub(super) fn failing() -> Scenario {
    let mut failing = Scenario::new(&["update", "upgrade", "--to", "0b2", "--yes"], &[]);
    failing.begins_like = Some(Box::new(upgrade()));
    failing
}

/// Of a release with another program of the same size and a file too many, which is what the health check asks for if the
/// repair is to fail. Around the exchange, and from there to the end of one that fails; the rest is an upgrade.
fn repair(fails: bool) -> Scenario {
    let args = ["update", "upgrade", "--to", "0a1", "--full", "--yes"];
    let spoil = |work: &Installation| {
        let program = work.text("releases/0a1/bin/lamp").replace("lamp at", "LAMP AT");
        put(&work.path("releases/0a1/bin/lamp"), &program, 0o755);
        put(&work.path("releases/0a1/mark"), "", 0o644);
        let check = if fails {
            ", checks: [{command: [test, -e, '{release}/mark']}]"
        } else {
            ""
        };
        let settings = format!("health: {{timeout: 150ms, interval: 30ms{check}}}\n");
        put(&work.path("config/update.yml"), &settings, 0o644);
    };
    let mut repair = Scenario::with(&args, &[], |_| (), spoil);
    assert_eq!(repair.old.release == repair.new.release, fails);
    repair.begins_damaged = true;
    (repair.since, repair.until) = match fails {
        false => (Some("renameat2("), Some("renameat2(")),
        true => (Some("renameat2("), None),
    };
    repair
}

pub(super) fn rollback() -> Scenario {
    Scenario::new(
        &["update", "rollback", "--yes"],
        &[&["update", "upgrade", "--to", "0b1", "--yes"]],
    )
}

/// Fetched anew in the place of what is kept of an earlier update, and undone by a hook that fails.
fn replacing() -> Scenario {
    let upgrade = ["update", "upgrade", "--to", "0b1", "--yes"];
    let mut replacing = Scenario::new(
        &["update", "upgrade", "--to", "0b1", "--full", "--yes"],
        &[&upgrade, &["update", "rollback", "--yes"]],
    );
    put(
        &replacing.dir.path().join("template/config/update.yml"),
        "health: {timeout: 150ms, interval: 30ms}\nhooks: {validate: [/bin/false]}\n",
        0o644,
    );
    let work = replacing.fresh();
    replacing.old = State::of(&work);
    work.run(&replacing.args).no(1, &["/bin/false"]);
    replacing.new = State::of(&work);
    assert!(replacing.old.files.contains("releases/0b1/state"), "it is kept");
    replacing
}

/// The calls that touch the place of the release and what waits for it aside, there and back, and those beside them.
fn around_the_kept(scenario: &Scenario) -> Vec<Point> {
    let calls = scenario.calls(MUTATING, None);
    let calls = calls.iter().map(String::as_str).filter(|line| !line.starts_with("---"));
    let all = numbered(calls);
    let touches = |(_, line): &(Point, &str)| line.contains("/releases/0b1") || line.contains("-kept");
    let touching = (0..all.len()).filter(|at| touches(&all[*at]));
    let around: BTreeSet<usize> = touching.flat_map(|at| at - 3..=at + 3).collect();
    around.into_iter().map(|at| all[at].0.clone()).collect()
}

#[test]
fn a_kept_release_is_replaced_and_put_back_whatever_call_is_disturbed() {
    let scenario = replacing();
    let points = around_the_kept(&scenario);
    for (effect, what) in [(Effect::Kill, "kill, replacing"), (Effect::Fail, "error, replacing")] {
        sweep_at(&points, &scenario, what, effect, None);
    }
}

#[test]
fn killed_at_every_call_of_an_upgrade() {
    sweep(&upgrade(), "kill, upgrade", Effect::Kill, None);
}

#[test]
fn killed_at_every_call_of_an_upgrade_by_a_patch() {
    sweep(&patched(true), "kill, upgrade by a patch", Effect::Kill, None);
    sweep(&patched(false), "kill, upgrade without its patch", Effect::Kill, None);
}

#[test]
fn every_call_of_an_upgrade_by_a_patch_fails() {
    sweep(&patched(true), "error, upgrade by a patch", Effect::Fail, None);
}

#[test]
fn killed_at_every_call_of_a_repair() {
    sweep(&repair(false), "kill, repair", Effect::Kill, None);
    sweep(&repair(true), "kill, failing repair", Effect::Kill, None);
}

#[test]
fn every_call_of_a_repair_fails() {
    sweep(&repair(false), "error, repair", Effect::Fail, None);
}

/// There the exchange takes three renames, and in between no release is in place.
#[test]
fn killed_at_every_rename_of_a_repair_where_names_cannot_be_exchanged() {
    let cannot = "inject=renameat2:error=EINVAL";
    for scenario in [repair(false), repair(true)] {
        let mut broke = Vec::new();
        let mut visited = 0;
        for number in 1.. {
            let work = scenario.fresh();
            let kill = format!("inject=rename:signal=KILL:when={number}");
            let mut command = Command::new("strace");
            command.args(["-qq", "-o", "/dev/null", "-e", "trace=rename,renameat2"]);
            command.args(["-e", cannot, "-e", &kill, "--"]);
            command
                .arg(netlink())
                .arg("--root")
                .arg(&work.root)
                .args(&scenario.args);
            let ran = Ran::of(&command.stdin(std::process::Stdio::null()).output().unwrap());
            if ran.code == -1 {
                visited += 1;
                let resumed = work.run(&["update", "resume"]);
                let code = if resumed.out.contains("nothing to do") {
                    1
                } else {
                    resumed.code
                };
                let wrong = scenario.differs(&work, code);
                broke.extend(wrong.map(|wrong| format!("rename {number}: {wrong}; {resumed}")));
            }
            end(work, &mut broke);
            if ran.code != -1 {
                break;
            }
        }
        assert!(
            visited > 10 && broke.is_empty(),
            "{visited} visited: {}",
            broke.join("\n\n")
        );
    }
}

#[test]
fn killed_at_every_call_of_an_upgrade_that_fails() {
    sweep(&failing(), "kill, failing upgrade", Effect::Kill, None);
}

#[test]
fn killed_at_every_call_of_a_rollback() {
    sweep(&rollback(), "kill, rollback", Effect::Kill, None);
}

#[test]
fn every_call_of_an_upgrade_fails() {
    sweep(&upgrade(), "error, upgrade", Effect::Fail, None);
}

#[test]
fn every_call_of_an_upgrade_that_fails_anyway_fails() {
    sweep(&failing(), "error, failing upgrade", Effect::Fail, None);
}

#[test]
fn every_call_of_a_rollback_fails() {
    sweep(&rollback(), "error, rollback", Effect::Fail, None);
}

#[test]
fn killed_three_times_in_a_row() {
    let mut broke = Vec::new();
    let mut visited = 0;
    for (scenario, salt) in [(upgrade(), 1), (failing(), 2), (rollback(), 3)] {
        let all = points(&scenario, Effect::Fail);
        let mut random = salt;
        for _ in 0..20 {
            let work = scenario.fresh();
            let mut numbers = Vec::new();
            let mut ran = None;
            for args in [&scenario.args[..], &["update", "resume"], &["update", "resume"]] {
                random = next(random);
                let (call, number) = &all[random % all.len()];
                numbers.push((call, number));
                ran = Some(scenario.run(&work, args, (call, &format!("signal=KILL:when={number}")), None));
                if ran.as_ref().is_some_and(|ran| ran.code != -1) {
                    break;
                }
            }
            visited += 1;
            if let Some(wrong) = ran.and_then(|ran| scenario.broken(&work, &ran)) {
                broke.push(format!("killed at {numbers:?}: {wrong}"));
            }
            end(work, &mut broke);
        }
    }
    println!("three kills in a row: {visited} rows visited, {} broke", broke.len());
    assert!(broke.is_empty(), "{}", broke.join("\n\n"));
}

/// Numerical Recipes' linear congruence: the same rows in every run.
fn next(random: usize) -> usize {
    random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) % (1 << 32)
}

#[test]
fn results_journaled_before_the_work_is_done_are_found() {
    let found = sweep(
        &upgrade(),
        "seeded: result before work",
        Effect::Kill,
        Some("result-before-work"),
    );
    assert!(found > 0, "the sweep did not find a fault that is there");
}
