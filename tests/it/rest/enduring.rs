//! What a server has said yes to outlives it, and happens once: under kills at the worst moments, beside a second server, under clocks
//! that are set, and after a fault of its own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use super::steering::{HOOK, pause_an_upgrade, slow_lamp, wait_until_there};
use crate::world::{Installation, put};

fn killed(server: Server) {
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
}

fn database(installation: &Installation) -> Connection {
    Connection::open(installation.path(".netlink/netlink.db")).unwrap()
}

fn backups(server: &Server) -> usize {
    let listed = server.get(&format!("{API}/backups")).is(200).body;
    listed["backups"].as_array().unwrap().len()
}

#[track_caller]
fn settled(server: &Server, place: &str) -> Value {
    server.settled(place)
}

#[test]
fn a_way_back_that_was_answered_outlives_the_server() {
    for ask in ["cancel", "rollback"] {
        let dir = tempfile::tempdir().unwrap();
        let installation = lamp(dir.path());
        put(&installation.path("config/update.yml"), HOOK, 0o644);
        let server = Server::start(&installation);
        let begun = server.upgrade("0b1").is(202);
        let place = begun.header("location").to_owned();
        wait_until_there(&installation, "hook");
        // In the middle of a step that cannot be left: it is heard of only after that.
        let asked = match ask {
            "cancel" => {
                let id = begun.body["update_id"].as_str().unwrap();
                server.post(&format!("{API}/updates/{id}/cancel"), &json!({}))
            }
            _ => server.rollback(&json!({})),
        };
        assert_eq!(asked.is(202).header("location"), place);
        killed(server);
        fs::write(installation.path("go"), "").unwrap();
        let next = Server::start(&installation);
        let update = next.wait_for(&place, "rolled_back");
        let by = update["aborted_by"].as_str().unwrap();
        assert!(by.ends_with("from 127.0.0.1"), "{by}");
        installation.assert_at("0a1");
        let orders = next.get(&format!("{API}/orders")).is(200).body;
        let waits = |order: &&Value| order["state"] == "waiting";
        assert_eq!(
            orders["orders"].as_array().unwrap().iter().filter(waits).count(),
            0,
            "{orders:#}"
        );
    }
}

#[test]
fn going_on_that_was_answered_outlives_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    pause_an_upgrade(&installation);
    let server = Server::start(&installation);
    let update = server.get(&format!("{API}/updates?limit=1")).is(200).body["updates"][0].clone();
    assert_eq!(update["reason"], "asked", "{update:#}");
    let resume = format!("{API}/updates/{}/resume", update["update_id"].as_str().unwrap());
    let resumed = server.post(&resume, &json!({})).is(202);
    killed(server);
    fs::write(installation.path("lit"), "").unwrap();
    Server::start(&installation).wait_for(resumed.header("location"), "completed");
    installation.assert_at("0b1");
}

#[test]
fn of_two_servers_one_works_and_the_other_takes_over() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), HOOK, 0o644);
    let first = Server::start(&installation);
    let begun = first.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    wait_until_there(&installation, "hook");
    let second = Server::start(&installation);
    let ready = |token: Option<&str>| second.ask("GET", "/health/ready", token, &[], "").is(503).body;
    let not = ready(Some(&second.token));
    let (reason, process) = (not["reasons"][0].as_str().unwrap(), format!("process {}", first.pid()));
    assert!(reason.contains(&process), "{not:#}");
    let stranger = ready(None)["reasons"][0].as_str().unwrap().to_owned();
    assert!(
        stranger.contains("another server") && !stranger.contains("process"),
        "{stranger}"
    );
    // It takes orders in, which begin once.
    let made = second.post(&format!("{API}/backups"), &json!({"full": true})).is(202);
    let made = made.header("location").to_owned();
    let id = begun.body["update_id"].as_str().unwrap();
    second
        .post(&format!("{API}/updates/{id}/resume"), &json!({}))
        .problem(503, "NL0727");
    // The old one ends: it pauses its update, and the new one goes on with it.
    first.signal(Signal::TERM);
    std::thread::sleep(Duration::from_millis(300));
    fs::write(installation.path("go"), "").unwrap();
    assert_eq!(first.ended(), Some(0));
    second.wait_for(&place, "completed");
    assert_eq!(settled(&second, &made)["state"], "done");
    installation.assert_at("0b1");
    second.wait_until_ready();
    let by_hand = |server: &Server| {
        let listed = server.get(&format!("{API}/backups")).is(200).body;
        let made = listed["backups"].as_array().unwrap().clone();
        made.iter()
            .filter(|backup| backup.get("before_update").is_none())
            .count()
    };
    assert_eq!(by_hand(&second), 1);
}

