//! Updates that are under way: asked for twice, turned back, left by a server that ends or dies, and taken up by the next.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::lamp;
use super::server::{API, Server};
use crate::world::{Installation, put};

/// Far beyond the patience of a test: who has to wait for that has failed.
pub const FOR_EVER: &str = "health: {timeout: 600s, interval: 50ms, checks: [{command: [sh, -c, \
    'test {release} != {root}/releases/0b1 || test -e {root}/lit']}]}\n";
/// A step that cannot be left before its end.
pub const HOOK: &str = "hooks: {maintenance-enter: [sh, -c, 'touch hook; while ! test -e go; do sleep 0.05; done']}\n";

/// `lamp`, whose `0b1` is healthy only once there is a file `lit`.
pub fn slow_lamp(dir: &std::path::Path) -> Installation {
    let installation = lamp(dir);
    put(&installation.path("config/update.yml"), FOR_EVER, 0o644);
    installation
}

/// To `0b1`, by its command line and Ctrl-C.
pub fn pause_an_upgrade(installation: &Installation) {
    let mut paused = installation.command(&["update", "upgrade", "--to", "0b1", "--yes", "--quiet"]);
    let mut paused = paused.spawn().unwrap();
    wait_until_there(installation, "releases/0b1");
    rustix::process::kill_process(rustix::process::Pid::from_child(&paused), Signal::INT).unwrap();
    assert!(!paused.wait().unwrap().success());
}

/// Waits for a file or folder that an update makes.
#[track_caller]
pub fn wait_until_there(installation: &Installation, path: &str) {
    let began = Instant::now();
    while !installation.path(path).exists() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_update_is_turned_back() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let before = installation.database();
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    server.wait_for_step(&place, "health");
    let back = server.rollback(&json!({})).is(202);
    assert_eq!(back.header("location"), place);
    assert_eq!(back.body["update_id"], begun.body["update_id"]);
    let update = server.wait_for(&place, "rolled_back");
    assert!(update["aborted_by"].is_string(), "{update:#}");
    installation.assert_at("0a1");
    assert_eq!(installation.database(), before);

    fs::write(installation.path("lit"), "").unwrap();
    let again = server.upgrade("0b1");
    server.wait_for(again.is(202).header("location"), "completed");
    installation.assert_at("0b1");
}

#[test]
fn an_update_of_somebody_else_is_not_answered_as_if_it_were_ours() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let mut other = installation.command(&["update", "upgrade", "--to", "0b1", "--yes", "--quiet"]);
    let mut other = other.spawn().unwrap();
    wait_until_there(&installation, "releases/0b1");
    let waits = server.upgrade("0r1").is(202);
    assert_eq!(waits.body["state"], "waiting", "{waits:#?}");
    assert!(
        waits.body["reason"].as_str().unwrap().contains("is running"),
        "{waits:#?}"
    );
    server.rollback(&json!({})).problem(409, "NL0402");
    fs::write(installation.path("lit"), "").unwrap();
    assert!(other.wait().unwrap().success());
    let update = server.wait_for(waits.header("location"), "completed");
    assert_eq!(update["from"], "0b1");
    installation.assert_at("0r1");
}

#[test]
fn a_server_that_ends_pauses_its_update_and_the_next_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), HOOK, 0o644);
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    wait_until_there(&installation, "hook");
    server.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    fs::write(installation.path("go"), "").unwrap();
    let lines = server.all_lines();
    let paused: Vec<&String> = lines.iter().filter(|line| line.contains("[NL0326]")).collect();
    assert!(
        paused.len() == 1 && paused[0].contains("the next server goes on with it"),
        "{lines:#?}"
    );
    assert_eq!(server.ended(), Some(0));
    let update = installation.run(&["update", "status", "--output", "json"]).ok().json()["update"].clone();
    assert_eq!(
        (&update["state"], &update["reason"]),
        (&json!("waiting"), &json!("server_ended")),
        "{update:#}"
    );

    let next = Server::start(&installation);
    next.wait_for(&place, "completed");
    installation.assert_at("0b1");
    next.signal(Signal::TERM);
    let said = next.all_lines().join("\n");
    assert!(
        said.contains("INFO update goes on") && said.contains("INFO update completed"),
        "{said}"
    );
}

#[test]
fn a_server_that_ends_does_not_wait_for_health_and_the_next_one_asks_on() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let mut server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    // More often than a step may die: ends that were asked for do not count.
    for _ in 0..4 {
        server.wait_for_step(&place, "health");
        server.signal(Signal::TERM);
        assert_eq!(server.ended(), Some(0));
        server = Server::start(&installation);
    }
    fs::write(installation.path("lit"), "").unwrap();
    server.wait_for(&place, "completed");
    installation.assert_at("0b1");
}

#[test]
fn an_update_whose_server_was_killed_goes_on_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    server.wait_for_step(&place, "health");
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    let update = installation.run(&["update", "status", "--output", "json"]).ok().json()["update"].clone();
    assert_eq!(update["state"], "died", "{update:#}");

    fs::write(installation.path("lit"), "").unwrap();
    let next = Server::start(&installation);
    next.wait_for(&place, "completed");
    installation.assert_at("0b1");
}

#[test]
fn an_update_that_a_person_paused_waits_for_that_person_and_can_be_turned_back() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    pause_an_upgrade(&installation);
    let server = Server::start(&installation);
    let update = installation.run(&["update", "status", "--output", "json"]).ok().json()["update"].clone();
    assert_eq!(
        (&update["state"], &update["reason"]),
        (&json!("waiting"), &json!("asked")),
        "{update:#}"
    );
    server.upgrade("0r1").problem(409, "NL0407");
    let back = server.rollback(&json!({"update_id": update["update_id"]})).is(202);
    let turned = server.wait_for(back.header("location"), "rolled_back");
    assert_eq!(
        turned["aborted_by"],
        format!("{} (first) from 127.0.0.1", &server.token[..12])
    );
    installation.assert_at("0a1");
}

#[test]
fn a_damaged_release_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let upgrades = format!("{API}/updates/upgrade");
    server.upgrade("0a1").is(200);
    let state = installation.path("releases/0a1/state");
    fs::write(&state, "fi_e\n").unwrap();
    // Of the same size: only who asks for the whole package gets it.
    assert_eq!(server.upgrade("0a1").is(200).body["status"], "nothing_to_do");
    let full = |dry| json!({"target_version": "0a1", "full": true, "dry_run": dry});
    let plan = server.post(&upgrades, &full(true)).is(200);
    assert_eq!(plan.body["plan"]["direction"], "repair", "{:#}", plan.body);
    let begun = server.post(&upgrades, &full(false)).is(202);
    server.wait_for(begun.header("location"), "completed");
    installation.assert_at("0a1");
}
