//! Updates at times that the operator's calendar keeps closed, and the ways round it; graceful ones.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rest::server::Server;
use crate::scene::Scene;
use crate::world::{self, Installation, Lamp, Publisher, Ran, put};

/// Hours of updates, from so many minutes from now to so many; by UTC.
pub fn hours(from: i64, to: i64) -> String {
    let time = |minutes: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes);
        at.strftime("%H:%M").to_string()
    };
    format!("time_zone: UTC, allowed_hours: [\"{}-{}\"]", time(from), time(to))
}

/// Open in two hours for an hour.
pub fn closed_now() -> String {
    hours(120, 180)
}

pub fn policy(installation: &Installation, policy: &str) {
    put(
        &installation.path("config/update.yml"),
        &format!("policy: {{{policy}}}\n"),
        0o644,
    );
}

#[test]
fn outside_the_hours_only_force_begins_and_the_way_back_is_open() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    policy(lamp, &closed_now());
    scene.upgrade().no(
        75,
        &[
            "NL0120",
            "outside the hours of updates",
            "they may again at",
            "--force",
            "--strategy scheduled",
        ],
    );
    scene.assert_untouched();
    // What would do nothing is not held back, and what only shows neither.
    lamp.run(&["update", "upgrade", "--to", "0a1", "--yes"]).ok();
    lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();

    lamp.run(&["update", "upgrade", "--to", "0b1", "--force"]).ok();
    lamp.assert_at("0b1");
    let audit = lamp.run(&["audit", "export"]).ok().out;
    assert!(
        audit.contains("0b1 --force") && audit.contains("failed NL0120"),
        "{audit}"
    );

    lamp.run(&["update", "downgrade", "--to", "0a1", "--yes"])
        .no(75, &["NL0120"]);
    lamp.run(&["update", "rollback", "--yes"]).ok();
    lamp.assert_at("0a1");

    policy(lamp, &hours(-60, 60));
    scene.assert_possible_now();
}

#[test]
fn days_exceptions_and_a_freeze_say_why() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    let all = "blocked_days: [mon, Tuesday, wed, thu, FRI, sat, sun], time_zone: UTC";
    policy(lamp, all);
    scene.upgrade().no(75, &["no updates on a", "not within a year"]);
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let stretch = format!("{today}..{}", today.tomorrow().unwrap());
    let exception = format!("{all}, exceptions: [{{days: {stretch}, open: agreed}}]");
    policy(lamp, &format!("{exception}, freeze: audit until Friday"));
    scene
        .upgrade()
        .no(75, &["updates are frozen: audit until Friday", "policy.freeze"]);
    let frozen = lamp.run(&["update", "check", "--output", "json"]).ok().json();
    let available = frozen["available"].as_array().unwrap();
    assert_eq!(available.len(), 2, "{frozen:#}");
    for one in available {
        let held = one["held"].as_array().unwrap();
        assert!(held.iter().any(|one| one["by"] == "freeze"), "{frozen:#}");
    }
    let text = lamp.run(&["update", "check"]).ok().out;
    let told = text.matches("not now: updates are frozen: audit until Friday").count();
    assert_eq!(told, available.len(), "{text}");
    scene.assert_untouched();
    policy(lamp, &exception);
    let mut frozen = lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    frozen.env("NETLINK_POLICY_FREEZE", "the board meets");
    Ran::of(&frozen.output().unwrap()).no(75, &["the board meets"]);
    scene.assert_possible_now();
}

#[test]
fn what_is_wrong_with_the_policy_is_told_with_its_value_and_what_is_right() {
    let scene = Scene::new();
    for (wrong, said) in [
        (
            "allowed_hours: [\"25:00-26:00\"]",
            "`25:00-26:00` is not hours of a day",
        ),
        ("blocked_days: [freitag]", "`freitag` is not a day of the week"),
        (
            "time_zone: Europe/Entenhausen",
            "`Europe/Entenhausen` is not a time zone",
        ),
        ("exceptions: [{days: 2026-02-30, open: x}]", "`2026-02-30` is no date"),
        ("exceptions: [{days: 2026-02-20}]", "needs either `open` or `closed`"),
        ("freeze: \" \"", "a freeze needs its reason"),
        ("freeze: false", "remove the key to lift it"),
        ("upgrade_strategy: soon", "soon"),
        ("when_missed: later", "later"),
        ("check_interval: 500ms", "at most once a second"),
        ("graceful_timeout: 0s", "policy.graceful_timeout"),
        ("rollback_on_failure: false", "always undone"),
        ("version_constraints: {min_version: q}", "min_version"),
        ("min_version: 0b1", "`policy.min_version` is not a setting"),
    ] {
        policy(&scene.lamp, wrong);
        scene.upgrade().no(2, &["NL0403", said]);
    }
    policy(
        &scene.lamp,
        "version_constraints: {max_version: \"0x\", exclude_versions: [0b1]}",
    );
    scene.upgrade().no(2, &["NL0103", "the policy excludes"]);
}

