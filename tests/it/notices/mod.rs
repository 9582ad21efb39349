//! Notices: what receivers are told of updates, whatever happens to them, to the network, or to this program.

mod receiver;
mod trying;

use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::rest::server::{API, Server};
use crate::scene::Scene;
use crate::world::{Installation, Ran, put};
use receiver::{Answer, Receiver, Told};

const SECRET: &str = "whsec_cGxhbnRlZC1wbGFudGVkLXBsYW50ZWQtcGxhbnRlZA==";

/// Webhooks by their names, with more of the section.
fn settings(installation: &Installation, webhooks: &[(&str, &Receiver)], more: &str) {
    let each = webhooks.iter().map(|(name, to)| {
        format!(
            "    - {{name: {name}, url: \"{}\", secret: \"file:ops.secret\"}}\n",
            to.url()
        )
    });
    let each: String = each.collect();
    put(&installation.path("ops.secret"), &format!("{SECRET}\n"), 0o600);
    let text = format!("notifications:\n  timeout: 2s\n  retry_pause: 100ms\n  linger: 20s\n{more}  webhooks:\n{each}");
    put(&installation.path("config/update.yml"), &text, 0o644);
}

/// `netlink notify list`.
fn listed(installation: &Installation) -> Vec<Value> {
    let list = installation
        .run(&["notify", "list", "--limit", "1000", "--output", "json"])
        .ok()
        .json();
    let mut notices = list["notices"].as_array().unwrap().clone();
    notices.reverse();
    notices
}

fn ids(told: &[Told]) -> Vec<String> {
    told.iter().map(|one| one.header("webhook-id").to_owned()).collect()
}

/// As a stranger would check it, with nothing but a standard library.
const CHECK: &str = r#"
import base64, hashlib, hmac, sys
secret, id, time, signature = sys.argv[1:]
key = base64.b64decode(secret.removeprefix("whsec_"))
wanted = hmac.new(key, f"{id}.{time}.".encode() + sys.stdin.buffer.read(), hashlib.sha256).digest()
assert any(hmac.compare_digest(base64.b64decode(one.removeprefix("v1,")), wanted) for one in signature.split()), signature
"#;

fn is_signed_with(secret: &str, told: &Told) -> bool {
    use std::io::Write;
    let header = |name| told.header(name);
    let mut child = Command::new("python3")
        .args([
            "-c",
            CHECK,
            secret,
            header("webhook-id"),
            header("webhook-timestamp"),
            header("webhook-signature"),
        ])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(told.text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().status.success()
}

#[track_caller]
fn assert_signed(told: &Told) {
    assert!(is_signed_with(SECRET, told), "{told:#?}");
    let header = |name| told.header(name);
    let sent: i64 = header("webhook-timestamp").parse().unwrap();
    assert!((jiff::Timestamp::now().as_second() - sent).abs() < 300);
}

#[test]
fn an_upgrade_and_one_that_fails_are_told_signed_and_in_order() {
    let scene = Scene::new();
    let ops = Receiver::start();
    settings(&scene.lamp, &[("ops", &ops)], "");
    scene.upgrade().ok();
    let told = ops.told();
    assert_eq!(ops.kinds(), ["update.accepted", "update.completed"]);
    let done = &told[1];
    assert_eq!(
        (done.path.as_str(), done.header("content-type")),
        ("/hook", "application/cloudevents+json")
    );
    assert_eq!(done.header("webhook-id"), done.body["id"]);
    let data = &done.body["data"];
    assert_eq!(
        (&data["from"], &data["to"], &data["verb"]),
        (&json!("0a1"), &json!("0b1"), &json!("upgrade"))
    );
    assert_eq!(done.body["subject"], data["update_id"]);
    assert!(told[0].body["data"]["seq"].as_i64() < data["seq"].as_i64());
    told.iter().for_each(assert_signed);

    let broken = "health: {timeout: 1s, checks: [{command: [sh, -c, 'test {release} != {root}/releases/0r1']}]}\n";
    let text = scene.lamp.text("config/update.yml") + broken;
    put(&scene.lamp.path("config/update.yml"), &text, 0o644);
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "0r1", "--yes"])
        .no(1, &["NL0316"]);
    let told = ops.told().split_off(2);
    let kinds: Vec<&str> = told.iter().map(Told::kind).collect();
    assert_eq!(kinds, ["update.accepted", "update.failed", "update.rolled-back"]);
    let failed = &told[1].body["data"];
    assert_eq!((&failed["code"], &failed["step"]), (&json!("NL0316"), &json!("health")));
    told.iter().for_each(assert_signed);
    assert!(listed(&scene.lamp).iter().all(|one| one["state"] == "delivered"));
}

