//! The stream of what happens: the journal, once and in order, from wherever one left off.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::client::{ask, begin};
use crate::rest::events::{fill_journal, journal};
use crate::rest::lamp;
use crate::rest::server::{API, Server};
use crate::rest::steering::slow_lamp;
use crate::world::put;

fn numbers(events: &[Value]) -> Vec<i64> {
    let of_the_journal = events.iter().filter(|event| event["kind"] != "progress");
    let numbers = of_the_journal.map(|event| event["sequence"].as_str().unwrap().parse().unwrap());
    numbers.collect()
}

#[test]
fn a_whole_upgrade_is_watched_to_its_end_and_again_from_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = ask(&server, "TriggerUpgrade", &json!({"target_version": "0b1"})).ok();
    let id = begun["update_id"].as_str().unwrap().to_owned();
    let mut watch = begin(&server, "WatchUpgradeStatus", &json!({"update_id": id}), &[]);
    let first = watch.next().unwrap();
    assert_eq!((&first["kind"], &first["update_id"]), (&json!("accepted"), &json!(id)));
    server.wait_for_step(&format!("{API}/updates/status/{id}"), "health");
    std::fs::write(installation.path("lit"), "").unwrap();
    let watched = watch.rest();
    assert_eq!(watched.end["code"], "OK", "{watched:#?}");
    let seen: Vec<Value> = std::iter::once(first).chain(watched.messages).collect();
    assert_eq!(numbers(&seen), journal(&installation, &id));
    let last = seen.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["message"]),
        (&json!("finished"), &json!("completed"))
    );
    let switched = |event: &&Value| event["step"] == "switch" && event["kind"] == "succeeded";
    assert_eq!(seen.iter().find(switched).unwrap()["phase"], "update", "{seen:#?}");
    installation.assert_at("0b1");

    let all = numbers(&seen);
    let half = all[all.len() / 2];
    let from = json!({"update_id": id, "after_sequence": half});
    let rest = ask(&server, "WatchUpgradeStatus", &from);
    assert_eq!(numbers(&rest.messages), all[all.len() / 2 + 1..]);
    assert_eq!(rest.end["code"], "OK");
    // Everything was seen: there is nothing more, and that is no failure.
    let seen_all = json!({"update_id": id, "after_sequence": all.last()});
    let nothing = ask(&server, "WatchUpgradeStatus", &seen_all);
    assert_eq!((nothing.messages.len(), &nothing.end["code"]), (0, &json!("OK")));
    let wrong = json!({"update_id": id, "after_sequence": -1});
    ask(&server, "WatchUpgradeStatus", &wrong).no("INVALID_ARGUMENT", "NL0703");
}

#[test]
fn all_updates_are_watched_also_those_of_the_command_line_until_it_is_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {heartbeat: 50ms}\n",
        0o644,
    );
    let server = Server::start(&installation);
    let before = json!({"after_sequence": 0, "include_heartbeat": true});
    let mut watch = begin(&server, "WatchUpgradeStatus", &before, &[]);
    // From before there was a server.
    assert_eq!(watch.next().unwrap()["sequence"], "1");
    let mut beat = watch.next().unwrap();
    while beat["kind"] != "heartbeat" {
        beat = watch.next().unwrap();
    }
    assert_eq!(beat["update_id"], "");
    assert!(beat["time"].is_string(), "{beat:#}");
    let ran = installation
        .run(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"])
        .ok();
    let id = ran.last()["update_id"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|event: &Value| event["kind"] != "finished") {
        let event = watch.next().unwrap();
        seen.extend((event["update_id"] == json!(id)).then_some(event));
    }
    assert_eq!(numbers(&seen), journal(&installation, &id));

    // Who cancels is forgotten, and nobody else notices.
    let few = begin(&server, "WatchUpgradeStatus", &before, &["--take", "3"]).rest();
    assert_eq!(
        (&few.end["code"], few.messages.len()),
        (&json!("CANCELLED"), 3),
        "{few:#?}"
    );
    drop(watch);
    let watchers = || {
        let metrics = server.get("/metrics").is(200).text;
        let line = metrics.lines().find(|line| line.starts_with("netlink_event_watchers "));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let began = Instant::now();
    while watchers() != "0" {
        assert!(began.elapsed() < Duration::from_secs(30), "{} still watch", watchers());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_stream_ends_with_its_token_and_with_the_server_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {heartbeat: 50ms}\n",
        0o644,
    );
    let mut server = Server::start(&installation);
    let all = json!({"include_heartbeat": true});
    let mut kept = begin(&server, "WatchUpgradeStatus", &all, &[]);
    kept.next().unwrap();
    let made = installation
        .run(&["token", "create", "--name", "x", "--role", "viewer", "--output", "json"])
        .ok()
        .json();
    let admin = std::mem::replace(&mut server.token, made["token"].as_str().unwrap().to_owned());
    let mut revoked = begin(&server, "WatchUpgradeStatus", &all, &[]);
    server.token = admin;
    revoked.next().unwrap();
    installation
        .run(&["token", "revoke", made["prefix"].as_str().unwrap()])
        .ok();
    let end = revoked.rest().end;
    assert_eq!(
        (&end["code"], &end["reason"]),
        (&json!("UNAUTHENTICATED"), &json!("NL0701")),
        "{end:#}"
    );

    let began = Instant::now();
    server.signal(Signal::TERM);
    let end = kept.rest().end;
    assert_eq!(
        (&end["code"], &end["reason"]),
        (&json!("UNAVAILABLE"), &json!("NL0720")),
        "{end:#}"
    );
    assert_eq!(server.ended(), Some(0));
    // Far below what is allowed for calls that are under way.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn who_does_not_read_is_cut_off_and_can_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {slow_reader: 1s}\n",
        0o644,
    );
    fill_journal(&installation, 60_000);
    let server = Server::start(&installation);
    let all = json!({"after_sequence": 0});
    let slow = begin(
        &server,
        "WatchUpgradeStatus",
        &all,
        &["--idle", "8", "--quiet", "--wait", "150"],
    );
    server.get(&format!("{API}/version")).is(200);
    let slow = slow.rest();
    assert_eq!(
        (&slow.end["code"], &slow.end["reason"]),
        (&json!("RESOURCE_EXHAUSTED"), &json!("NL0735")),
        "{:#}",
        slow.end
    );
    let last = numbers(&slow.messages)[0];
    assert!(last < 60_000, "{last}");
    let back = json!({"after_sequence": last});
    let back = begin(&server, "WatchUpgradeStatus", &back, &["--take", "10"]).rest();
    assert_eq!(numbers(&back.messages), (last + 1..=last + 10).collect::<Vec<_>>());
}
