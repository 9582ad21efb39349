//! Updates for later, and those that nobody asked for: carried out by a real server, missed, cancelled, outliving a kill.

use std::fs;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::lamp;
use super::server::{API, Server};
use crate::calendar::{closed_now, hours, policy};
use crate::world::{Installation, Lamp, Publisher};

fn in_seconds(seconds: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Orders an upgrade at a time by the command line; the id of the order.
#[track_caller]
fn order(installation: &Installation, to: &str, at: &str) -> String {
    let order = ["update", "upgrade", "--to", to, "--at", at, "--yes", "--output", "json"];
    let ordered = installation.run(&order).ok().json();
    assert_eq!(ordered["status"], "scheduled", "{ordered:#}");
    ordered["order"]["order_id"].as_str().unwrap().to_owned()
}

/// As if it had been ordered for a time that has passed meanwhile.
fn move_to(installation: &Installation, order: &str, time: &str) {
    let db = rusqlite::Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let sql = "UPDATE orders SET not_before = ?2 WHERE id = ?1";
    assert_eq!(db.execute(sql, [order, time]).unwrap(), 1);
}

fn place(order: &str) -> String {
    format!("{API}/updates/status/{order}")
}

fn updates(installation: &Installation) -> Vec<Value> {
    let history = installation.run(&["update", "history", "--output", "json"]).ok().json();
    history.as_array().unwrap().clone()
}

#[track_caller]
fn wait_for_log(server: &Server, words: &str) {
    let began = Instant::now();
    while !server.log().contains(words) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "`{words}` is not in: {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn who_says_yes_beforehand_accepts_the_warnings_of_what_is_scheduled_too() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    installation.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    installation.run(&["update", "rollback", "--yes"]).ok();
    let at = in_seconds(3600);
    let upgrade = ["update", "upgrade", "--to", "0b1", "--at", &at];
    installation.run(&upgrade).no(3, &["NL0108", "--yes"]);
    let scheduled = installation.run(&[&upgrade[..], &["--yes", "--output", "json"]].concat());
    let scheduled = scheduled.ok().json();
    let order = &scheduled["order"];
    assert_eq!(
        (&order["state"], &order["order"]["accept_warnings"]),
        (&json!("waiting"), &json!(true)),
        "{scheduled:#}"
    );
    // What was not asked about is ordered by REST alone, in so many words.
    let server = Server::start(&installation);
    let body = json!({"target_version": "0b1", "strategy": "scheduled", "scheduled_time": at});
    let refused = server
        .post(&format!("{API}/updates/upgrade"), &body)
        .problem(409, "NL0108");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("`accept_warnings: true` goes on"), "{detail}");
}

#[test]
fn what_the_command_line_schedules_is_carried_out_by_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let id = order(&installation, "0b1", &in_seconds(3));
    let status = installation.run(&["update", "status"]).ok().out;
    assert!(status.contains("scheduled") && status.contains(&id), "{status}");
    let server = Server::start(&installation);
    let update = server.wait_for(&place(&id), "completed");
    assert_eq!(
        (&update["strategy"], &update["to"]),
        (&json!("scheduled"), &json!("0b1"))
    );
    assert!(
        update["accepted_by"].as_str().unwrap().starts_with("uid "),
        "{update:#}"
    );
    installation.assert_at("0b1");
    let metrics = server.get("/metrics").is(200).text;
    let counted = "netlink_upgrades_total{strategy=\"scheduled\",verb=\"upgrade\",result=\"completed\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn a_kill_before_the_time_changes_nothing_and_it_begins_once() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let server = Server::start(&installation);
    let wanted = json!({"target_version": "0b1", "scheduled_time": in_seconds(4)});
    let ordered = server.post(&format!("{API}/updates/upgrade"), &wanted).is(202);
    assert_eq!(ordered.body["order"]["strategy"], "scheduled", "{ordered:#?}");
    assert!(
        ordered.body["reason"].as_str().unwrap().contains("it begins at"),
        "{ordered:#?}"
    );
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    let server = Server::start(&installation);
    let update = server.wait_for(ordered.header("location"), "completed");
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    let server = Server::start(&installation);
    let again = server.wait_for(ordered.header("location"), "completed");
    assert_eq!(update["update_id"], again["update_id"]);
    let queue = server.get(&format!("{API}/updates/queue")).is(200).body;
    assert_eq!(queue["orders"], json!([]));
    assert_eq!(updates(&installation).len(), 2, "the first installation, and this");
}

