//! What the server and its updates write down for people and programs: lines, JSON, the names of requests, and no more than there is
//! room for.

use std::fs;

use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use crate::world::{Installation, Lamp, Publisher, put};

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
        .problem(422, "NL0102");
    assert_eq!(refused.header("x-request-id"), "night-42");
    assert_eq!(refused.body["request_id"], "night-42");
    // What is no plain name is replaced, and so is none.
    let strange = server
        .ask("POST", &upgrade, token, &named("a b\"c"), &unknown)
        .problem(422, "NL0102");
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
        (&json!("INFO"), &json!(format!("POST {upgrade}")), &json!(422))
    );
    assert!(line["ms"].is_number() && line["timestamp"].is_string(), "{line:#}");
    assert_eq!(line["who"], format!("{} (first)", &server_prefix(&installation)));
    assert_eq!(of(&made).len(), 1);
    // Looks are not written down unless that is wished.
    assert_eq!(of(looked.header("x-request-id")).len(), 0);
}

#[test]
fn the_beginning_and_the_end_of_what_is_done_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), "log: {format: json}\n", 0o644);
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    let made = server.post(&format!("{API}/backups"), &json!({})).is(202);
    server.settled(made.header("location"));
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let wanted = json!({"target_version": "0r1", "scheduled_time": at.to_string()});
    let later = server.post(&format!("{API}/updates/upgrade"), &wanted).is(202);
    let update = server.wait_for(later.header("location"), "completed");
    server.signal(rustix::process::Signal::TERM);
    let lines: Vec<Value> = server
        .all_lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let all = |message: &str| -> Vec<Value> {
        let about = lines.iter().filter(|line| line["message"] == message);
        about.cloned().collect()
    };
    let (begins, ends) = (all("update begins"), all("update completed"));
    assert_eq!((begins.len(), ends.len()), (2, 2), "{lines:#?}");
    let of =
        |line: &Value, names: &[&str]| Value::from(names.iter().map(|name| line[name].clone()).collect::<Vec<_>>());
    let who = format!("{} (first) from 127.0.0.1", server_prefix(&installation));
    let id = &begun.body["update_id"];
    let words = ["level", "update_id", "verb", "from", "to", "by"];
    assert_eq!(
        of(&begins[0], &words),
        json!(["INFO", id, "upgrade", "0a1", "0b1", who])
    );
    assert_eq!(
        of(&begins[1], &["update_id", "order_id", "to"]),
        json!([update["update_id"], later.body["order_id"], "0r1"])
    );
    let words = ["update_id", "from", "to", "installed", "outcome"];
    assert_eq!(of(&ends[0], &words), json!([id, "0a1", "0b1", "0b1", "completed"]));
    assert!(
        ends.iter().all(|end| end["seconds"].as_f64().unwrap() > 0.0),
        "{ends:#?}"
    );
    let waits = all("order waits");
    assert_eq!(waits.last().unwrap()["order_id"], later.body["order_id"], "{waits:#?}");
    assert!(waits.last().unwrap()["not_before"].is_string(), "{waits:#?}");
    for (message, outcome) in [("order begins", json!(null)), ("order done", json!("done"))] {
        let said = all(message);
        assert_eq!(said.len(), 1, "{said:#?}");
        let words = ["order_id", "what", "outcome"];
        assert_eq!(
            of(&said[0], &words),
            json!([made.body["order_id"], "make a backup", outcome])
        );
    }

    // The log of updates has it, too.
    let log = installation.text(".netlink/logs/update.log");
    let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_it = |kind: &str| {
        let mut lines = log
            .iter()
            .filter(|line| line["kind"] == kind && line["update_id"] == *id);
        lines.next().unwrap_or_else(|| panic!("{kind}: {log:#?}")).clone()
    };
    let words = ["verb", "from", "to", "by"];
    assert_eq!(of(&of_it("begun"), &words), json!(["upgrade", "0a1", "0b1", who]));
    let finished = of_it("finished");
    assert_eq!(
        of(&finished, &["outcome", "from", "to"]),
        json!(["completed", "0a1", "0b1"])
    );
    assert!(finished["seconds"].as_f64().unwrap() > 0.0, "{finished}");
}

#[test]
fn what_the_policy_begins_and_what_ends_badly_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let installation = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    publisher.publish(&publisher.lamp(&Lamp {
        healthy: false,
        ..Lamp::B1
    }));
    let settings = "health: {timeout: 1s}\npolicy: {auto_upgrade: true, check_interval: 1s}\n";
    put(&installation.path("config/update.yml"), settings, 0o644);
    let server = Server::start(&installation);
    let history = format!("{API}/updates?limit=1");
    let page = server.wait(&history, |page| page["updates"][0]["outcome"] == "rolled_back");
    let id = page["updates"][0]["update_id"].as_str().unwrap().to_owned();
    server.signal(rustix::process::Signal::TERM);
    let lines = server.all_lines();
    let line = |words: &[&str]| {
        let has_all = |line: &&String| words.iter().all(|word| line.contains(word));
        assert_eq!(lines.iter().filter(has_all).count(), 1, "{words:?}: {lines:#?}");
    };
    let id = format!("update_id={id}");
    line(&["INFO update begins", &id, "order_id=", "from=0a1 to=0b1", "by=policy"]);
    line(&[
        "WARN update rolled back: ",
        "[NL0325]",
        &id,
        "outcome=\"rolled_back\"",
        "seconds=",
    ]);
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