/// What the journal says that a step has done.
fn note(installation: &Installation, step: &str) -> String {
    let db = rusqlite::Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let mut rows = db.prepare("SELECT event FROM journal ORDER BY seq DESC").unwrap();
    let events: Vec<String> = rows
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let plan: String = db
        .query_row("SELECT plan FROM updates ORDER BY number DESC LIMIT 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let of_kind = |id: &Value| {
        plan["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["id"] == *id && one["kind"] == step)
    };
    let mut events = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
    let event = events.find(|event| event["note"].is_string() && of_kind(&event["step"]));
    event.unwrap()["note"].as_str().unwrap().to_owned()
}

#[test]
fn a_graceful_update_waits_until_the_product_is_quiet() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    policy(
        lamp,
        "graceful_timeout: 5m, quiet: [sh, -c, 'touch asked; test -e quiet']",
    );
    let mut command = lamp.command(&[
        "update",
        "upgrade",
        "--to",
        "0b1",
        "--strategy",
        "graceful",
        "--yes",
        "--quiet",
    ]);
    let mut update = command.spawn().unwrap();
    let began = Instant::now();
    while !lamp.path("asked").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(20));
    }
    let status = lamp.run(&["update", "status", "--output", "json"]).ok().json();
    assert_eq!(status["product"]["version"], "0a1", "it runs on meanwhile: {status:#}");
    assert_eq!(status["update"]["strategy"], "graceful", "{status:#}");
    fs::write(lamp.path("quiet"), "").unwrap();
    assert!(update.wait().unwrap().success());
    lamp.assert_at("0b1");
    assert_eq!(note(lamp, "stop"), "quiet; stopped");
}

#[test]
fn a_product_that_is_never_quiet_is_stopped_at_the_end_of_the_wait_or_turned_back_within() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    policy(
        lamp,
        "upgrade_strategy: graceful, graceful_timeout: 5m, quiet: [sh, -c, 'touch asked; exit 3']",
    );
    let mut command = lamp.command(&["update", "upgrade", "--to", "0b1", "--yes", "--quiet"]);
    let mut update = command.spawn().unwrap();
    let began = Instant::now();
    while !lamp.path("asked").exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&update);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(update.wait().unwrap().code(), Some(3));
    lamp.run(&["update", "rollback"]).ok();
    scene.assert_untouched_but_for_kept();

    policy(
        lamp,
        "upgrade_strategy: graceful, graceful_timeout: 1s, quiet: [\"false\"]",
    );
    scene.upgrade().ok();
    lamp.assert_at("0b1");
    let told = note(lamp, "stop");
    assert!(
        told.starts_with("not quiet within 1 s (exit status: 1); stopped"),
        "{told}"
    );
}

#[test]
fn one_update_may_give_the_product_another_time_to_become_quiet() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    policy(lamp, "graceful_timeout: 5m, quiet: [\"false\"]");
    let go = |verb: &str, to: &str, more: &[&str]| lamp.run(&[&["update", verb, "--to", to, "--yes"], more].concat());
    go("upgrade", "0b1", &["--timeout", "1s"]).no(2, &["NL0122", "graceful"]);
    go("upgrade", "0b1", &["--timeout", "1s", "--strategy", "immediate"]).no(2, &["NL0122"]);
    let graceful = |time| ["--strategy", "graceful", "--timeout", time];
    go("upgrade", "0b1", &graceful("0s")).no(2, &["NL0122"]);
    go("upgrade", "0b1", &graceful("soon")).no(2, &["length of time"]);
    go("upgrade", "0b1", &graceful("1500ms")).no(2, &["whole seconds"]);
    lamp.assert_at("0a1");
    go("upgrade", "0b1", &graceful("1s")).ok();
    assert!(
        note(lamp, "stop").starts_with("not quiet within 1 s "),
        "{}",
        note(lamp, "stop")
    );
    go("downgrade", "0a1", &graceful("2s")).ok();
    assert!(
        note(lamp, "stop").starts_with("not quiet within 2 s "),
        "{}",
        note(lamp, "stop")
    );
    lamp.assert_at("0a1");
    let server = Server::start(lamp);
    let token = lamp.path(".netlink/token");
    let asked = ["--server", server.base(), "--token-file", token.to_str().unwrap()];
    let args = [
        "update",
        "upgrade",
        "--to",
        "0b1",
        "--yes",
        "--strategy",
        "graceful",
        "--timeout",
        "3s",
    ];
    world::run(&[&asked[..], &args].concat()).ok();
    assert!(
        note(lamp, "stop").starts_with("not quiet within 3 s "),
        "{}",
        note(lamp, "stop")
    );
}

#[test]
fn without_a_command_a_graceful_update_gives_the_product_longer_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let slow = publisher.lamp(&Lamp::A1);
    // Its release gives it two seconds.
    let script = "#!/bin/sh\ntrap 'sleep 4; touch \"$(dirname \"$0\")/../../../data/ended\"; exit 0' TERM\nsleep 100000 &\nwait\n";
    put(&slow.join("bin/lamp"), script, 0o755);
    publisher.publish(&slow);
    publisher.publish(&publisher.lamp(&Lamp::B1));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    assert!(!lamp.path("data/ended").exists(), "killed after two seconds");
    lamp.run(&["update", "rollback", "--yes"]).ok();
    policy(&lamp, "graceful_timeout: 60s");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--strategy", "graceful", "--yes"])
        .ok();
    assert!(lamp.path("data/ended").exists());
    lamp.assert_at("0b1");
}
