//! One thing at a time: what is ordered meanwhile waits, is told why, can be taken back, and outlives the server.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use super::from_afar::{command, there};
use super::lamp;
use super::server::{API, Server};
use super::steering::slow_lamp;
use crate::world::put;

#[test]
fn a_second_update_waits_is_told_why_and_begins_when_the_first_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let second = server.upgrade("0r1").is(202);
    let place = second.header("location").to_owned();
    let id = second.body["order_id"].as_str().unwrap().to_owned();
    assert_eq!(place, format!("{API}/updates/status/{id}"));
    assert_eq!(
        (&second.body["state"], &second.body["position"]),
        (&json!("waiting"), &json!(1))
    );
    let running = format!("update {} is running", begun.body["update_id"].as_str().unwrap());
    assert_eq!(second.body["reason"], json!(running));
    assert_eq!(second.body["order"]["target_version"], "0r1");

    // It has no events of its own.
    let events = |id: &str| server.get(&format!("{API}/updates/{id}/events"));
    let detail = |no: super::server::Answer| no.body["detail"].as_str().unwrap().to_owned();
    assert!(detail(events(&id).problem(404, "NL0406")).contains("is not an update, or not yet"));
    events("order_0000000000000000").problem(404, "NL0718");
    assert!(detail(events("order_x").problem(404, "NL0406")).contains("neither the id of an update"));

    let third = server.post(&format!("{API}/backups"), &json!({})).is(202);
    assert_eq!(
        (&third.body["position"], &third.body["reason"]),
        (&json!(2), &json!("1 order is before it"))
    );
    let third = third.body["order_id"].as_str().unwrap().to_owned();
    let orders = server.get(&format!("{API}/orders")).is(200).body;
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(3), "{orders:#}");
    let cancelled = server.post(&format!("{API}/orders/{third}/cancel"), &json!({})).is(200);
    assert_eq!(cancelled.body["state"], "cancelled");
    server
        .post(&format!("{API}/updates/{third}/cancel"), &json!({}))
        .is(200);

    fs::write(installation.path("lit"), "").unwrap();
    let update = server.wait_for(&place, "completed");
    assert_eq!((&update["from"], &update["to"]), (&json!("0b1"), &json!("0r1")));
    let order = server.get(&format!("{API}/orders/{id}")).is(200).body;
    assert_eq!(
        (&order["state"], &order["update_id"]),
        (&json!("begun"), &update["update_id"])
    );
    server
        .post(&format!("{API}/orders/{id}/cancel"), &json!({}))
        .problem(409, "NL0719");
    installation.assert_at("0r1");
    for unknown in ["order_0000000000000000", "order_x", "..%2f..%2fetc"] {
        server.get(&format!("{API}/orders/{unknown}")).problem(404, "NL0718");
    }
}

#[test]
fn what_waits_outlives_the_server_and_what_cannot_be_done_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let first = server.upgrade("0a1").is(202).header("location").to_owned();
    let second = server.upgrade("0r1").is(202).header("location").to_owned();
    server.wait_for_step(begun.header("location"), "health");
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    fs::write(installation.path("lit"), "").unwrap();
    let next = Server::start(&installation);
    next.wait_for(&second, "completed");
    let refused = next.get(&first).is(200).body;
    assert_eq!(
        (&refused["state"], &refused["problem"]["code"]),
        (&json!("refused"), &json!("NL0104"))
    );
    installation.assert_at("0r1");
    let audit = installation.run(&["audit", "export"]).ok().out;
    assert!(audit.contains("failed NL0104"), "{audit}");
}