#[test]
fn what_waits_for_its_time_stands_in_nobodys_way_and_is_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let id = order(&installation, "0r1", &in_seconds(3600));
    let other = order(&installation, "0r1", &in_seconds(1800));
    let server = Server::start(&installation);
    let begun = server.upgrade("0b1").is(202);
    server.wait_for(begun.header("location"), "completed");
    let queue = server.get(&format!("{API}/updates/queue")).is(200).body;
    let ids: Vec<&Value> = queue["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["order_id"])
        .collect();
    assert_eq!(ids, [&json!(other), &json!(id)], "{queue:#}");
    assert_eq!(queue["orders"][0]["position"], Value::Null);

    let cancelled = server.post(&format!("{API}/orders/{other}/cancel"), &json!({})).is(200);
    assert_eq!(cancelled.body["state"], "cancelled");
    installation.run(&["update", "cancel", &id]).ok();
    installation
        .run(&["update", "cancel", "order_0000000000000000"])
        .no(2, &["NL0718"]);
    let queue = server.get(&format!("{API}/updates/queue")).is(200).body;
    assert_eq!(queue["orders"], json!([]));
    let status = installation.run(&["update", "status", "--output", "json"]).ok().json();
    assert_eq!(status["queue"], Value::Null, "{status:#}");
}

#[test]
fn a_closed_calendar_is_a_conflict_with_the_time_to_ask_again() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    policy(&installation, &closed_now());
    let server = Server::start(&installation);
    let upgrade = format!("{API}/updates/upgrade");
    let refused = server.upgrade("0b1").problem(409, "NL0120");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((6000..=7201).contains(&seconds), "{seconds}");
    server
        .post(&format!("{API}/updates/downgrade"), &json!({"target_version": "0a1"}))
        .is(200);

    let seen = server.get(&format!("{API}/policy")).is(200).body;
    assert_eq!(
        (&seen["now"]["open"], &seen["time_zone"]),
        (&json!(false), &json!("UTC")),
        "{seen:#}"
    );
    let calendar = seen["calendar"].as_array().unwrap();
    assert_eq!(seen["now"]["changes_at"], calendar[0]["until"]);
    assert_eq!(
        (&calendar[0]["closed_by"], &calendar[1]["open"]),
        (&json!("hours"), &json!(true))
    );
    for pair in calendar.windows(2) {
        assert_eq!(pair[0]["until"], pair[1]["from"]);
    }
    assert!((27..=30).contains(&calendar.len()), "{seen:#}");
    for days in [1_i64, 62] {
        let seen = server.get(&format!("{API}/policy?days={days}")).is(200).body;
        let time = |one: &Value, key: &str| one[key].as_str().unwrap().parse::<Timestamp>().unwrap();
        let calendar = seen["calendar"].as_array().unwrap();
        let length = time(calendar.last().unwrap(), "until").duration_since(time(&calendar[0], "from"));
        assert_eq!(length, SignedDuration::from_hours(24 * days));
    }
    for days in ["0", "63", "-1", "all"] {
        server.get(&format!("{API}/policy?days={days}")).problem(400, "NL0703");
    }

    let scheduled = json!({"target_version": "0b1", "strategy": "scheduled"});
    let ordered = server.post(&upgrade, &scheduled).is(202).body;
    assert_eq!(ordered["scheduled_time"], calendar[0]["until"], "{ordered:#}");
    for (more, status, code) in [
        (json!({"scheduled_time": in_seconds(-3600)}), 409, "NL0122"),
        (json!({"scheduled_time": in_seconds(3600 * 24 * 400)}), 409, "NL0122"),
        (json!({"scheduled_time": "02:00"}), 400, "NL0703"),
        (
            json!({"scheduled_time": in_seconds(7300), "strategy": "graceful"}),
            409,
            "NL0122",
        ),
        (json!({"scheduled_time": in_seconds(60)}), 409, "NL0120"),
        (json!({"strategy": "soon"}), 400, "NL0703"),
    ] {
        let mut wanted = json!({"target_version": "0b1"});
        wanted
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        server.post(&upgrade, &wanted).problem(status, code);
    }
    let unknown = json!({"target_version": "9r9", "strategy": "scheduled"});
    server.post(&upgrade, &unknown).problem(404, "NL0102");
    let forced = json!({"target_version": "0b1", "scheduled_time": in_seconds(2), "force": true});
    let begun = server.post(&upgrade, &forced).is(202);
    server.wait_for(begun.header("location"), "completed");
    installation.assert_at("0b1");
}

