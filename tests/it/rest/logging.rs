//! What the server and its updates write down for people and programs: lines, JSON, the names of requests, and no more than there is
//! room for.

use std::fs;

use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use crate::world::put;

#[test]
fn a_request_has_one_name_in_its_answer_the_audit_and_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), "log: {format: json}\n", 0o644);
    let server = Server::start(&installation);
    let token = Some(server.token.as_str());
    let named = |id| [("content-type", "application/json"), ("x-request-id", id)];
    let upgrade = format!("{API}/updates/upgrade");
    let unknown = json!({"target_version": "9r9"}).to_string();
    let refused = server
        .ask("POST", &upgrade, token, &named("night-42"), &unknown)
        .problem(404, "NL0102");
    assert_eq!(refused.header("x-request-id"), "night-42");
    assert_eq!(refused.body["request_id"], "night-42");
    // What is no plain name is replaced, and so is none.
    let strange = server
        .ask("POST", &upgrade, token, &named("a b\"c"), &unknown)
        .problem(404, "NL0102");
    let made = strange.body["request_id"].as_str().unwrap().to_owned();
    assert!(
        made.len() == 16 && strange.header("x-request-id") == made,
        "{strange:#?}"
    );
    let looked = server.get(&format!("{API}/version")).is(200);
    assert_eq!(looked.header("x-request-id").len(), 16);
    assert_eq!(
        server.get("/nothing").problem(404, "NL0702").body["request_id"]
            .as_str()
            .map(str::len),
        Some(16)
    );
    let denied = server
        .ask("GET", &format!("{API}/version"), None, &[], "")
        .problem(401, "NL0701");
    assert_eq!(denied.body["request_id"], json!(denied.header("x-request-id")));

    let rows = server.get(&format!("{API}/audit?limit=10")).is(200).body;
    for id in ["night-42", &made] {
        let about = |row: &&Value| row["subject"].as_str().unwrap().starts_with(&format!("[{id}]"));
        let rows: Vec<_> = rows["rows"].as_array().unwrap().iter().filter(about).collect();
        let outcomes: Vec<_> = rows.iter().map(|row| row["outcome"].clone()).collect();
        assert_eq!(outcomes, [json!("failed NL0102"), json!("asked")], "{id}");
    }
    server.signal(rustix::process::Signal::TERM);
    let lines = server.all_lines();
    let lines: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| lines.iter().filter(|line| line["request_id"] == id).collect::<Vec<_>>();
    let line = of("night-42")[0];
    assert_eq!(
        (&line["level"], &line["message"], &line["status"]),
        (&json!("INFO"), &json!(format!("POST {upgrade}")), &json!(404))
    );
    assert!(line["ms"].is_number() && line["timestamp"].is_string(), "{line:#}");
    assert_eq!(line["who"], format!("{} (first)", &server_prefix(&installation)));
    assert_eq!(of(&made).len(), 1);
    // Looks are not written down unless that is wished.
    assert_eq!(of(looked.header("x-request-id")).len(), 0);
}

fn server_prefix(installation: &crate::world::Installation) -> String {
    installation.text(".netlink/token")[..12].to_owned()
}

#[test]
fn looks_are_said_where_everything_is_and_nobody_breaks_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), "log: {level: debug}\n", 0o644);
    let server = Server::start(&installation);
    server.get(&format!("{API}/version")).is(200);
    server.get("/a%0aERROR%1b[31m").problem(404, "NL0702");
    server.signal(rustix::process::Signal::TERM);
    let lines = server.all_lines();
    assert!(
        lines
            .iter()
            .any(|line| line.contains(&format!("DEBUG GET {API}/version"))),
        "{lines:#?}"
    );
    assert!(
        lines.iter().any(|line| line.contains("listening at http://")),
        "{lines:#?}"
    );
    assert!(
        lines
            .iter()
            .all(|line| !line.contains('\u{1b}') && !line.starts_with("ERROR")),
        "{lines:#?}"
    );
}

#[test]
fn the_log_of_updates_is_kept_below_a_size() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "log: {update_log_size: 2000}\n",
        0o644,
    );
    for version in ["0b1", "0r1"] {
        installation.run(&["update", "upgrade", "--to", version, "--yes"]).ok();
    }
    for name in ["update.log", "update.log.1"] {
        let path = installation.path(&format!(".netlink/logs/{name}"));
        let text = fs::read_to_string(&path).unwrap();
        assert!((1..4000).contains(&text.len()), "{name}: {} bytes", text.len());
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["kind"].is_string() && line["update_id"].is_string(), "{line:#}");
        }
    }
    let last = installation.text(".netlink/logs/update.log");
    assert!(last.lines().next_back().unwrap().contains("finished"), "{last}");
}
