//! The gRPC door, asked by a stranger's client: a real `netlink serve`, real updates of a product that runs.

pub mod client;
mod crowds;
mod encrypted;
mod made;
pub mod raw;
mod refused;
mod watching;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::rest::lamp;
use crate::rest::server::{API, Server};
use crate::rest::steering::slow_lamp;
use crate::world::put;
use client::{SERVICE, ask, besides};

fn names(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

/// Waits until the update is finished.
#[track_caller]
fn finished(server: &Server, id: &str) -> Value {
    server.wait(&format!("{API}/updates/status/{id}"), |update| {
        update["state"] == "finished"
    });
    let status = ask(server, "GetUpgradeStatus", &json!({"update_id": id})).ok();
    assert_eq!(status["update"]["state"], "UPDATE_STATE_FINISHED", "{status:#}");
    status["update"].clone()
}

#[test]
fn the_eight_calls_go_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let before = installation.database();
    let server = Server::start(&installation);

    let version = ask(&server, "GetVersionInfo", &json!({})).ok();
    assert_eq!(
        (&version["product"], &version["current_version"], &version["channel"]),
        (&json!("lamp"), &json!("0a1"), &json!("alpha"))
    );
    assert_eq!(
        version["root"],
        installation.path("").to_str().unwrap().trim_end_matches('/')
    );

    let check = ask(&server, "CheckForUpdates", &json!({})).ok();
    assert_eq!(
        (
            &check["updates_available"],
            &check["latest_version"],
            &check["latest_stable"]
        ),
        (&json!(true), &json!("0r1"), &json!("0r1"))
    );
    assert_eq!(names(&check["available"], "version"), ["0b1", "0r1"]);
    assert_eq!(check["available"][0]["held"][0]["by"], "newer", "{check:#}");

    let valid = ask(
        &server,
        "ValidateUpgrade",
        &json!({"from_version": "0a1", "to_version": "0r1"}),
    )
    .ok();
    assert_eq!(
        (&valid["valid"], &valid["already_installed"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        valid["plan"]["path"].as_array().unwrap().last().unwrap()["to_version"],
        "0r1"
    );
    let steps = names(&valid["plan"]["steps"], "name");
    assert!(steps.iter().any(|step| step == "switch"), "{steps:?}");

    let dry = json!({"target_version": "0b1", "strategy": "immediate", "force": false, "dry_run": true});
    let tried = ask(&server, "TriggerUpgrade", &dry).ok();
    assert_eq!(tried["update_id"], "", "{tried:#}");
    assert_eq!(tried["dry_run"]["plan"]["to_version"], "0b1");
    let sql = tried["dry_run"]["document"]["schema"][0]["files"][0]["sql"]
        .as_str()
        .unwrap();
    assert!(sql.contains("ALTER TABLE switches"), "{tried:#}");
    installation.assert_at("0a1");

    let begun = ask(
        &server,
        "TriggerUpgrade",
        &json!({"target_version": "0b1", "strategy": "immediate"}),
    )
    .ok();
    let id = begun["update_id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&begun["success"], &begun["update"]["update_id"]),
        (&json!(true), &json!(id))
    );
    let done = finished(&server, &id);
    assert_eq!(
        (
            &done["outcome"],
            &done["from_version"],
            &done["to_version"],
            &done["verb"]
        ),
        (
            &json!("UPDATE_OUTCOME_COMPLETED"),
            &json!("0a1"),
            &json!("0b1"),
            &json!("upgrade")
        )
    );
    assert_eq!(
        done["accepted_by"],
        format!("{} (first) from 127.0.0.1", &server.token[..12])
    );
    installation.assert_at("0b1");

    let status = ask(&server, "GetUpgradeStatus", &json!({})).ok();
    assert_eq!(
        (
            &status["is_healthy"],
            &status["current_version"],
            &status["update"]["update_id"]
        ),
        (&json!(true), &json!("0b1"), &json!(id)),
        "{status:#}"
    );
    let again = ask(&server, "TriggerUpgrade", &json!({"target_version": "0b1"})).ok();
    assert_eq!(again["nothing_to_do"]["installed_version"], "0b1");
    let valid = ask(&server, "ValidateUpgrade", &json!({"to_version": "0b1"})).ok();
    assert_eq!(
        (&valid["valid"], &valid["already_installed"]),
        (&json!(true), &json!(true))
    );

    let back = ask(&server, "RollbackUpgrade", &json!({"force": false})).ok();
    let back = finished(&server, back["update_id"].as_str().unwrap());
    assert_eq!(
        (&back["verb"], &back["outcome"]),
        (&json!("rollback"), &json!("UPDATE_OUTCOME_COMPLETED"))
    );
    installation.assert_at("0a1");
    ask(&server, "RollbackUpgrade", &json!({})).no("FAILED_PRECONDITION", "NL0756");
    assert_eq!(installation.database(), before);

    // Page by page, as REST has them.
    let mut seen = Vec::new();
    let mut page = json!({"page_size": 2});
    loop {
        let answer = ask(&server, "GetUpgradeHistory", &page).ok();
        seen.extend(names(&answer["updates"], "update_id"));
        match answer["next_page_token"].as_str().unwrap() {
            "" => break,
            token => page["page_token"] = json!(token),
        }
    }
    let kept = server.get(&format!("{API}/updates")).is(200).body;
    assert_eq!(seen, names(&kept["updates"], "update_id"));
    assert_eq!(seen.len(), 3);

    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn what_is_ordered_meanwhile_waits_in_the_one_queue() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for_step(begun.header("location"), "health");
    let wanted = json!({"target_version": "0r1", "idempotency_key": "once"});
    let waits = ask(&server, "TriggerUpgrade", &wanted).ok();
    let id = waits["update_id"].as_str().unwrap().to_owned();
    assert_eq!(
        (
            &waits["order"]["state"],
            &waits["order"]["position"],
            &waits["order"]["what"]
        ),
        (&json!("ORDER_STATE_WAITING"), &json!(1), &json!("upgrade to 0r1")),
        "{waits:#}"
    );
    assert_eq!(ask(&server, "TriggerUpgrade", &wanted).ok()["update_id"], json!(id));
    let other = json!({"target_version": "0b1", "idempotency_key": "once"});
    ask(&server, "TriggerUpgrade", &other).no("FAILED_PRECONDITION", "NL0715");
    let order = server.get(&format!("{API}/orders/{id}")).is(200).body;
    assert_eq!(order["order"]["target_version"], "0r1");
    let status = ask(&server, "GetUpgradeStatus", &json!({"update_id": id})).ok();
    assert_eq!(status["order"]["order_id"], json!(id), "{status:#}");
    assert_eq!(names(&status["queue"], "order_id"), [id.as_str()]);
    // Nothing is to be seen of it yet.
    ask(&server, "WatchUpgradeStatus", &json!({"update_id": id})).no("ABORTED", "NL0734");

    std::fs::write(installation.path("lit"), "").unwrap();
    let becomes = |order: &Value| order["update_id"].is_string();
    server.wait(&format!("{API}/orders/{id}"), becomes);
    let watched = ask(&server, "WatchUpgradeStatus", &json!({"update_id": id}));
    assert_eq!(watched.end["code"], "OK", "{watched:#?}");
    assert_eq!(watched.messages.last().unwrap()["message"], "completed");
    installation.assert_at("0r1");
}

#[test]
fn an_order_that_is_being_done_runs() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start_with(&installation, &[("NETLINK_SEEDED_FAULT", "rests-when-taken")]);
    let made = server.post(&format!("{API}/backups"), &json!({})).is(202);
    let place = made.header("location").to_owned();
    server.wait(&place, |order| order["state"] == "running");
    let status = ask(&server, "GetUpgradeStatus", &json!({})).ok();
    let first = &status["queue"][0];
    assert_eq!(
        (&first["order_id"], &first["state"]),
        (&made.body["order_id"], &json!("ORDER_STATE_RUNNING")),
        "{status:#}"
    );
    std::fs::write(installation.path("go"), "").unwrap();
    assert_eq!(server.settled(&place)["state"], "done");
}

#[test]
fn one_update_may_give_the_product_another_time_to_become_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let policy = "policy: {graceful_timeout: 5m, quiet: [\"false\"]}\n";
    put(&installation.path("config/update.yml"), policy, 0o644);
    let server = Server::start(&installation);
    let wanted = |strategy: &str| json!({"target_version": "0b1", "strategy": strategy, "graceful_timeout_seconds": 1});
    ask(&server, "TriggerUpgrade", &wanted("immediate")).no("FAILED_PRECONDITION", "NL0122");
    let begun = ask(&server, "TriggerUpgrade", &wanted("graceful")).ok();
    let done = finished(&server, begun["update_id"].as_str().unwrap());
    assert_eq!(done["strategy"], "graceful");
    let watched = ask(&server, "WatchUpgradeStatus", &json!({"update_id": done["update_id"]})).messages;
    let stopped = |event: &&Value| event["step"] == "stop" && event["kind"] == "succeeded";
    let told = watched.iter().find(stopped).unwrap()["message"].as_str().unwrap();
    assert!(told.starts_with("not quiet within 1 s (exit status: 1)"), "{told}");
    // The other door takes it likewise.
    let again = json!({"target_version": "0r1", "strategy": "graceful", "graceful_timeout_seconds": 1});
    let begun = server.post(&format!("{API}/updates/upgrade"), &again).is(202);
    server.wait_for(begun.header("location"), "completed");
    let none = json!({"target_version": "0r1", "strategy": "graceful", "graceful_timeout_seconds": 0});
    server
        .post(&format!("{API}/updates/upgrade"), &none)
        .problem(400, "NL0703");
}

