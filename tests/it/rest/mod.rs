//! The REST door, asked over the network as a client would: a real `netlink serve`, real updates of a product that runs.

mod access;
mod audit;
pub mod authority;
mod described;
mod encrypted;
mod enduring;
pub mod events;
mod from_afar;
mod kept;
mod limits;
mod logging;
mod measures;
mod page;
mod queue;
mod reading;
mod schedule;
pub mod server;
pub mod steering;
pub mod strangers;
mod way_back;

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::{Installation, Publisher};
use server::{API, Server};

/// An installation of `lamp` at `0a1`, with `0b1` and `0r1` to be had.
pub fn lamp(dir: &std::path::Path) -> Installation {
    let publisher = Publisher::with_lamps(&dir.join("publisher"));
    Installation::of_lamp(&dir.join("lamp"), &publisher, "0a1")
}

#[test]
fn only_who_has_the_token_is_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let mode = installation
        .path(".netlink/token")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(server.token.len() >= 32);

    let version = format!("{API}/version");
    let none = server.ask("GET", &version, None, &[], "").problem(401, "NL0701");
    assert_eq!(none.header("www-authenticate"), "Bearer");
    let wrong = server
        .ask("GET", &version, Some("0123456789"), &[], "")
        .problem(401, "NL0701");
    assert_eq!(wrong.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    let basic = [("authorization", "Basic bmV0bGluazpuZXRsaW5r")];
    server.ask("GET", &version, None, &basic, "").problem(401, "NL0701");
    // Before anything is said of the body.
    for path in ["upgrade", "rollback"] {
        let path = format!("{API}/updates/{path}");
        server.ask("POST", &path, None, &[], "{").problem(401, "NL0701");
    }
    let lower = [("authorization", format!("bearer {}", server.token))];
    server
        .ask("GET", &version, None, &[(lower[0].0, &lower[0].1)], "")
        .is(200);
    server.ask("GET", "/health/live", None, &[], "").is(204);

    let token = server.token.clone();
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    assert_eq!(Server::start(&installation).token, token);
    installation.assert_at("0a1");
}

#[test]
fn what_is_wrong_is_said_as_a_problem_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let (upgrade, rollback) = (format!("{API}/updates/upgrade"), format!("{API}/updates/rollback"));

    let unknown = server.upgrade("9r9").problem(422, "NL0102");
    assert!(unknown.body["detail"].as_str().unwrap().contains("0b1"), "{unknown:#?}");
    let malformed = server.upgrade("zero").problem(422, "NL0101");
    assert!(
        malformed.body["detail"].as_str().unwrap().contains("zero"),
        "{malformed:#?}"
    );
    for body in [
        json!({"target_version": "0b1", "fast": true}),
        json!({}),
        json!([]),
        json!({"target_version": 1}),
    ] {
        server.post(&upgrade, &body).problem(400, "NL0703");
    }
    server
        .rollback(&json!({"update_id": "x", "later": 1}))
        .problem(400, "NL0703");
    server
        .rollback(&json!({"update_id": "update_0a1_0b1_20200101_000000"}))
        .problem(404, "NL0406");
    server
        .rollback(&json!({"update_id": "../../etc"}))
        .problem(404, "NL0406");

    let token = Some(server.token.as_str());
    let json_body = [("content-type", "application/json")];
    let text_body = [("content-type", "text/plain")];
    server
        .ask("POST", &upgrade, token, &json_body, "{")
        .problem(400, "NL0703");
    server
        .ask("POST", &upgrade, token, &text_body, "{\"target_version\": \"0b1\"}")
        .problem(415, "NL0703");
    let long = json!({"target_version": "0".repeat(64 << 10)}).to_string();
    server
        .ask("POST", &upgrade, token, &json_body, &long)
        .problem(413, "NL0703");

    server.get("/nothing").problem(404, "NL0702");
    server
        .get(&format!("{API}/updates/status/update_0a1_0b1_20200101_000000"))
        .problem(404, "NL0406");
    server
        .get(&format!("{API}/updates/status/no-such"))
        .problem(404, "NL0406");
    let wrong_way = server.get(&rollback).problem(405, "NL0702");
    assert_eq!(wrong_way.header("allow"), "POST");
    let wrong_way = server
        .post(&format!("{API}/version"), &json!({}))
        .problem(405, "NL0702");
    assert_eq!(wrong_way.header("allow"), "GET, HEAD");
    let head = server.ask("HEAD", &format!("{API}/version"), token, &[], "").is(200);
    assert_eq!(head.text, "");

    let history = installation.run(&["update", "history", "--output", "json"]).ok().json();
    assert_eq!(
        history.as_array().map(Vec::len),
        Some(1),
        "only the installation: {history:#}"
    );
    installation.assert_at("0a1");

    // No fault of the request.
    crate::world::put(&installation.path("config/update.yml"), "helth: {}\n", 0o644);
    let broken = server.get(&format!("{API}/version")).problem(500, "NL0403");
    assert!(broken.body["detail"].as_str().unwrap().contains("helth"), "{broken:#?}");
}

