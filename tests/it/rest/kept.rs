//! What the server knows from the request before is right in the next one, whoever has changed something in between.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Answer, Server};
use super::steering::{HOOK, slow_lamp, wait_until_there};
use crate::world::{Installation, put};

const PATIENCE: Duration = Duration::from_secs(60);

fn token(installation: &Installation, more: &[&str]) -> (String, String) {
    let create = [
        "token", "create", "--name", "one", "--role", "viewer", "--output", "json",
    ];
    let made = installation.run(&[&create[..], more].concat()).ok().json();
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    (text("token"), text("prefix"))
}

fn version(server: &Server, token: &str) -> Answer {
    server.ask("GET", &format!("{API}/version"), Some(token), &[], "")
}

/// Asks so often that what is answered comes from the request before. What is younger than the ticks of a file system's clock is not
/// kept: that is waited for.
#[track_caller]
fn kept(server: &Server, installation: &Installation, path: &str) -> Answer {
    let began = Instant::now();
    let young = |path: &Path| {
        let changed = path.metadata().map_or(0, |meta| meta.ctime());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_secs().cast_signed() - changed < 4
    };
    while young(&installation.path("config/update.yml")) {
        assert!(began.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(100));
    }
    server.get(path).is(200);
    server.get(path).is(200)
}

fn last_used(installation: &Installation, prefix: &str) -> Option<String> {
    let listed = installation.run(&["token", "list", "--output", "json"]).ok().json();
    let all = listed.as_array().or_else(|| listed["tokens"].as_array()).unwrap();
    let token = all.iter().find(|token| token["prefix"] == prefix).unwrap();
    token["last_used_at"].as_str().map(str::to_owned)
}

#[test]
fn a_token_that_another_process_makes_or_revokes_counts_from_the_next_request_on() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    kept(&server, &installation, &format!("{API}/version"));
    for _ in 0..5 {
        let (text, prefix) = token(&installation, &[]);
        version(&server, &text).is(200);
        version(&server, &text).is(200);
        installation.run(&["token", "revoke", &prefix]).ok();
        let refused = version(&server, &text).problem(401, "NL0701");
        assert!(refused.body["detail"].as_str().unwrap().contains("revoked"));
    }
    // By a request, and by somebody who writes into the database.
    let (text, prefix) = token(&installation, &[]);
    version(&server, &text).is(200);
    let revoke = format!("{API}/tokens/{prefix}");
    server.ask("DELETE", &revoke, Some(&server.token), &[], "").is(200);
    version(&server, &text).problem(401, "NL0701");
    let (text, prefix) = token(&installation, &[]);
    version(&server, &text).is(200);
    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    assert_eq!(
        db.execute("DELETE FROM tokens WHERE prefix = ?1", [&prefix]).unwrap(),
        1
    );
    version(&server, &text).problem(401, "NL0701");
}

#[test]
fn a_token_lets_in_until_the_moment_in_which_it_expires() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let (text, prefix) = token(&installation, &["--expires", "3s"]);
    let listed = server.get(&format!("{API}/tokens")).is(200).body;
    let one = listed["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .find(|token| token["prefix"] == *prefix);
    let end: jiff::Timestamp = one.unwrap()["expires_at"].as_str().unwrap().parse().unwrap();
    let began = Instant::now();
    loop {
        let before = jiff::Timestamp::now();
        let answer = version(&server, &text);
        let after = jiff::Timestamp::now();
        if answer.status == 401 {
            assert!(after >= end, "refused at {after}, expires at {end}");
            assert!(
                answer.body["detail"].as_str().unwrap().contains("expired"),
                "{answer:#?}"
            );
            return;
        }
        assert!(before < end, "let in at {before}, expires at {end}");
        answer.is(200);
        assert!(began.elapsed() < PATIENCE);
    }
}

#[test]
fn the_version_is_the_new_one_as_soon_as_another_process_has_changed_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let path = format!("{API}/version");
    let mut seen = Vec::new();
    for (args, current, others) in [
        (&["update", "version"][..], "0a1", &[][..]),
        (&["update", "upgrade", "--to", "0b1", "--yes"], "0b1", &["0a1"]),
        (&["update", "finalize", "--yes"], "0b1", &[]),
        (&["update", "upgrade", "--to", "0r1", "--yes"], "0r1", &["0b1"]),
    ] {
        installation.run(args).ok();
        let first = server.get(&path).is(200);
        assert_eq!(
            (&first.body["current_version"], &first.body["kept"]),
            (&json!(current), &json!(others)),
            "{args:?}"
        );
        let again = kept(&server, &installation, &path);
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
        seen.push(first.header("etag").to_owned());
        let known = [("if-none-match", first.header("etag"))];
        server.ask("GET", &path, Some(&server.token), &known, "").is(304);
        let head = server.ask("HEAD", &path, Some(&server.token), &[], "").is(200);
        assert_eq!((head.text.as_str(), head.header("etag")), ("", first.header("etag")));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4);

    // What is done by hand and leaves nothing in the state is found out within a second.
    fs::rename(installation.path("releases/0b1"), dir.path().join("0b1")).unwrap();
    server.wait(&path, |version| version["kept"] == json!([]));
    let settings = installation.path("config/update.yml");
    kept(&server, &installation, &path);
    put(&settings, "helth: {}\n", 0o644);
    server.get(&path).problem(500, "NL0403");
    put(&settings, "health: {}\n", 0o644);
    server.get(&path).is(200);
}

