//! A rollback that names no update goes back from the last one, or says why it does not: from no other, and never up again.

use serde_json::json;

use super::from_afar::there;
use super::lamp;
use super::server::{API, Server};
use super::steering::slow_lamp;

const ROLLBACK: [&str; 3] = ["update", "rollback", "--yes"];

#[test]
fn who_asks_twice_does_not_get_the_release_again_that_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let upgraded = server.upgrade("0b1").is(202);
    server.wait_for(upgraded.header("location"), "completed");
    let back = server.rollback(&json!({})).is(202);
    let done = server.wait_for(back.header("location"), "completed");
    let id = done["update_id"].as_str().unwrap();
    installation.assert_at("0a1");

    let by_id = format!("--update-id {id}");
    let said = [
        "NL0756",
        "took 0b1 back to 0a1 on 20",
        "`netlink update upgrade --to 0b1`",
        &by_id,
    ];
    let again = server.rollback(&json!({})).problem(409, "NL0756");
    let detail = again.body["detail"].as_str().unwrap();
    assert!(said[1..].iter().all(|words| detail.contains(words)), "{detail}");
    assert_eq!(again.header("retry-after"), "", "{again:#?}");
    server.rollback(&json!({"dry_run": true})).problem(409, "NL0756");
    server
        .get(&format!("{API}/updates/plan?to=back"))
        .problem(409, "NL0756");
    installation.run(&ROLLBACK).no(2, &said);
    installation.run(&["update", "rollback", "--dry-run"]).no(2, &said);
    there(&installation, &server, &ROLLBACK).no(2, &said);
    installation.assert_at("0a1");

    // Who names it means it.
    installation
        .run(&["update", "rollback", "--update-id", id, "--yes"])
        .ok();
    installation.assert_at("0b1");
    installation.run(&ROLLBACK).no(
        2,
        &["took 0a1 back to 0b1 on 20", "`netlink update downgrade --to 0a1`"],
    );
    let first = upgraded.body["update_id"].as_str().unwrap();
    installation
        .run(&["update", "rollback", "--update-id", first, "--yes"])
        .ok();
    installation.assert_at("0a1");
}

#[test]
fn who_asks_twice_for_what_runs_does_not_lose_the_update_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let lit = installation.path("lit");
    std::fs::write(&lit, "").unwrap();
    installation.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    installation.run(&["update", "downgrade", "--to", "0a1", "--yes"]).ok();
    std::fs::remove_file(&lit).unwrap();
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.rollback(&json!({})).is(202);
    server.wait_for(begun.header("location"), "rolled_back");

    let again = server.rollback(&json!({})).problem(409, "NL0756");
    let detail = again.body["detail"].as_str().unwrap();
    let id = begun.body["update_id"].as_str().unwrap();
    assert!(detail.contains(id) && detail.contains("back already"), "{detail}");
    installation.run(&ROLLBACK).no(2, &["NL0756"]);
    installation.assert_at("0a1");
}

#[test]
fn a_database_that_was_moved_alone_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let upgraded = server.upgrade("0b1").is(202);
    server.wait_for(upgraded.header("location"), "completed");
    installation.run(&["update", "upgrade-db", "--to", "0a1", "--yes"]).ok();
    let before = installation.database();
    let installed = || server.get(&format!("{API}/version")).is(200).body["current_version"].clone();

    let said = [
        "NL0749",
        "has moved the database alone",
        "`netlink update upgrade-db --to V`",
    ];
    let refused = server.rollback(&json!({})).problem(409, "NL0749");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(said[1..].iter().all(|words| detail.contains(words)), "{detail}");
    installation.run(&ROLLBACK).no(2, &said);
    there(&installation, &server, &ROLLBACK).no(2, &said);
    assert_eq!(installation.database(), before);
    assert_eq!(installed(), "0b1");

    // What lies before it is named.
    installation.run(&["update", "upgrade-db", "--to", "0b1", "--yes"]).ok();
    let first = upgraded.body["update_id"].as_str().unwrap();
    installation
        .run(&["update", "rollback", "--update-id", first, "--yes"])
        .ok();
    assert_eq!(installed(), "0a1");
}