#[test]
fn the_same_key_is_the_same_order() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let upgrade = format!("{API}/updates/upgrade");
    let wanted = json!({"target_version": "0b1"});
    let first = server.post_once(&upgrade, "k1", &wanted).is(202);
    let again = server.post_once(&upgrade, "k1", &wanted).is(202);
    assert_eq!(first.body["update_id"], again.body["update_id"]);
    server.wait_for(first.header("location"), "completed");
    let other = json!({"target_version": "0r1"});
    server.post_once(&upgrade, "k1", &other).problem(409, "NL0715");
    let rollback = format!("{API}/updates/rollback");
    server.post_once(&rollback, "k1", &wanted).problem(400, "NL0703");
    server.post_once(&rollback, "k1", &json!({})).problem(409, "NL0715");

    // A way back is not taken twice because its answer got lost.
    let back = server.post_once(&rollback, "k2", &json!({})).is(202);
    server.wait_for(back.header("location"), "completed");
    server.signal(Signal::TERM);
    assert_eq!(server.ended(), Some(0));
    let server = Server::start(&installation);
    let again = server.post_once(&rollback, "k2", &json!({})).is(202);
    assert_eq!(back.body["update_id"], again.body["update_id"]);
    installation.assert_at("0a1");

    // Of another token the key is another.
    let done = server
        .post_once(&upgrade, "k4", &json!({"target_version": "0a1"}))
        .is(200);
    let again = server
        .post_once(&upgrade, "k4", &json!({"target_version": "0a1"}))
        .is(200);
    assert_eq!(done.body, again.body);
    let made = installation
        .run(&["token", "create", "--name", "x", "--role", "operator"])
        .ok()
        .out;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    server
        .ask(
            "POST",
            &upgrade,
            Some(made.trim()),
            &headers,
            &json!({"target_version": "0a1"}).to_string(),
        )
        .is(200);
    let long = "k".repeat(256);
    server.post_once(&upgrade, &long, &wanted).problem(400, "NL0703");
}

#[test]
fn an_update_is_cancelled_between_steps_and_one_that_waits_for_a_person_is_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let installation = slow_lamp(dir.path());
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    let place = begun.header("location").to_owned();
    let id = begun.body["update_id"].as_str().unwrap().to_owned();
    server.wait_for_step(&place, "health");
    server
        .post(&format!("{API}/updates/{id}/resume"), &json!({}))
        .problem(409, "NL0402");
    server.post(&format!("{API}/updates/{id}/cancel"), &json!({})).is(202);
    server.wait_for(&place, "rolled_back");
    installation.assert_at("0a1");
    for verb in ["resume", "cancel"] {
        let path = format!("{API}/updates/{id}/{verb}");
        server.post(&path, &json!({})).problem(409, "NL0719");
        let unknown = format!("{API}/updates/update_0a1_0b1_20200101_000000/{verb}");
        server.post(&unknown, &json!({})).problem(404, "NL0406");
    }

    let mut paused = installation.command(&["update", "upgrade", "--to", "0b1", "--yes", "--quiet"]);
    let mut paused = paused.spawn().unwrap();
    let update = server.wait(&format!("{API}/updates?limit=1"), |page| {
        let steps = page["updates"][0]["steps"].as_array().unwrap();
        page["updates"][0]["state"] != "finished"
            && steps
                .iter()
                .any(|step| step["step"] == "health" && step["state"] == "started")
    })["updates"][0]
        .clone();
    rustix::process::kill_process(rustix::process::Pid::from_child(&paused), Signal::INT).unwrap();
    assert!(!paused.wait().unwrap().success());
    fs::write(installation.path("lit"), "").unwrap();
    let resume = format!("{API}/updates/{}/resume", update["update_id"].as_str().unwrap());
    let resumed = server.post(&resume, &json!({})).is(202);
    server.wait_for(resumed.header("location"), "completed");
    installation.assert_at("0b1");
    let down = server
        .post(&format!("{API}/updates/downgrade"), &json!({"target_version": "0a1"}))
        .is(202);
    server.wait_for(down.header("location"), "completed");
    installation.assert_at("0a1");
    let up = server.post(&format!("{API}/updates/downgrade"), &json!({"target_version": "0r1"}));
    if up.status != 202 {
        up.problem(409, "NL0104");
        return;
    }
    // The update before was at work to its very end: this one was taken in, and is looked at when its turn has come.
    let order = server.settled(up.header("location"));
    assert_eq!(
        (&order["state"], &order["problem"]["code"]),
        (&json!("refused"), &json!("NL0104")),
        "{order:#}"
    );
}

