//! Who is not let in, and what is not understood: the right status with its reason, nothing changed, and it is in the audit.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{SERVICE, ask, ask_as, begin};
use crate::rest::lamp;
use crate::rest::server::{API, Server};
use crate::world::{Installation, put};

const CALLS: [(&str, &str); 8] = [
    ("GetVersionInfo", "viewer"),
    ("CheckForUpdates", "viewer"),
    ("ValidateUpgrade", "viewer"),
    ("TriggerUpgrade", "operator"),
    ("GetUpgradeStatus", "viewer"),
    ("WatchUpgradeStatus", "viewer"),
    ("RollbackUpgrade", "operator"),
    ("GetUpgradeHistory", "viewer"),
];

fn rows(installation: &Installation) -> Vec<Value> {
    let text = installation.run(&["audit", "export"]).ok().out;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_call_asks_for_its_role_and_changing_ones_are_in_the_audit() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let made = installation
        .run(&[
            "token", "create", "--name", "looks", "--role", "viewer", "--output", "json",
        ])
        .ok()
        .json();
    let viewer = format!("Bearer {}", made["token"].as_str().unwrap());
    for (call, role) in CALLS {
        ask_as(&server, None, call, &json!({})).no("UNAUTHENTICATED", "NL0701");
        if role == "operator" {
            let low = ask_as(&server, Some(&viewer), call, &json!({})).no("PERMISSION_DENIED", "NL0713");
            assert!(low["message"].as_str().unwrap().contains("operator"), "{low:#}");
        }
    }
    let first = format!("bearer {}", server.token);
    ask_as(&server, Some(&first), "GetVersionInfo", &json!({})).ok();
    ask_as(&server, Some("Basic bmV0"), "GetVersionInfo", &json!({})).no("UNAUTHENTICATED", "NL0701");
    let wrong = Some("Bearer nlk_00000000_00");
    ask_as(&server, wrong, "TriggerUpgrade", &json!({"target_version": "0b1"})).no("UNAUTHENTICATED", "NL0701");
    ask(&server, "TriggerUpgrade", &json!({"target_version": "9r9"})).no("NOT_FOUND", "NL0102");
    let begun = ask(&server, "TriggerUpgrade", &json!({"target_version": "0b1"})).ok();
    super::finished(&server, begun["update_id"].as_str().unwrap());

    // As over REST: what changes something is a line of the log, what only looks is none.
    let log = server.log();
    assert!(log.contains("INFO gRPC TriggerUpgrade request_id="), "{log}");
    let said = |who: &str, status: u8| log.contains(&format!("who={who} status={status} ms="));
    let prefix = &server.token[..12];
    assert!(
        said(&format!("{prefix} (first)"), 0) && said(&format!("{prefix} (first)"), 5),
        "{log}"
    );
    assert!(said("nobody", 16) && !log.contains("GetVersionInfo"), "{log}");

    let rows = rows(&installation);
    let found = |outcome: &str, who: &str, subject: &str| {
        let fits = |row: &&Value| {
            row["action"] == "gRPC TriggerUpgrade"
                && row["outcome"] == outcome
                && row["who"].as_str().unwrap().contains(who)
                && row["subject"].as_str().unwrap_or_default().contains(subject)
        };
        assert!(rows.iter().any(|row| fits(&row)), "{outcome} {who}: {rows:#?}");
    };
    found("failed NL0701", "unknown", "");
    found("asked", "looks", "");
    found("failed NL0713", "looks", "");
    found("failed NL0102", "first", "9r9");
    found("done", "first", "\"target_version\":\"0b1\"");
    // Who only looks leaves no row.
    assert!(
        rows.iter().all(|row| row["action"] != "gRPC GetVersionInfo"),
        "{rows:#?}"
    );
    installation.run(&["audit", "verify"]).ok();
}

#[test]
fn wrong_tokens_are_counted_with_those_of_rest() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "server: {wrong_tokens_per_minute: 2, changes_per_minute: 1}\n",
        0o644,
    );
    let server = Server::start(&installation);
    let wrong = Some("Bearer nlk_00000000_00");
    let version = format!("{API}/version");
    server
        .ask("GET", &version, Some("nlk_0"), &[], "")
        .problem(401, "NL0701");
    ask_as(&server, wrong, "GetVersionInfo", &json!({})).no("UNAUTHENTICATED", "NL0701");
    let another = Some("Bearer nlk_00000000_01");
    let often = ask_as(&server, another, "GetVersionInfo", &json!({})).no("RESOURCE_EXHAUSTED", "NL0714");
    assert!(often["retry_seconds"].as_i64().unwrap() > 0, "{often:#}");
    server
        .ask("GET", &version, Some("nlk_1"), &[], "")
        .problem(429, "NL0714");
    // Who sends the same again guesses nothing.
    ask_as(&server, wrong, "GetVersionInfo", &json!({})).no("UNAUTHENTICATED", "NL0701");
    // Right ones are let in all the same, for as many changes as there may be.
    ask(&server, "RollbackUpgrade", &json!({"update_id": "x"})).no("NOT_FOUND", "NL0406");
    ask(&server, "RollbackUpgrade", &json!({"update_id": "x"})).no("RESOURCE_EXHAUSTED", "NL0714");
}