#[test]
fn a_receiver_that_was_down_is_told_when_it_is_there() {
    let scene = Scene::new();
    let gone = Receiver::start();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    settings(&scene.lamp, &[("ops", &gone)], "");
    let text = scene
        .lamp
        .text("config/update.yml")
        .replace(&gone.address.to_string(), &address.to_string());
    put(&scene.lamp.path("config/update.yml"), &text, 0o644);
    drop(nobody);
    let ran = scene.upgrade().ok();
    assert!(
        ran.err
            .contains("2 notices wait for ops (cannot post to http://127.0.0.1:"),
        "{ran}"
    );
    let waiting = listed(&scene.lamp);
    assert_eq!((waiting.len(), &waiting[1]["state"]), (2, &json!("waiting")));

    let ops = Receiver::start_at(address);
    let server = Server::start(&scene.lamp);
    let told = ops.wait_for(2);
    let known: Vec<&str> = waiting.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids(&told), known);
    assert_eq!(ops.kinds(), ["update.accepted", "update.completed"]);
    let measures = wait_for_measure(&server, "netlink_notices_waiting{receiver=\"ops\"} 0");
    assert!(
        measures.contains("netlink_notices_total{receiver=\"ops\",result=\"delivered\"} 2"),
        "{measures}"
    );
    assert!(
        measures.contains("netlink_notices_total{receiver=\"ops\",result=\"failed\"}"),
        "{measures}"
    );
}

