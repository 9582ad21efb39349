//! Migrations before the stop, in it, after it, and in the background.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::scene::Scene;
use crate::world::{Lamp, Ran, put};

const FILES: [(&str, &str); 7] = [
    (
        "V2__length.sql",
        "-- netlink: phase=before\nALTER TABLE switches ADD COLUMN length INTEGER;\n",
    ),
    ("V2__length.down.sql", "ALTER TABLE switches DROP COLUMN length;\n"),
    ("V3__rooms.sql", "CREATE TABLE rooms (id INTEGER PRIMARY KEY);\n"),
    ("V3__rooms.down.sql", "DROP TABLE rooms;\n"),
    (
        "V4__many.sql",
        "-- netlink: phase=after\nWITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 98)\n\
         INSERT INTO switches (name) SELECT 'number ' || i FROM n;\n",
    ),
    (
        "V5__fill.sql",
        "-- netlink: phase=background\nUPDATE switches SET length = length(name)\n\
         WHERE id IN (SELECT id FROM switches WHERE length IS NULL LIMIT 30);\n",
    ),
    (
        "V5__fill.verify.sql",
        "SELECT count(*) = 0 FROM switches WHERE length IS NULL;\n",
    ),
];

/// A release at schema level 5.
fn publish(scene: &Scene, version: &'static str, healthy: bool, rules: &str) {
    let release = Lamp {
        version,
        schema: 2,
        healthy,
        more: "",
    };
    let tree = scene.publisher.lamp(&release);
    for (name, sql) in FILES {
        put(&tree.join("migrations").join(name), sql, 0o644);
    }
    let manifest = std::fs::read_to_string(tree.join("release.toml")).unwrap();
    let manifest = manifest.replace("schema_level = 2\n", &format!("schema_level = 5\n{rules}"));
    put(&tree.join("release.toml"), &manifest, 0o644);
    scene.publisher.publish(&tree);
}

fn to(scene: &Scene, version: &str) -> Ran {
    scene.lamp.run(&["update", "upgrade", "--to", version, "--yes"])
}

fn one(scene: &Scene, query: &str) -> i64 {
    let db = rusqlite::Connection::open(scene.lamp.path("data/lamp.db")).unwrap();
    db.query_row(query, [], |row| row.get(0)).unwrap()
}

const LEVEL: &str = "SELECT max(version) FROM refinery_schema_history";
const FILLED: &str = "SELECT count(length) FROM switches";

/// What a step said.
#[track_caller]
fn assert_said(ran: &Ran, step: &str, said: &str) {
    let lines: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| line.starts_with(&format!("ok {step} ")))
        .collect();
    assert!(
        lines.iter().any(|line| line.contains(said)),
        "{step} did not say `{said}`: {ran}"
    );
}

#[test]
fn each_file_is_run_in_its_phase_and_the_rest_beside_the_product() {
    let scene = Scene::new();
    publish(&scene, "1a1", true, "");
    publish(&scene, "1b1", true, "requires = [\"migrations-done\"]\n");
    let settings = "update_system: {behavior: {background_pause: 0s}}\n";
    put(&scene.lamp.path("config/update.yml"), settings, 0o644);
    let went = to(&scene, "1a1").ok();
    assert_said(&went, "schema-before", "level 2: V2__length.sql");
    assert_said(&went, "schema", "level 3: V3__rooms.sql");
    assert_said(&went, "schema-after", "level 4: V4__many.sql");
    scene.lamp.assert_at("1a1");
    assert_eq!((one(&scene, LEVEL), one(&scene, FILLED)), (4, 0));
    let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
    assert_eq!(status["migrations_left"][0], "V5__fill.sql");
    to(&scene, "1b1").no(2, &["migrations-done"]);
    publish(&scene, "1r1", true, "");
    let warned = scene.lamp.run(&["update", "plan", "--to", "1r1"]).ok();
    assert!(
        warned.out.contains("is at schema level 4, 1a1 goes up to 5"),
        "{warned}"
    );

    let ran = scene.lamp.run(&["schema", "migrate"]).ok();
    for said in ["30 of about 100 rows", "100 of about 100 rows"] {
        assert!(ran.err.contains(said), "{ran}");
    }
    assert!(ran.out.contains("schema level 5, 100 rows"), "{ran}");
    assert_eq!((one(&scene, LEVEL), one(&scene, FILLED)), (5, 100));
    assert!(
        scene
            .lamp
            .run(&["schema", "migrate"])
            .ok()
            .out
            .contains("nothing is left")
    );
    scene.lamp.run(&["schema", "diff"]).ok();
    scene.lamp.assert_at("1a1");
    to(&scene, "1b1").ok();
    scene.lamp.assert_at("1b1");
}

#[test]
fn what_came_before_the_stop_is_taken_back_when_the_update_is_undone() {
    let scene = Scene::new();
    publish(&scene, "1a2", false, "");
    let settings = "health: {timeout: 150ms, interval: 30ms}\n";
    put(&scene.lamp.path("config/update.yml"), settings, 0o644);
    let failed = to(&scene, "1a2").no(1, &["NL0316"]);
    assert_said(&failed, "schema-before", "level 2: V2__length.sql");
    scene.assert_untouched_but_for_kept();
}

#[test]
fn in_the_background_it_is_left_off_and_gone_on_with() {
    let scene = Scene::new();
    publish(&scene, "1a1", true, "");
    put(
        &scene.lamp.path("config/update.yml"),
        "update_system: {behavior: {background_pause: 1h}}\n",
        0o644,
    );
    to(&scene, "1a1").ok();
    let mut command = scene.lamp.command(&["schema", "migrate"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut told)
        .unwrap();
    assert!(told.starts_with("30 of about 100 rows"), "{told}");
    // While it is at work nobody else is.
    scene
        .lamp
        .run(&["update", "upgrade-db", "--yes", "--wait", "1ms"])
        .no(75, &["netlink schema migrate"]);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = Ran::of(&child.wait_with_output().unwrap()).no(3, &["paused:"]);
    assert!(ended.out.contains("30 rows until now"), "{ended}");
    assert_eq!((one(&scene, LEVEL), one(&scene, FILLED)), (4, 30));

    put(
        &scene.lamp.path("config/update.yml"),
        "update_system: {behavior: {background_pause: 0s}}\n",
        0o644,
    );
    scene.lamp.run(&["schema", "migrate"]).ok();
    assert_eq!((one(&scene, LEVEL), one(&scene, FILLED)), (5, 100));
}

#[test]
fn the_database_alone_is_brought_there_with_all_that_is_left() {
    let scene = Scene::new();
    publish(&scene, "1a1", true, "");
    to(&scene, "1a1").ok();
    scene.lamp.run(&["update", "upgrade-db", "--yes"]).ok();
    assert_eq!((one(&scene, LEVEL), one(&scene, FILLED)), (5, 100));
    scene.lamp.assert_at("1a1");
}
