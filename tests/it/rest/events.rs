//! Live events: what the journal has, once and in order, from wherever a watcher left off, whoever runs the update.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use super::steering::slow_lamp;
use crate::world::{Installation, put};

/// Numbers of the update's entries in the journal.
pub fn journal(installation: &Installation, id: &str) -> Vec<i64> {
    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let mut rows = db
        .prepare("SELECT seq FROM journal WHERE update_id = ?1 ORDER BY seq")
        .unwrap();
    let rows = rows.query_map([id], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn numbers(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}

/// With so many entries more that a watcher gets more than any buffer on the way takes.
pub fn fill_journal(installation: &Installation, entries: u32) {
    let db = Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let sql = "INSERT INTO journal (update_id, time, event) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
               SELECT id, '2026-01-01T00:00:00Z', '{\"kind\":\"committed\"}' FROM updates, n";
    db.execute(sql, [entries]).unwrap();
}

#[test]
fn the_events_of_an_update_are_its_journal_and_go_on_where_one_left_off() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let id = begun.body["update_id"].as_str().unwrap().to_owned();
    let path = format!("{API}/updates/{id}/events");
    let mut early = server.events(&path, None);
    let first = early.next().unwrap();
    assert_eq!((&first["kind"], &first["update_id"]), (&json!("accepted"), &json!(id)));
    server.wait_for_step(begun.header("location"), "health");
    fs::write(installation.path("lit"), "").unwrap();
    // To the end, which the server makes.
    let seen: Vec<Value> = std::iter::once(first).chain(early).collect();
    assert_eq!(numbers(&seen), journal(&installation, &id));
    assert_eq!(seen.last().unwrap()["kind"], "finished");

    let half = numbers(&seen)[seen.len() / 2];
    let rest: Vec<Value> = server.events(&path, Some(&half.to_string())).collect();
    assert_eq!(rest, seen[seen.len() / 2 + 1..]);
    let by_query: Vec<Value> = server.events(&format!("{path}?after={half}"), None).collect();
    assert_eq!(by_query, rest);
    let last = numbers(&seen).last().unwrap().to_string();
    let all_seen = [("last-event-id", last.as_str())];
    server.ask("GET", &path, Some(&server.token), &all_seen, "").is(204);
    for wrong in ["x", "-1", "99999999999999999999"] {
        let headers = [("last-event-id", wrong)];
        server
            .ask("GET", &path, Some(&server.token), &headers, "")
            .problem(400, "NL0703");
    }
    server.get(&format!("{path}?after=-1")).problem(400, "NL0703");
    server
        .get(&format!("{API}/updates/update_0a1_0b1_20200101_000000/events"))
        .problem(404, "NL0406");
}

#[test]
fn an_update_of_the_command_line_is_seen_live_and_by_many() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let path = format!("{API}/updates/events");
    let mut watchers: Vec<_> = (0..20).map(|_| server.events(&path, None)).collect();
    let ran = installation
        .run(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"])
        .ok();
    let id = ran.last()["update_id"].as_str().unwrap().to_owned();
    let expected = journal(&installation, &id);
    for watcher in &mut watchers {
        let seen: Vec<Value> = watcher.take(expected.len()).collect();
        assert_eq!(numbers(&seen), expected);
    }
    // From before there was a server.
    let all: Vec<Value> = server.events(&path, Some("0")).take(expected[0] as usize).collect();
    assert_eq!(numbers(&all)[0], 1);
}

#[test]
fn a_line_shows_life_ends_with_its_token_and_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {heartbeat: 50ms}\n",
        0o644,
    );
    let mut server = Server::start(&installation);
    let path = format!("{API}/updates/events");
    let mut kept = server.events(&path, None);
    let made = installation
        .run(&["token", "create", "--name", "x", "--role", "viewer", "--output", "json"])
        .ok()
        .json();
    let admin = std::mem::replace(&mut server.token, made["token"].as_str().unwrap().to_owned());
    let mut revoked = server.events(&path, None);
    server.token = admin;
    while revoked.line().unwrap() != ":" {}
    installation
        .run(&["token", "revoke", made["prefix"].as_str().unwrap()])
        .ok();
    while revoked.line().is_some() {}
    while kept.line().unwrap() != ":" {}
    let began = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    while kept.line().is_some() {}
    // Far below what is allowed for requests that are under way.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn who_does_not_read_is_cut_off_and_nobody_else_is_harmed() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {slow_reader: 1s}\n",
        0o644,
    );
    fill_journal(&installation, 120_000);
    let server = Server::start(&installation);
    let mut slow = TcpStream::connect(server.address()).unwrap();
    let ask = format!(
        "GET {API}/updates/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nLast-Event-ID: 0\r\n\r\n",
        server.token
    );
    slow.write_all(ask.as_bytes()).unwrap();
    // The server's side of it, as the system has it.
    let far = format!(":{:04X}", slow.local_addr().unwrap().port());
    let is_open = || {
        let all = fs::read_to_string("/proc/net/tcp").unwrap();
        all.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields[2].ends_with(&far) && fields[3] == "01"
        })
    };
    assert!(is_open());
    server.get(&format!("{API}/version")).is(200);
    let began = Instant::now();
    while is_open() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    let read = server
        .events(&format!("{API}/updates/events"), Some("0"))
        .take(120_000)
        .count();
    assert_eq!(read, 120_000);
}