/// `/metrics`, once it has this line.
#[track_caller]
pub fn wait_for_measure(server: &Server, line: &str) -> String {
    let began = Instant::now();
    loop {
        let text = server.get("/metrics").is(200).text;
        if text.contains(line) {
            return text;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no {line}: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_a_killed_command_has_not_brought_the_next_one_brings() {
    let scene = Scene::new();
    let ops = Receiver::start();
    ops.answers(&[Answer::Silence]);
    settings(&scene.lamp, &[("ops", &ops)], "");
    let mut child = scene
        .lamp
        .command(&["update", "upgrade", "--to", "0b1", "--yes"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let db = Connection::open(scene.lamp.path(".netlink/netlink.db")).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    let began = Instant::now();
    let sql = "SELECT count(*) FROM updates WHERE verb = 'upgrade' AND outcome = 'completed'";
    while db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "the upgrade does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let first = ids(&ops.wait_for(1));
    ops.answers(&[Answer::Status(200)]);
    scene.lamp.run(&["notify", "retry"]).ok();
    let told = ops.told();
    let after: Vec<&Told> = told.iter().filter(|one| one.header("webhook-id") != first[0]).collect();
    assert_eq!(after.len(), 1, "the end, once: {after:#?}");
    assert_eq!(after[0].kind(), "update.completed");
    let again = told.iter().rfind(|one| one.header("webhook-id") == first[0]).unwrap();
    assert_eq!(again.kind(), "update.accepted");
    assert!(again.text == told[0].text, "the same, whenever it is sent");
    scene.lamp.assert_at("0b1");
}

#[test]
fn an_entry_that_cannot_be_told_is_not_written_either() {
    let scene = Scene::new();
    let ops = Receiver::start();
    settings(&scene.lamp, &[("ops", &ops)], "");
    let db = Connection::open(scene.lamp.path(".netlink/netlink.db")).unwrap();
    let count = |table: &str| -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .unwrap()
    };
    let before = count("journal");
    let no = "CREATE TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'the outbox is shut'); END";
    db.execute_batch(no).unwrap();
    scene.upgrade().no(1, &["NL0404"]);
    assert_eq!((count("journal"), count("outbox")), (before, 0));
    db.execute_batch("DROP TRIGGER no").unwrap();
    assert!(ops.told().is_empty());
    scene.assert_possible_now();
    assert_eq!(ops.kinds(), ["update.accepted", "update.completed"]);
}

#[test]
fn two_processes_send_each_notice_once_and_a_slow_receiver_holds_up_nobody() {
    let scene = Scene::new();
    let (ops, slow) = (Receiver::start(), Receiver::start());
    slow.answers(&[Answer::Silence]);
    settings(&scene.lamp, &[("ops", &ops), ("slow", &slow)], "");
    let text = scene
        .lamp
        .text("config/update.yml")
        .replace("timeout: 2s", "timeout: 10m");
    let text = text.replace("linger: 20s", "linger: 1s");
    put(&scene.lamp.path("config/update.yml"), &text, 0o644);
    let server = Server::start(&scene.lamp);
    scene.upgrade().ok();
    ops.wait_for(2);
    let begun = server.upgrade("0r1").is(202);
    server.wait_for(begun.header("location"), "completed");
    let told = ops.wait_for(4);
    let mut once = ids(&told);
    once.sort();
    once.dedup();
    assert_eq!((once.len(), told.len()), (4, 4));
    // What the command gave up at its end the server tries again; nothing goes past what has not arrived.
    let mut tried = ids(&slow.told());
    tried.dedup();
    assert_eq!((tried.len(), slow.kinds()[0].as_str()), (1, "update.accepted"));
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.ended(), Some(0), "it does not wait for the slow one");
}

#[test]
fn a_command_is_told_and_its_failure_is_tried_again() {
    let scene = Scene::new();
    let script =
        "test -e ready || { echo not yet >&2; exit 1; }; cat >> told; echo \"$NETLINK_EVENT ${SECRET-none}\" >> told";
    let text = format!(
        "notifications:\n  retry_pause: 30s\n  commands:\n    - {{name: mail, command: [sh, -c, '{script}'], events: [update.completed]}}\n"
    );
    put(&scene.lamp.path("config/update.yml"), &text, 0o644);
    let mut upgrade = scene.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let ran = Ran::of(&upgrade.env("SECRET", "seen").output().unwrap()).ok();
    assert!(
        ran.err
            .contains("1 notice waits for mail (`sh` failed (exit status: 1); it last said: not yet)"),
        "{ran}"
    );
    put(&scene.lamp.path("ready"), "", 0o644);
    scene.lamp.run(&["notify", "retry"]).ok();
    let told = scene.lamp.text("told");
    let lines: Vec<&str> = told.lines().collect();
    let body: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(body["type"], "netlink.update.completed");
    assert_eq!(lines[1..], ["update.completed none"]);
}

#[test]
fn an_order_that_is_refused_later_is_told() {
    let scene = Scene::new();
    let ops = Receiver::start();
    settings(&scene.lamp, &[("ops", &ops)], "");
    let server = Server::start_with(&scene.lamp, &[("NETLINK_SEEDED_FAULT", "rests-when-taken")]);
    // Who is told no at once has heard it.
    server.upgrade("9r9").problem(422, "NL0102");
    let begun = server.post(&format!("{API}/backups"), &json!({})).is(202);
    let down = json!({"target_version": "0b1"});
    let waits = server.post(&format!("{API}/updates/downgrade"), &down).is(202);
    std::fs::write(scene.lamp.path("go"), "").unwrap();
    assert_eq!(server.settled(begun.header("location"))["state"], "done");
    let told = ops.wait_for(1);
    assert_eq!(told[0].kind(), "order.refused");
    let data = &told[0].body["data"];
    assert_eq!(
        (&data["order_id"], &data["problem"]["code"]),
        (&waits.body["order_id"], &json!("NL0104")),
        "{told:#?}"
    );
    // Nothing comes after it that came before.
    let up = server.upgrade("0b1").is(202);
    server.wait_for(up.header("location"), "completed");
    ops.wait("the end", |told| {
        told.last().is_some_and(|last| last.kind() == "update.completed")
    });
    assert_eq!(ops.kinds(), ["order.refused", "update.accepted", "update.completed"]);
}

#[test]
fn a_server_that_is_killed_while_a_notice_is_on_its_way_sends_it_again_by_the_same_name() {
    let scene = Scene::new();
    let ops = Receiver::start();
    settings(&scene.lamp, &[("ops", &ops)], "");
    // It has arrived, and the server never learns that.
    ops.answers(&[Answer::Silence, Answer::Status(200)]);
    let server = Server::start(&scene.lamp);
    let begun = server.upgrade("0b1").is(202);
    ops.wait_for(1);
    server.signal(rustix::process::Signal::KILL);
    assert_eq!(server.ended(), None);
    let server = Server::start(&scene.lamp);
    server.wait_for(begun.header("location"), "completed");
    let told = ops.wait("the end", |told| {
        told.last().is_some_and(|last| last.kind() == "update.completed")
    });
    let kinds: Vec<&str> = told.iter().map(Told::kind).collect();
    assert_eq!(kinds[..2], ["update.accepted", "update.accepted"], "{kinds:?}");
    let names = ids(&told);
    assert_eq!(names[0], names[1]);
    let other: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(
        other.len(),
        names.len() - 1,
        "only what was not known to have arrived came twice: {names:?}"
    );
    told.iter().for_each(assert_signed);
}

#[test]
fn checkpoints_of_the_audit_are_copied_off_the_host_and_vouch_for_it() {
    let scene = Scene::new();
    let vault = Receiver::start();
    settings(&scene.lamp, &[("vault", &vault)], "");
    let text = scene
        .lamp
        .text("config/update.yml")
        .replace("ops.secret\"}", "ops.secret\", events: [audit.checkpoint]}");
    put(&scene.lamp.path("config/update.yml"), &text, 0o644);
    vault.answers(&[Answer::Status(503)]);
    scene.lamp.run(&["maintenance", "on"]).ok();
    vault.wait_for(1);
    vault.answers(&[Answer::Status(200)]);
    scene.lamp.run(&["maintenance", "off"]).ok();
    let rows = scene.lamp.run(&["audit", "export"]).ok().out.lines().count();
    let newest = vault.wait("newest checkpoint", |told| {
        told.iter().any(|one| one.body["data"]["seq"] == rows)
    });
    let copies: String = newest.iter().map(|one| format!("{}\n", one.body["data"])).collect();
    let file = scene.dir.path().join("copies.jsonl");
    put(&file, &copies, 0o644);
    let verify = ["audit", "verify", "--copies", file.to_str().unwrap()];
    scene.lamp.run(&verify).ok();
    let db = Connection::open(scene.lamp.path(".netlink/netlink.db")).unwrap();
    let cut = format!(
        "DROP TRIGGER audit_stays; DROP TRIGGER audit_checkpoints_stay; \
         DELETE FROM audit WHERE seq > {0}; DELETE FROM audit_checkpoints WHERE seq > {0}",
        rows - 1
    );
    db.execute_batch(&cut).unwrap();
    scene.lamp.run(&["audit", "verify"]).ok();
    scene.lamp.run(&verify).no(1, &[&format!("row {rows} is missing")]);
}