#[test]
fn what_a_server_that_stands_by_is_asked_for_is_done_by_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let first = Server::start(&installation);
    let second = Server::start(&installation);
    let ordered = second.upgrade("0b1").is(202);
    assert_eq!(ordered.body["state"], "waiting", "{ordered:#?}");
    let place = ordered.header("location").to_owned();
    let update = second.wait(&place, |progress| {
        progress["update_id"].is_string() && progress["steps"].is_array()
    });
    first.wait_for_step(&place, "health");
    // Heard of after the step that runs.
    let back = second.rollback(&json!({"update_id": update["update_id"]})).is(202);
    fs::write(installation.path("lit"), "").unwrap();
    second.wait_for(back.header("location"), "rolled_back");
    installation.assert_at("0a1");
    killed(first);
    second.wait_until_ready();
    let again = second.upgrade("0b1").is(202);
    second.wait_for(again.header("location"), "completed");
}

#[test]
fn a_clock_that_is_set_neither_forgets_a_key_nor_keeps_it_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let path = format!("{API}/backups");
    let ordered = server.post_once(&path, "k1", &json!({})).is(202);
    settled(&server, ordered.header("location"));
    let same = |answer: &Value| answer["order_id"] == ordered.body["order_id"];
    // As if the clock had been set since: years on, and back.
    for time in ["2001-01-01T00:00:00Z", "2199-01-01T00:00:00Z"] {
        let set = database(&installation).execute("UPDATE orders SET changed_at = ?1", [time]);
        assert_eq!(set.unwrap(), 1);
        assert!(same(&server.post_once(&path, "k1", &json!({})).is(202).body), "{time}");
    }
    assert_eq!(backups(&server), 1);
    let day = "INSERT INTO installation (key, value) VALUES ('served_seconds', '86400') \
               ON CONFLICT (key) DO UPDATE SET value = '86400'";
    database(&installation).execute(day, []).unwrap();
    let other = server.post_once(&path, "k1", &json!({})).is(202);
    assert!(!same(&other.body), "{other:#?}");
    settled(&server, other.header("location"));
    assert_eq!(backups(&server), 2);
}

#[test]
fn a_refusal_does_not_stick_to_its_key_and_a_yes_stays_one() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let upgrade = format!("{API}/updates/upgrade");
    let wanted = json!({"target_version": "0b1"});
    let policy = |text: &str| put(&installation.path("config/update.yml"), text, 0o644);
    policy("policy: {freeze: the shop is open}\n");
    server.post_once(&upgrade, "k1", &wanted).problem(409, "NL0120");
    server.post_once(&upgrade, "k1", &wanted).problem(409, "NL0120");
    policy("");
    let begun = server.post_once(&upgrade, "k1", &wanted).is(202);
    server.wait_for(begun.header("location"), "completed");
    policy("policy: {freeze: the shop is open}\n");
    let again = server.post_once(&upgrade, "k1", &wanted).is(202);
    assert_eq!(again.body["update_id"], begun.body["update_id"]);
    policy("");

    // What was accepted and could not be done later is answered as it was: where it is followed.
    policy("health: {timeout: 600s, interval: 50ms, checks: [{command: [sh, -c, 'test -e {root}/lit']}]}\n");
    let first = server.upgrade("0r1").is(202);
    let lower = json!({"target_version": "0a1"});
    let waits = server.post_once(&upgrade, "k2", &lower).is(202);
    fs::write(installation.path("lit"), "").unwrap();
    server.wait_for(first.header("location"), "completed");
    let refused = settled(&server, waits.header("location"));
    assert_eq!(refused["problem"]["code"], "NL0104", "{refused:#}");
    let again = server.post_once(&upgrade, "k2", &lower).is(202);
    assert_eq!(again.header("location"), waits.header("location"));
    assert_eq!(again.body["state"], "refused");
}