#[test]
fn what_is_wrong_in_a_message_is_said_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let upgrade = |message: Value| ask(&server, "TriggerUpgrade", &message);
    upgrade(json!({})).no("INVALID_ARGUMENT", "NL0101");
    upgrade(json!({"target_version": "zero"})).no("INVALID_ARGUMENT", "NL0101");
    upgrade(json!({"target_version": "0b1", "strategy": "soon"})).no("INVALID_ARGUMENT", "NL0703");
    let past = json!({"target_version": "0b1", "strategy": "scheduled", "scheduled_time": "2020-01-01T02:00:00Z"});
    upgrade(past).no("FAILED_PRECONDITION", "NL0122");
    upgrade(json!({"target_version": "0b1", "disable_incompatible": [""]})).no("INVALID_ARGUMENT", "NL0703");
    upgrade(json!({"target_version": "0b1", "idempotency_key": "k".repeat(256)})).no("INVALID_ARGUMENT", "NL0703");
    for id in ["x", "../../etc/passwd", "update_0a1_0b1_20200101_000000", "\u{0}"] {
        for call in ["GetUpgradeStatus", "WatchUpgradeStatus", "RollbackUpgrade"] {
            ask(&server, call, &json!({"update_id": id})).no("NOT_FOUND", "NL0406");
        }
    }
    let order = json!({"update_id": "order_0123456789abcdef"});
    ask(&server, "GetUpgradeStatus", &order).no("NOT_FOUND", "NL0718");
    ask(&server, "GetUpgradeHistory", &json!({"page_size": 101})).no("INVALID_ARGUMENT", "NL0703");
    ask(&server, "GetUpgradeHistory", &json!({"page_token": "x"})).no("INVALID_ARGUMENT", "NL0703");

    let with = |more: &[&str]| begin(&server, "TriggerUpgrade", &json!({}), more).rest();
    with(&["--huge", "70000"]).no("RESOURCE_EXHAUSTED", "NL0703");
    with(&["--huge", "20000000"]).no("RESOURCE_EXHAUSTED", "NL0703");
    with(&["--garbage"]).no("INVALID_ARGUMENT", "NL0703");
    ask(&server, "GetVersionInfo", &json!({})).ok();
    let history = server.get(&format!("{API}/updates")).is(200).body;
    assert_eq!(history["updates"].as_array().map(Vec::len), Some(1), "{history:#}");
    installation.assert_at("0a1");
}

#[test]
fn what_is_no_grpc_and_who_says_nothing_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let began = Instant::now();
    let mut silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(server.grpc()).unwrap()).collect();
    silent[0].write_all(b"PRI * HTTP/2.0\r\n").unwrap();
    for sent in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0; 4096],
    ] {
        let mut stream = TcpStream::connect(server.grpc()).unwrap();
        let _ = stream.write_all(sent);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
    }
    ask(&server, "GetVersionInfo", &json!({})).ok();
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // Closed, or reset; a limit of time would be an error of its own kind.
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest);
        assert!(
            !read.is_err_and(|e| matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)),
            "still there after {:?}",
            began.elapsed()
        );
    }
    let unknown = super::besides(
        &server,
        &["call", "GetVersionInfo", "--as", &format!("{SERVICE}/Nothing")],
    )
    .rest();
    assert_eq!(unknown.end["code"], "UNIMPLEMENTED", "{unknown:#?}");
}

/// Who asks for a change and is gone before the answer leaves no gap in the audit.
#[test]
fn what_comes_of_a_change_is_written_down_also_when_nobody_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let tried = json!({"target_version": "0b1", "dry_run": true});
    let mut cut_off = 0;
    for wait in ["0.01", "0.02", "0.03", "0.06", "0.1", "0.15", "0.2"] {
        let ended = begin(&server, "TriggerUpgrade", &tried, &["--wait", wait]).rest();
        cut_off += usize::from(ended.end["code"] == "DEADLINE_EXCEEDED");
    }
    assert!(cut_off > 0, "all were answered in time");
    let count = |is: fn(&Value) -> bool| {
        let of_calls = |row: &&Value| row["action"] == "gRPC TriggerUpgrade" && is(row);
        rows(&installation).iter().filter(of_calls).count()
    };
    let began = Instant::now();
    loop {
        let asked = count(|row| row["outcome"] == "asked");
        let ended = count(|row| row["outcome"] != "asked");
        if asked > 0 && asked == ended {
            return;
        }
        assert!(
            began.elapsed().as_secs() < 20,
            "{asked} were asked, {ended} came to an end"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