#[test]
fn why_not_is_said_beforehand() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    put(
        &installation.path("config/update.yml"),
        "policy: {freeze: until Friday}\n",
        0o644,
    );
    let server = Server::start(&installation);
    let asked = |message: Value| {
        let answer = ask(&server, "ValidateUpgrade", &message).ok();
        (answer["valid"].clone(), names(&answer["problems"], "code"), answer)
    };
    let (valid, why, answer) = asked(json!({"to_version": "0b1"}));
    assert_eq!((valid, why), (json!(false), vec!["NL0120".to_owned()]), "{answer:#}");
    assert_eq!(answer["plan"]["to_version"], "0b1");
    let (_, why, _) = asked(json!({"from_version": "0b1", "to_version": "0r1"}));
    assert_eq!(why, ["NL0733", "NL0120"]);
    let (_, why, answer) = asked(json!({"to_version": "9r9"}));
    assert_eq!(why, ["NL0102"]);
    assert!(
        answer["problems"][0]["detail"].as_str().unwrap().contains("0b1"),
        "{answer:#}"
    );
    let closed = ask(&server, "TriggerUpgrade", &json!({"target_version": "0b1"}));
    closed.no("ABORTED", "NL0120");
    installation.assert_at("0a1");
}

#[test]
fn health_and_reflection_ask_for_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let listed = besides(&server, &["services"]).rest().ok();
    for service in [
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        assert!(listed.as_array().unwrap().contains(&json!(service)), "{listed:#}");
    }
    for service in ["", SERVICE] {
        let health = besides(&server, &["health", service]).rest().ok();
        assert_eq!(health["status"], "SERVING", "{service}");
    }
    besides(&server, &["health", "nobody"]).rest().no("NOT_FOUND", "NL0702");
    let unknown = besides(&server, &["health", "nobody", "--watch", "1"]).next().unwrap();
    assert_eq!(unknown["status"], "SERVICE_UNKNOWN");

    let mut watch = besides(&server, &["health", "--watch", "9"]);
    assert_eq!(watch.next().unwrap()["status"], "SERVING");
    put(&installation.path("config/update.yml"), "helth: {}\n", 0o644);
    assert_eq!(watch.next().unwrap()["status"], "NOT_SERVING");
    let status = ask(&server, "GetUpgradeStatus", &json!({}));
    status.no("INTERNAL", "NL0403");
    put(&installation.path("config/update.yml"), "", 0o644);
    assert_eq!(watch.next().unwrap()["status"], "SERVING");
    // The end is told, and ends the stream.
    server.signal(Signal::TERM);
    assert_eq!(watch.next().unwrap()["status"], "NOT_SERVING");
    assert_eq!(watch.rest().end["code"], "OK");
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_said_with_the_setting_and_grpc_can_be_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    installation
        .run(&["serve", "--listen", "127.0.0.1:0", "--grpc", &address])
        .no(1, &["NL0732", &address, "server.grpc"]);
    put(&installation.path("config/update.yml"), "server: {grpc: null}\n", 0o644);
    for more in [&["--grpc", "off"][..], &[]] {
        let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
        // The setting alone, without the variable by which the tests keep servers apart.
        command.args(more).env_remove("NETLINK_SERVER_GRPC");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines
            .find(|line| line.as_ref().unwrap().contains("listening at "))
            .unwrap()
            .unwrap();
        assert!(!said.contains("gRPC"), "{said}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