/// Starts a server that dies when an order is done, and orders this; where the order is looked at.
#[track_caller]
fn died_when_done(installation: &Installation, path: &str, body: &Value) -> String {
    let server = Server::start_with(installation, &[("NETLINK_SEEDED_FAULT", "dies-when-done")]);
    let (token, body) = (&server.token, body.to_string());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    // It may die before it has answered.
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(server.ended(), None);
    let last = "SELECT id FROM orders ORDER BY number DESC LIMIT 1";
    let id: String = database(installation).query_row(last, [], |row| row.get(0)).unwrap();
    format!("{API}/orders/{id}")
}

#[test]
fn what_was_done_when_the_server_died_is_not_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let made = died_when_done(&installation, &format!("{API}/backups"), &json!({"full": true}));
    let server = Server::start(&installation);
    let order = settled(&server, &made);
    assert_eq!(order["state"], "done", "{order:#}");
    let listed = server.get(&format!("{API}/backups")).is(200).body;
    assert_eq!(
        (backups(&server), &listed["backups"][0]["id"]),
        (1, &order["result"]["id"])
    );
    let id = order["result"]["id"].as_str().unwrap().to_owned();
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));

    // What changes nothing is simply done again.
    let verified = died_when_done(&installation, &format!("{API}/backups/{id}/verify"), &json!({}));
    let server = Server::start(&installation);
    assert_eq!(settled(&server, &verified)["state"], "done");
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));

    // What people write after a restore is not taken from them by a second one.
    installation.stop();
    let path = format!("{API}/backups/{id}/restore");
    let restored = died_when_done(&installation, &path, &json!({"only": ["config/"]}));
    put(&installation.path("config/lamp.toml"), "written = \"since\"\n", 0o644);
    let server = Server::start(&installation);
    let order = settled(&server, &restored);
    let code = &order["problem"]["code"];
    assert_eq!(
        (&order["state"], code),
        (&json!("refused"), &json!("NL0725")),
        "{order:#}"
    );
    assert_eq!(installation.text("config/lamp.toml"), "written = \"since\"\n");
    installation.run(&["audit", "verify"]).ok();
}

#[test]
fn a_fault_in_netlink_costs_one_order_and_not_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    installation.run(&["backup", "create"]).ok();
    let server = Server::start_with(&installation, &[("NETLINK_SEEDED_FAULT", "breaks-off")]);
    let prune = server.post(&format!("{API}/backups/prune"), &json!({})).is(202);
    let broke = settled(&server, prune.header("location"));
    assert_eq!(
        (&broke["state"], &broke["problem"]["code"]),
        (&json!("refused"), &json!("NL0726")),
        "{broke:#}"
    );
    let not = server.ask("GET", "/health/ready", None, &[], "").is(503).body;
    assert!(not["reasons"][0].as_str().unwrap().contains("broke off"), "{not:#}");
    let made = server.post(&format!("{API}/backups"), &json!({})).is(202);
    assert_eq!(settled(&server, made.header("location"))["state"], "done");
    server.wait_until_ready();
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    assert!(server.log().contains("NL0726"), "{}", server.log());
    let audit = installation.run(&["audit", "export"]).ok().out;
    assert!(audit.contains("failed NL0726"), "{audit}");
}