#[test]
fn what_is_being_done_is_said_to_run_and_not_to_wait() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let resting = [("NETLINK_SEEDED_FAULT", "rests-when-taken")];
    let server = Server::start_with(&installation, &resting);
    let made = server.post(&format!("{API}/backups"), &json!({})).is(202);
    let place = made.header("location").to_owned();
    let runs = server.wait(&place, |order| order["state"] != "waiting");
    assert_eq!(runs["state"], "running", "{runs:#}");
    assert_eq!((&runs["position"], &runs["reason"]), (&json!(null), &json!(null)));
    let id = runs["order_id"].as_str().unwrap();
    let next = server
        .post(&format!("{API}/backups"), &json!({"full": true}))
        .is(202)
        .body;
    let reason = format!("{id} is being done: make a backup");
    assert_eq!(
        (&next["state"], &next["position"], &next["reason"]),
        (&json!("waiting"), &json!(1), &json!(reason))
    );
    let cancelled = server.post(&format!("{API}/orders/{id}/cancel"), &json!({}));
    let detail = cancelled.problem(409, "NL0719").body["detail"].to_string();
    assert!(detail.contains("is being done"), "{detail}");
    let line = format!("running      make a backup ({id})\n");
    for said in [
        installation.run(&["update", "status"]).ok().out,
        there(&installation, &server, &["update", "status"]).ok().out,
    ] {
        assert!(said.contains(&line), "{said}");
    }
    let measures = server.get("/metrics").is(200).text;
    assert!(measures.contains("netlink_queue_length 1\n"), "{measures}");

    // Without its server nobody does it, and that is said.
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    let said = installation.run(&["update", "status"]).ok().out;
    assert!(said.contains("make a backup: its server ended meanwhile"), "{said}");
    let server = Server::start_with(&installation, &resting);
    let again = server.wait(&place, |order| order["state"] == "running");
    assert_eq!(again["reason"], json!(null), "{again:#}");

    // Who waits for it at the command line does so until its end.
    let mut waits = command(&installation, server.base(), &["backup", "create", "--output", "json"]);
    let waits = waits.stdout(Stdio::piped()).spawn().unwrap();
    server.wait(&format!("{API}/orders"), |all| {
        all["orders"].as_array().unwrap().len() == 3
    });
    fs::write(installation.path("go"), "").unwrap();
    assert_eq!(server.settled(&place)["state"], "done");
    let ended = waits.wait_with_output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let made: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(made["kind"], "manual", "{made:#}");
}

#[test]
fn what_cannot_be_done_is_refused_at_once_and_is_no_order() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start_with(&installation, &[("NETLINK_SEEDED_FAULT", "rests-when-taken")]);
    let backups = format!("{API}/backups");
    server
        .post(&format!("{backups}/prune"), &json!({}))
        .problem(404, "NL0601");
    server
        .post(&format!("{API}/updates/downgrade"), &json!({"target_version": "0b1"}))
        .problem(409, "NL0104");

    // Also while something is under way, and for later.
    let made = server.post(&backups, &json!({})).is(202);
    server.wait(made.header("location"), |order| order["state"] == "running");
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    for wanted in [
        json!({"target_version": "9r9"}),
        json!({"target_version": "9r9", "force": true}),
        json!({"target_version": "9r9", "scheduled_time": later.to_string()}),
    ] {
        let no = server
            .post(&format!("{API}/updates/upgrade"), &wanted)
            .problem(404, "NL0102");
        assert!(no.body["detail"].as_str().unwrap().contains("0b1"), "{no:#?}");
    }
    server
        .post(&format!("{API}/updates/downgrade"), &json!({"target_version": "9r9"}))
        .problem(404, "NL0102");
    fs::write(installation.path("go"), "").unwrap();
    let order = server.settled(made.header("location"));
    let of = |rest: &str| format!("{backups}/{}{rest}", order["result"]["id"].as_str().unwrap());

    // Without its key nothing can be done with what there is, nor added to it.
    let (key, aside) = (installation.path(".netlink/backup.key"), dir.path().join("backup.key"));
    fs::rename(&key, &aside).unwrap();
    for path in [&backups, &format!("{backups}/prune"), &of("/verify")] {
        server.post(path, &json!({})).problem(409, "NL0606");
    }
    fs::rename(&aside, &key).unwrap();

    server.post(&of("/restore"), &json!({})).problem(409, "NL0604");
    installation.stop();
    let nowhere = json!({"only": ["config/lamp.toml", "config/none.toml"]});
    let no = server.post(&of("/restore"), &nowhere).problem(422, "NL0110");
    assert!(
        no.body["detail"].as_str().unwrap().contains("config/none.toml"),
        "{no:#?}"
    );
    installation.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    installation.stop();
    server.post(&of("/restore"), &json!({})).problem(409, "NL0605");
    // A release that went well is not turned back, nor gone on with.
    let last = server.get(&format!("{API}/updates?limit=1")).is(200).body["updates"][0].clone();
    for verb in ["resume", "cancel"] {
        let path = format!("{API}/updates/{}/{verb}", last["update_id"].as_str().unwrap());
        server.post(&path, &json!({})).problem(409, "NL0719");
    }
    let all = server.get(&format!("{API}/orders")).is(200).body;
    let ids: Vec<_> = all["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["order_id"])
        .collect();
    assert_eq!(ids, [&made.body["order_id"]], "{all:#}");
    let audit = installation.run(&["audit", "export"]).ok().out;
    for code in ["NL0102", "NL0104", "NL0110", "NL0601", "NL0604", "NL0605"] {
        assert!(audit.contains(&format!("failed {code}")), "{code}: {audit}");
    }
}