#[test]
fn a_status_follows_the_update_of_another_process_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let mut other = installation.command(&["update", "upgrade", "--to", "0b1", "--yes", "--quiet"]);
    let mut other = other.spawn().unwrap();
    wait_until_there(&installation, "releases/0b1");
    let newest = server.get(&format!("{API}/updates?limit=1")).is(200).body["updates"][0].clone();
    let place = format!("{API}/updates/status/{}", newest["update_id"].as_str().unwrap());
    server.wait_for_step(&place, "health");
    let running = kept(&server, &installation, &place).body;
    assert_eq!(
        (&running["state"], &running["owner"]["pid"]),
        (&json!("running"), &json!(other.id())),
        "{running:#}"
    );
    fs::write(installation.path("lit"), "").unwrap();
    assert!(other.wait().unwrap().success());
    let ended = server.get(&place).is(200).body;
    assert_eq!(
        (&ended["state"], &ended["outcome"]),
        (&json!("finished"), &json!("completed")),
        "{ended:#}"
    );
    assert_eq!(ended["finalized_at"], Value::Null);
    kept(&server, &installation, &place);
    installation.run(&["update", "finalize", "--yes"]).ok();
    let finalized = server.get(&place).is(200).body;
    assert!(finalized["finalized_at"].is_string(), "{finalized:#}");
}

#[test]
fn an_update_whose_process_was_killed_has_died_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), HOOK, 0o644);
    let server = Server::start(&installation);
    let mut other = installation.command(&["update", "upgrade", "--to", "0b1", "--yes", "--quiet"]);
    let mut other = other.spawn().unwrap();
    wait_until_there(&installation, "hook");
    let newest = server.get(&format!("{API}/updates?limit=1")).is(200).body["updates"][0].clone();
    let place = format!("{API}/updates/status/{}", newest["update_id"].as_str().unwrap());
    assert_eq!(kept(&server, &installation, &place).body["state"], "running");
    // Nothing of this is in the state.
    kill_process(Pid::from_child(&other), Signal::KILL).unwrap();
    other.wait().unwrap();
    assert_eq!(server.get(&place).is(200).body["state"], "died");
    kept(&server, &installation, &place);
    fs::write(installation.path("go"), "").unwrap();
    installation.run(&["update", "resume"]).ok();
    assert_eq!(server.get(&place).is(200).body["state"], "finished");
}

#[test]
fn the_last_use_of_a_token_is_written_once_a_minute_and_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let (text, prefix) = token(&installation, &[]);
    assert_eq!(last_used(&installation, &prefix), None);
    version(&server, &text).is(200);
    let began = Instant::now();
    let first = loop {
        if let Some(first) = last_used(&installation, &prefix) {
            break first;
        }
        assert!(began.elapsed() < PATIENCE);
    };
    // Within the same minute: many uses, none of which is written yet.
    for _ in 0..50 {
        version(&server, &text).is(200);
    }
    assert!(began.elapsed() < Duration::from_secs(50), "too slow to tell");
    assert_eq!(last_used(&installation, &prefix).as_ref(), Some(&first));
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    let last = last_used(&installation, &prefix).unwrap();
    let time = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert!(time(&last) > time(&first), "{first}, then {last}");

    // The clock was set back since.
    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let ahead = "UPDATE tokens SET last_used_at = '2099-01-01T00:00:00Z' WHERE prefix = ?1";
    assert_eq!(db.execute(ahead, [&prefix]).unwrap(), 1);
    let server = Server::start(&installation);
    version(&server, &text).is(200);
    let began = Instant::now();
    while last_used(&installation, &prefix).unwrap().starts_with("2099") {
        assert!(began.elapsed() < PATIENCE);
    }
}

#[test]
fn a_status_is_of_one_moment_also_when_the_update_is_just_finishing() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    for version in ["0b1", "0r1"] {
        let begun = server.upgrade(version).is(202);
        let place = begun.header("location");
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| watch_closely(&server, place));
            }
        });
    }
    installation.assert_at("0r1");
}

/// Asks without a pause until the update has finished.
fn watch_closely(server: &Server, place: &str) {
    let began = Instant::now();
    loop {
        let update = server.get(place).is(200).body;
        assert!(began.elapsed() < PATIENCE, "{update:#}");
        if update["order_id"].is_string() {
            // The one before is only just over.
            continue;
        }
        let is_over = update["state"] == "finished";
        assert_eq!(is_over, update["finished_at"].is_string(), "{update:#}");
        assert_eq!(is_over, update["course"] == "finished", "{update:#}");
        if is_over {
            assert_eq!(update["outcome"], "completed", "{update:#}");
            return;
        }
        assert_eq!(update["state"], "running", "{update:#}");
    }
}
