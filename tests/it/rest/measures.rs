//! What a monitoring system reads: in its own parser's eyes, of updates that end in each way, orders that come to nothing, and bytes that
//! were fetched in vain.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use super::steering::{pause_an_upgrade, slow_lamp};
use crate::tuf::python;
use crate::world::{Installation, Lamp, Publisher, put};

/// Read by a stranger's parser, and held against the rules for names.
#[track_caller]
fn measures(server: &Server) -> Value {
    read(server, &[])
}

/// The same; these alerts have what they ask for.
#[track_caller]
fn read(server: &Server, alerts: &[&str]) -> Value {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut reader = Command::new(python());
    reader.arg(here.join("tests/data/measures/read.py"));
    reader.args(alerts.iter().map(|path| here.join(path)));
    reader
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut reader = reader.spawn().unwrap();
    let text = server.get("/metrics").is(200).text;
    reader.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let ran = reader.wait_with_output().unwrap();
    assert!(ran.status.success(), "{}\n{text}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn unfinished(seen: &Value) -> Vec<&str> {
    let states = ["running", "paused", "stuck", "died"].into_iter();
    states
        .filter(|state| {
            let one = seen[format!("netlink_update_state{{state={state}}}")].as_f64();
            one.expect("each state is said") > 0.0
        })
        .collect()
}

fn number(seen: &Value, name: &str) -> f64 {
    seen[name].as_f64().unwrap_or_else(|| panic!("{name}: {seen:#}"))
}

const RECEIVER: &str = "notifications: {commands: [{name: book, command: [\"true\"]}]}\n";

#[test]
fn measures_are_as_prometheus_wants_them_and_alerts_ask_for_what_there_is() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(&installation.path("config/update.yml"), RECEIVER, 0o644);
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    server.wait("/health/ready", |ready| ready["ready"] == true);
    let measure = "netlink_notices_total{receiver=\"book\",result=\"delivered\"} 2";
    crate::notices::wait_for_measure(&server, measure);
    let seen = read(&server, &["packaging/prometheus/netlink.rules.yml"]);
    let completed = |strategy: &str, verb: &str| {
        let name = format!("netlink_upgrades_total{{result=completed,strategy={strategy},verb={verb}}}");
        number(&seen, &name)
    };
    assert_eq!(completed("immediate", "upgrade"), 1.0);
    // What may rise begins with none.
    assert_eq!(completed("scheduled", "downgrade"), 0.0);
    assert_eq!(number(&seen, "netlink_orders_total{kind=upgrade,result=begun}"), 1.0);
    assert_eq!(
        number(&seen, "netlink_orders_total{kind=backup_drill,result=refused}"),
        0.0
    );
    assert_eq!(unfinished(&seen), Vec::<&str>::new());
    // Who knows the older format alone gets the same samples.
    let accept = [("accept", "text/plain")];
    let plain = server.ask("GET", "/metrics", Some(&server.token), &accept, "").is(200);
    assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for counter in ["upgrades", "orders", "download_bytes", "notices"] {
        for what in ["HELP", "TYPE"] {
            let line = format!("# {what} netlink_{counter}_total ");
            assert!(plain.text.contains(&line), "{line}: {}", plain.text);
        }
    }
    assert!(
        !plain.text.contains("# UNIT") && !plain.text.contains("# EOF"),
        "{}",
        plain.text
    );
    let samples = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    assert_eq!(samples(&plain.text), samples(&server.get("/metrics").is(200).text));
    // What was refused at once was no order.
    server.upgrade("9r9").problem(422, "NL0102");
    let after = measures(&server);
    assert_eq!(number(&after, "netlink_orders_total{kind=upgrade,result=refused}"), 0.0);
    // Each counted once.
    assert_eq!(completed("immediate", "install"), 1.0);
}

#[test]
fn an_update_that_waits_or_needs_a_person_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    pause_an_upgrade(&installation);
    let server = Server::start(&installation);
    assert_eq!(unfinished(&measures(&server)), ["paused"]);
    let update = server.get(&format!("{API}/updates?limit=1")).is(200).body["updates"][0].clone();
    let id = update["update_id"].as_str().unwrap().to_owned();
    let place = format!("{API}/updates/status/{id}");
    server.post(&format!("{API}/updates/{id}/resume"), &json!({})).is(202);
    server.wait_for_step(&place, "health");
    let seen = measures(&server);
    assert_eq!(unfinished(&seen), ["running"]);
    assert_eq!(number(&seen, "netlink_update_running"), 1.0);
    let waits = server.upgrade("0r1").is(202);
    assert_eq!(number(&measures(&server), "netlink_queue_length"), 1.0);
    server
        .post(
            &format!("{API}/orders/{}/cancel", waits.body["order_id"].as_str().unwrap()),
            &json!({}),
        )
        .is(200);

    // Where there is nothing to go back to, it cannot be undone.
    let (release, aside) = (installation.path("releases/0a1"), dir.path().join("aside"));
    fs::rename(&release, &aside).unwrap();
    server.post(&format!("{API}/updates/{id}/cancel"), &json!({})).is(202);
    server.wait(&place, |update| update["state"] == "waiting");
    let seen = measures(&server);
    assert_eq!(unfinished(&seen), ["stuck"]);
    assert_eq!(number(&seen, "netlink_update_running"), 0.0);
    fs::rename(&aside, &release).unwrap();
    server.post(&format!("{API}/updates/{id}/resume"), &json!({})).is(202);
    server.wait_for(&place, "rolled_back");
    let seen = measures(&server);
    assert_eq!(unfinished(&seen), Vec::<&str>::new());
    assert_eq!(number(&seen, "netlink_rollbacks_total"), 1.0);
    assert_eq!(
        number(&seen, "netlink_orders_total{kind=upgrade,result=cancelled}"),
        1.0
    );
}

#[test]
fn what_was_fetched_in_vain_was_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let installation = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    put(
        &installation.path("config/update.yml"),
        "health: {timeout: 1s}\n",
        0o644,
    );
    publisher.publish(&publisher.lamp(&Lamp {
        healthy: false,
        ..Lamp::B1
    }));
    let server = Server::start(&installation);
    let bytes = || number(&measures(&server), "netlink_download_bytes_total");
    let before = bytes();
    // A look at what there is fetches its description.
    let check = server.get(&format!("{API}/updates/check")).is(200).body;
    let looked = bytes();
    assert!(looked > before, "{looked} {before}");
    let planned = number(&check["available"][0], "download_bytes");
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "rolled_back");
    let tried = bytes();
    assert!(planned > 0.0 && tried >= looked + planned, "{tried} {looked} {planned}");
    installation.assert_at("0a1");
}