#[test]
fn backups_are_made_looked_into_tried_and_restored() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let backups = format!("{API}/backups");
    let done = |path: &str, body: &serde_json::Value| {
        let place = server.post(path, body).is(202).header("location").to_owned();
        let order = server.settled(&place);
        assert_eq!(order["state"], "done", "{order:#}");
        order["result"].clone()
    };
    let made = done(&backups, &json!({"full": true}));
    let id = made["id"].as_str().unwrap().to_owned();
    let listed = server.get(&backups).is(200).body;
    assert_eq!(listed["backups"][0]["id"], json!(id));
    assert_eq!(listed["backups"][0]["state"], "whole");
    let of = |rest: &str| format!("{backups}/{id}{rest}");
    let first = server.get(&of("?limit=1")).is(200).body;
    assert_eq!(first["files"].as_array().map(Vec::len), Some(1), "{first:#}");
    let next = first["next"].as_str().unwrap();
    let second = server.get(&of(&format!("?limit=1&cursor={next}"))).is(200).body;
    assert_ne!(first["files"], second["files"]);
    let ordered = server.post_once(&backups, "b1", &json!({})).is(202);
    server.wait(ordered.header("location"), |order| order["state"] == "done");
    let again = server.post_once(&backups, "b1", &json!({})).is(202);
    assert_eq!(again.body["order_id"], ordered.body["order_id"]);
    assert_eq!(done(&of("/verify"), &json!({}))["id"], json!(id));
    assert!(done(&of("/drill"), &json!({}))["databases"].as_u64().unwrap() > 0);
    let listed = server.get(&backups).is(200).body;
    let drilled = |backup: &&serde_json::Value| backup["drilled_at"].is_string();
    let drilled: Vec<_> = listed["backups"].as_array().unwrap().iter().filter(drilled).collect();
    assert_eq!((drilled.len(), &drilled[0]["id"]), (1, &json!(id)));

    // Not over a product that runs.
    server.post(&of("/restore"), &json!({})).problem(409, "NL0604");
    let before = installation.text("config/lamp.toml");
    put(&installation.path("config/lamp.toml"), "bright = 1\n", 0o644);
    installation.stop();
    done(&of("/restore"), &json!({"only": ["config/"]}));
    assert_eq!(installation.text("config/lamp.toml"), before);
    done(&format!("{backups}/prune"), &json!({}));
    for unknown in ["backup_0a1_20200101_000000", "x", "..%2f..%2fetc%2fpasswd"] {
        server.get(&format!("{backups}/{unknown}")).problem(404, "NL0601");
        server
            .post(&format!("{backups}/{unknown}/drill"), &json!({}))
            .problem(404, "NL0601");
    }
    server
        .post(&of("/restore"), &json!({"only": ["../etc"]}))
        .problem(404, "NL0601");
}