#[test]
fn what_was_missed_is_skipped_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    policy(&installation, "check_interval: 1s");
    let id = order(&installation, "0b1", &in_seconds(3600));
    move_to(&installation, &id, &in_seconds(-70));
    let server = Server::start(&installation);
    let missed = server.wait(&place(&id), |order| order["state"] == "refused");
    assert_eq!(missed["problem"]["code"], "NL0121", "{missed:#}");
    assert!(
        missed["problem"]["detail"]
            .as_str()
            .unwrap()
            .contains("nobody was there"),
        "{missed:#}"
    );
    let status = installation.run(&["update", "status"]).ok().out;
    assert!(status.contains("refused") && status.contains("NL0121"), "{status}");
    let metrics = server.get("/metrics").is(200).text;
    for counted in [
        "netlink_orders_missed_total{result=\"skipped\"} 1\n",
        "netlink_orders_missed_total{result=\"made_up_for\"} 0\n",
        "netlink_orders_total{kind=\"upgrade\",result=\"refused\"} 1\n",
    ] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }
    let audit = installation.run(&["audit", "export"]).ok().out;
    assert!(
        audit.contains("order was missed") && audit.contains("failed NL0121"),
        "{audit}"
    );
    installation.assert_at("0a1");
}

#[test]
fn what_was_missed_is_made_up_for_when_the_calendar_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    policy(&installation, "check_interval: 1s, when_missed: run");
    let id = order(&installation, "0b1", &in_seconds(3600));
    move_to(&installation, &id, &in_seconds(-3600));
    policy(
        &installation,
        &format!("check_interval: 1s, when_missed: run, {}", closed_now()),
    );
    // That the audit's copies go nowhere holds nothing up.
    let server = Server::start_with(&installation, &[("NETLINK_AUDIT_COPY_TO", "/not/there/copies")]);
    let later = server.wait(&place(&id), |order| order["position"].is_null());
    let opens = server.get(&format!("{API}/policy")).is(200).body["now"]["changes_at"].clone();
    assert_eq!(
        (&later["state"], &later["scheduled_time"]),
        (&json!("waiting"), &opens),
        "{later:#}"
    );
    installation.assert_at("0a1");

    policy(&installation, "check_interval: 1s, when_missed: run, freeze: audit");
    move_to(&installation, &id, &in_seconds(-10));
    wait_for_log(&server, "updates are frozen: audit");
    let metrics = server.get("/metrics").is(200).text;
    assert!(
        metrics.contains("netlink_orders_missed_total{result=\"made_up_for\"} 1\n"),
        "{metrics}"
    );
    let held = server.get(&place(&id)).is(200).body;
    assert_eq!(held["reason"], "updates are frozen: audit", "{held:#}");
    policy(&installation, "check_interval: 1s, when_missed: run");
    server.wait_for(&place(&id), "completed");
    installation.assert_at("0b1");
}