#[test]
fn an_upgrade_goes_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let before = installation.database();
    let server = Server::start(&installation);
    let version = server.get(&format!("{API}/version")).is(200).body;
    assert_eq!(
        (&version["product"], &version["current_version"]),
        (&json!("lamp"), &json!("0a1"))
    );
    let check = server.get(&format!("{API}/updates/check")).is(200).body;
    assert_eq!(check["updates_available"], true);
    assert_eq!(
        (&check["latest_version"], &check["latest_stable"]),
        (&json!("0r1"), &json!("0r1"))
    );

    let dry = json!({"target_version": "0b1", "dry_run": true});
    let plan = server.post(&format!("{API}/updates/upgrade"), &dry).is(200).body;
    assert_eq!(
        (&plan["plan"]["from"], &plan["plan"]["to"]),
        (&json!("0a1"), &json!("0b1"))
    );
    // All that the command line shows, tried all the same.
    let shown = installation
        .run(&["update", "upgrade", "--to", "0b1", "--dry-run", "--output", "json"])
        .ok()
        .json();
    assert_eq!(without_times(&plan), without_times(&shown));
    let sql = plan["schema"][0]["files"][0]["sql"].as_str().unwrap();
    assert!(sql.contains("ALTER TABLE switches"), "{plan:#}");
    let diff = plan["config"][0]["diff"].as_str().unwrap();
    assert!(diff.contains("+brightness"), "{plan:#}");
    assert_eq!(plan["dependencies"], json!([]), "{plan:#}");
    installation.assert_at("0a1");

    let begun = server.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    assert_eq!(
        place,
        format!("{API}/updates/status/{}", begun.body["update_id"].as_str().unwrap())
    );
    let done = server.wait_for(&place, "completed");
    assert_eq!(
        (&done["verb"], &done["from"], &done["to"]),
        (&json!("upgrade"), &json!("0a1"), &json!("0b1"))
    );
    assert_eq!(
        done["accepted_by"],
        format!("{} (first) from 127.0.0.1", &server.token[..12])
    );
    installation.assert_at("0b1");
    assert_ne!(installation.database(), before);

    let again = server.upgrade("0b1").is(200).body;
    assert_eq!(again, json!({"status": "nothing_to_do", "installed": "0b1"}));
    server.upgrade("0a1").problem(422, "NL0104");

    let back = server.rollback(&json!({"update_id": done["update_id"]})).is(202);
    assert_eq!(back.body["verb"], "rollback");
    server.wait_for(back.header("location"), "completed");
    installation.assert_at("0a1");
    assert_eq!(installation.database(), before);
    // What was taken back cannot be taken back twice.
    server
        .rollback(&json!({"update_id": done["update_id"]}))
        .problem(422, "NL0110");

    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    installation.assert_at("0a1");
}

/// Seconds are never the same twice.
fn without_times(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !name.contains("seconds"));
            kept.map(|(name, value)| (name.clone(), without_times(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_times).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_failed_update_is_rolled_back_and_its_status_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    crate::world::put(
        &installation.path("config/update.yml"),
        "health: {timeout: 1s, checks: [{command: [sh, -c, 'test {release} != {root}/releases/0b1']}]}\n",
        0o644,
    );
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let update = server.wait_for(begun.header("location"), "rolled_back");
    assert_eq!(update["failed_step"], "health", "{update:#}");
    assert_eq!(update["failure"]["code"], "NL0316", "{update:#}");
    assert!(matches!(update["failure"]["expected"], Value::String(_)), "{update:#}");
    installation.assert_at("0a1");

    let warned = server.upgrade("0b1").problem(409, "NL0108");
    let detail = warned.body["detail"].as_str().unwrap();
    assert!(detail.contains("`accept_warnings: true` goes on"), "{warned:#?}");
    let forced = json!({"target_version": "0b1", "accept_warnings": true});
    let begun = server.post(&format!("{API}/updates/upgrade"), &forced).is(202);
    server.wait_for(begun.header("location"), "rolled_back");
    installation.assert_at("0a1");
}