#[test]
fn what_waits_for_its_turn_is_not_missed_by_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    policy(&installation, "check_interval: 1s");
    let server = Server::start_with(&installation, &[("NETLINK_SEEDED_FAULT", "rests-when-taken")]);
    let made = server.post(&format!("{API}/backups"), &json!({})).is(202);
    server.wait(made.header("location"), |order| order["state"] == "running");
    let id = order(&installation, "0b1", &in_seconds(4));
    let db = rusqlite::Connection::open(installation.path(".netlink/netlink.db")).unwrap();
    let began = Instant::now();
    let is_due = || {
        db.query_row("SELECT due FROM orders WHERE id = ?1", [&id], |row| {
            row.get::<_, bool>(0)
        })
    };
    while !is_due().unwrap() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    // Hours later the one before it still is at work, and the server is started anew.
    move_to(&installation, &id, &in_seconds(-7200));
    server.signal(Signal::KILL);
    assert_eq!(server.ended(), None);
    fs::write(installation.path("go"), "").unwrap();
    let server = Server::start(&installation);
    server.wait_for(&place(&id), "completed");
    installation.assert_at("0b1");
    let audit = installation.run(&["audit", "export"]).ok().out;
    assert!(!audit.contains("order was missed"), "{audit}");
}

#[test]
fn what_does_not_fit_any_more_at_its_time_is_refused_then() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let id = order(&installation, "0b1", &in_seconds(3600));
    installation.run(&["update", "upgrade", "--to", "0r1", "--yes"]).ok();
    move_to(&installation, &id, &in_seconds(-1));
    let server = Server::start(&installation);
    let refused = server.wait(&place(&id), |order| order["state"] == "refused");
    assert_eq!(refused["problem"]["code"], "NL0104", "{refused:#}");
    let audit = installation.run(&["audit", "export"]).ok().out;
    assert!(audit.contains("failed NL0104"), "{audit}");
    let status = installation.run(&["update", "status", "--output", "json"]).ok().json();
    assert_eq!(status["refused"][0]["order_id"], json!(id), "{status:#}");
    installation.assert_at("0r1");
}

const BY_ITSELF: &str = "auto_upgrade: true, check_interval: 1s";

#[test]
fn what_is_newer_is_taken_by_itself_and_not_again_once_it_was_rolled_back() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let publisher = Publisher {
        dir: dir.path().join("publisher"),
    };
    policy(&installation, BY_ITSELF);
    let server = Server::start(&installation);
    let newest = |page: &Value| page["updates"][0].clone();
    let history = format!("{API}/updates?limit=1");
    let taken = |page: &Value| newest(page)["to"] == "0r1" && newest(page)["state"] == "finished";
    let update = newest(&server.wait(&history, taken));
    assert_eq!(
        (&update["accepted_by"], &update["outcome"]),
        (&json!("policy"), &json!("completed")),
        "{update:#}"
    );

    let back = server.rollback(&json!({})).is(202);
    server.wait_for(back.header("location"), "completed");
    wait_for_log(
        &server,
        "0r1 is not taken by itself: an update to it failed or was rolled back here before",
    );
    installation.assert_at("0a1");
    let check = server.get(&format!("{API}/updates/check")).is(200).body;
    let by = |at: usize| check["available"][at]["held"][0]["by"].clone();
    assert_eq!(
        [by(0), by(1)],
        [json!("newer-failed"), json!("failed-before")],
        "{check:#}"
    );
    assert_eq!(updates(&installation).len(), 3);

    publisher.publish(&publisher.lamp(&Lamp {
        version: "0a2",
        ..Lamp::R1
    }));
    server.wait(&history, |page| {
        newest(page)["to"] == "0a2" && newest(page)["state"] == "finished"
    });
    installation.assert_at("0a2");
    wait_for_log(&server, "there is nothing newer");
    let audit = installation.run(&["audit", "export"]).ok().out;
    assert!(audit.contains("\"who\":\"policy\""), "{audit}");
}

#[test]
fn what_was_ordered_by_itself_for_later_is_looked_at_again_at_its_time() {
    for (tried, said) in [
        (true, "was rolled back here before"),
        (false, "`policy.auto_upgrade` is off"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let installation = lamp(dir.path());
        policy(
            &installation,
            &format!("{BY_ITSELF}, upgrade_strategy: scheduled, {}", closed_now()),
        );
        let server = Server::start(&installation);
        let queue = format!("{API}/updates/queue");
        let waits = server.wait(&queue, |queue| queue["orders"][0]["ordered_by"] == "policy");
        let id = waits["orders"][0]["order_id"].as_str().unwrap().to_owned();
        assert_eq!(waits["orders"][0]["order"]["target_version"], "0r1", "{waits:#}");
        if tried {
            let upgrade = [
                "update",
                "upgrade",
                "--to",
                "0r1",
                "--yes",
                "--force",
                "--strategy",
                "immediate",
            ];
            installation.run(&upgrade).ok();
            installation.run(&["update", "rollback", "--yes"]).ok();
            policy(&installation, BY_ITSELF);
        } else {
            policy(&installation, "check_interval: 1s");
        }
        let before = updates(&installation).len();
        move_to(&installation, &id, &in_seconds(-1));
        let refused = server.wait(&place(&id), |order| order["state"] != "waiting");
        assert_eq!(refused["problem"]["code"], "NL0755", "{refused:#}");
        assert!(
            refused["problem"]["detail"].as_str().unwrap().contains(said),
            "{refused:#}"
        );
        installation.assert_at("0a1");
        assert_eq!(updates(&installation).len(), before);
    }
}

#[test]
fn nothing_is_taken_by_itself_while_somebodys_update_waits_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let installation = lamp(dir.path());
    let id = order(&installation, "0b1", &in_seconds(3600));
    policy(&installation, BY_ITSELF);
    let server = Server::start(&installation);
    wait_for_log(
        &server,
        &format!("nothing is taken by itself while {id} waits: upgrade to 0b1"),
    );
    installation.assert_at("0a1");
    installation.run(&["update", "cancel", &id]).ok();
    server.wait(&format!("{API}/version"), |version| version["current_version"] == "0r1");
}

#[test]
fn what_fails_by_itself_is_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let installation = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    fs::write(
        installation.path("config/update.yml"),
        format!("health: {{timeout: 1s}}\npolicy: {{{BY_ITSELF}}}\n"),
    )
    .unwrap();
    publisher.publish(&publisher.lamp(&Lamp {
        healthy: false,
        ..Lamp::B1
    }));
    let server = Server::start(&installation);
    wait_for_log(&server, "0b1 is not taken by itself: an update to it failed");
    installation.assert_at("0a1");
    assert_eq!(updates(&installation).len(), 2);
}

#[test]
fn what_needs_a_person_is_left_to_one_and_the_rest_waits_for_its_hours() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let breaking = publisher.lamp(&Lamp {
        version: "0a2",
        ..Lamp::R1
    });
    let changelog = "---\nbreaking:\n  - {id: switch, text: The switch is gone}\n---\n# 0a2\n\n## Added\n\n- x\n";
    fs::write(breaking.join("changelog.md"), changelog).unwrap();
    publisher.publish(&breaking);
    let installation = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0r1");
    policy(&installation, BY_ITSELF);
    let server = Server::start(&installation);
    wait_for_log(&server, "0a2 is not taken by itself");
    wait_for_log(&server, "The switch is gone");
    let check = server.get(&format!("{API}/updates/check")).is(200).body;
    let held = check["available"][0]["held"].as_array().unwrap();
    assert!(held.iter().any(|one| one["by"] == "consent"), "{check:#}");
    assert_eq!(check["available"][0]["taken_at"], Value::Null);
    installation.assert_at("0r1");

    let other = Installation::of_lamp(&dir.path().join("other"), &publisher, "0a1");
    policy(
        &other,
        &format!(
            "{BY_ITSELF}, version_constraints: {{max_version: 0r1}}, {}",
            closed_now()
        ),
    );
    let server = Server::start(&other);
    wait_for_log(&server, "outside the hours of updates");
    let check = server.get(&format!("{API}/updates/check")).is(200).body;
    let opens = server.get(&format!("{API}/policy")).is(200).body["now"]["changes_at"].clone();
    let by = |at: usize| check["available"][at]["held"][0]["by"].clone();
    assert_eq!(
        [by(0), by(1), by(2)],
        [json!("newer"), json!("calendar"), json!("policy")],
        "{check:#}"
    );
    assert_eq!(check["available"][1]["taken_at"], opens, "{check:#}");
    other.assert_at("0a1");
    policy(
        &other,
        &format!(
            "{BY_ITSELF}, version_constraints: {{max_version: 0r1}}, {}",
            hours(-60, 60)
        ),
    );
    server.wait(&format!("{API}/version"), |version| version["current_version"] == "0r1");
}
