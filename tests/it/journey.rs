//! The main job: install, go up, go down, be put back; each by the commands a person types.

use std::fs;

use serde_json::Value;

use crate::world::{Installation, Lamp, Publisher, put, run};

struct Stage {
    dir: tempfile::TempDir,
    publisher: Publisher,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
        Self { dir, publisher }
    }

    fn installed(&self, version: &str) -> Installation {
        Installation::of_lamp(&self.dir.path().join("lamp"), &self.publisher, version)
    }
}

#[test]
fn up_and_down_and_back_keeps_data_and_configuration() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    lamp.assert_at("0a1");
    let edited = lamp.text("config/lamp.toml").replace("= 5 # of 10", "= 7 # mine");
    put(&lamp.path("config/lamp.toml"), &edited, 0o640);
    let before = lamp.database();

    let result = lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"])
        .ok()
        .last();
    assert_eq!(
        (&result["kind"], &result["status"]),
        (&Value::from("result"), &Value::from("completed"))
    );
    assert_eq!(
        (&result["from"], &result["to"]),
        (&Value::from("0a1"), &Value::from("0b1"))
    );
    assert!(
        result["update_id"].as_str().unwrap().starts_with("update_0a1_0b1_"),
        "{result}"
    );
    lamp.assert_at("0b1");
    assert_eq!(
        lamp.text("config/lamp.toml"),
        edited.replace("bright =", "brightness =")
    );
    assert!(lamp.database().contains("length=Integer(4)"));

    lamp.run(&["update", "upgrade", "--stable", "--yes"]).ok();
    lamp.assert_at("0r1");
    lamp.run(&["update", "downgrade", "--to", "0a1", "--yes"]).ok();
    lamp.assert_at("0a1");
    assert_eq!(lamp.database(), before);
    assert_eq!(lamp.text("config/lamp.toml"), edited);
    lamp.run(&["update", "rollback", "--yes"]).ok();
    lamp.assert_at("0r1");
    let history = lamp.run(&["update", "history", "--output", "json"]).ok().json();
    let seen: Vec<&str> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|update| update["verb"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ["rollback", "downgrade", "upgrade", "upgrade", "install"]);
}

#[test]
fn a_version_that_does_not_become_healthy_is_undone_and_not_proposed_again() {
    let stage = Stage::new();
    let broken = Lamp {
        version: "1r1",
        schema: 3,
        healthy: false,
        more: "",
    };
    stage.publisher.publish(&stage.publisher.lamp(&broken));
    let lamp = stage.installed("0b1");
    put(
        &lamp.path("config/update.yml"),
        "health: {timeout: 1s, interval: 100ms}\n",
        0o644,
    );
    let (config, database) = (lamp.text("config/lamp.toml"), lamp.database());

    let failed = lamp
        .run(&["update", "upgrade", "--latest", "--yes", "--output", "json"])
        .no(1, &[]);
    assert_eq!(failed.last()["status"], "rolled_back");
    assert_eq!(failed.last()["failed_step"], "health");
    lamp.assert_at("0b1");
    assert_eq!((lamp.text("config/lamp.toml"), lamp.database()), (config, database));
    lamp.run(&["update", "why"])
        .ok()
        .no(0, &["not healthy", "expected", "found"]);

    lamp.run(&["update", "check"]).no(0, &["1r1", "rolled back"]);
    let next = lamp
        .run(&["update", "upgrade", "--latest", "--yes", "--output", "json"])
        .ok();
    assert_eq!(next.last()["to"], "0r1", "{next}");
    // Once its cause is gone, the same version can be had by name.
    let again = lamp
        .run(&["update", "upgrade", "--to", "1r1", "--yes"])
        .no(1, &["not healthy"]);
    assert!(again.err.contains("rolled back"), "{again}");
    put(
        &lamp.path("config/update.yml"),
        "health: {checks: [{command: [\"true\"]}]}\n",
        0o644,
    );
    lamp.run(&["update", "upgrade", "--to", "1r1", "--yes"]).ok();
    lamp.assert_at("1r1");
}

#[test]
fn what_is_there_already_and_what_is_not_there_are_said() {
    let stage = Stage::new();
    let lamp = stage.installed("0b1");
    lamp.run(&["update", "upgrade", "--to", "0b1"])
        .no(0, &["0b1 is installed already"]);
    lamp.run(&["update", "upgrade", "--to", "9r9"])
        .no(2, &["0a1", "0b1", "0r1", "9r9"]);
    lamp.run(&["update", "upgrade", "--to", "0b"]).no(2, &["0b"]);
    lamp.run(&["update", "upgrade", "--to", "0a1"]).no(2, &["downgrade"]);
    lamp.run(&["update", "downgrade", "--to", "0r1"]).no(2, &["upgrade"]);
    lamp.run(&["update", "upgrade", "--to", "0r1"]).no(3, &["--yes"]);
    lamp.run(&["update", "status", "--update-id", "update_0a1_0b1_20260101_000000"])
        .no(2, &["history"]);
    lamp.assert_at("0b1");
}

#[test]
fn the_old_release_stays_until_the_update_is_finalized() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    assert!(lamp.path("releases/0a1/bin/lamp").exists());
    lamp.run(&["update", "finalize"]).ok().no(0, &["0a1"]);
    assert!(!lamp.path("releases/0a1").exists());
    lamp.run(&["update", "finalize"]).no(0, &["nothing"]);
    lamp.run(&["update", "rollback", "--yes"]).ok();
    lamp.assert_at("0a1");
}

#[test]
fn the_way_back_needs_no_repository_while_the_old_release_is_kept() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    fs::rename(stage.publisher.dir.join("repo"), stage.publisher.dir.join("gone")).unwrap();
    lamp.run(&["update", "check"]).no(1, &["repo"]);
    lamp.run(&["update", "rollback", "--yes"]).ok();
    lamp.assert_at("0a1");
}

#[test]
fn a_plan_is_shown_written_and_done_as_written_or_refused() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    let file = stage.dir.path().join("plan.json");
    let file = file.to_str().unwrap();
    lamp.run(&["update", "plan", "--to", "0r1", "--explain", "--out", file])
        .ok();
    lamp.run(&["update", "upgrade", "--to", "0r1", "--dry-run"]).ok();
    lamp.assert_at("0a1");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    lamp.run(&["update", "upgrade", "--plan", file, "--yes"])
        .no(2, &["update plan"]);
    lamp.run(&["update", "plan", "--to", "0r1", "--out", file]).ok();
    lamp.run(&["update", "upgrade", "--plan", file, "--yes"]).ok();
    lamp.assert_at("0r1");
}

#[test]
fn releases_come_over_http() {
    let stage = Stage::new();
    let repo = stage.publisher.text("repo");
    let serve = [
        "-u",
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "--directory",
        &repo,
    ];
    let mut server = std::process::Command::new("python3");
    let mut server = server
        .args(serve)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(server.stdout.take().unwrap()), &mut line).unwrap();
    let port: u16 = line
        .split_whitespace()
        .skip_while(|word| *word != "port")
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let lamp = stage.installed("0a1");
    let url = format!("http://127.0.0.1:{port}/");
    lamp.run(&["init", "--repository", &url]).ok();
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    server.kill().unwrap();
    server.wait().unwrap();
    lamp.assert_at("0b1");
    lamp.run(&["update", "check"]).no(1, &["NL0202", &url]);
}

#[test]
fn changelogs_come_from_the_repository_newest_first() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    let text = lamp.run(&["update", "changelog", "--since", "0a1"]).ok().out;
    assert!(
        text.find("Light number 3").unwrap() < text.find("Light number 2").unwrap(),
        "{text}"
    );
    assert!(!text.contains("Light number 1"), "{text}");
    lamp.run(&["update", "changelog"]).no(0, &["Light number 1"]);
    let markdown = lamp
        .run(&["update", "changelog", "--version", "0r1", "--format", "markdown"])
        .ok()
        .out;
    assert!(
        markdown.starts_with("# 0r1\n\n## Added\n\n- Light number 3"),
        "{markdown}"
    );
    let json = lamp
        .run(&["update", "changelog", "--version", "0r1", "--format", "json"])
        .ok()
        .json();
    assert_eq!(json["releases"][0]["sections"][0]["title"], "Added", "{json}");
}

#[test]
fn hooks_run_at_their_points_with_the_update_on_their_input() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    let log = stage.dir.path().join("hooks");
    let script = stage.dir.path().join("hook");
    put(
        &script,
        &format!("#!/bin/sh\necho \"$1 $(cat)\" >> {}\n", log.display()),
        0o755,
    );
    let points = [
        "pre-update",
        "maintenance-enter",
        "drain",
        "validate",
        "maintenance-exit",
        "post-update",
    ];
    let settings: String = points
        .iter()
        .map(|point| format!("  {point}: [{}, {point}]\n", script.display()))
        .collect();
    let writes = format!("confinement: {{writes: [{}]}}\n", stage.dir.path().display());
    put(
        &lamp.path("config/update.yml"),
        &format!("{writes}hooks:\n{settings}"),
        0o644,
    );
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    let ran = fs::read_to_string(&log).unwrap();
    let seen: Vec<&str> = ran.lines().map(|line| line.split_once(' ').unwrap().0).collect();
    assert_eq!(seen, points);
    for line in ran.lines() {
        let update: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
        assert_eq!(
            (&update["from"], &update["to"]),
            (&Value::from("0a1"), &Value::from("0b1"))
        );
    }
    // One that fails stops the update before anything was done.
    put(&script, "#!/bin/sh\necho no room on Fridays >&2\nexit 3\n", 0o755);
    lamp.run(&["update", "upgrade", "--to", "0r1", "--yes"])
        .no(1, &["hook"]);
    lamp.run(&["update", "why"]).no(0, &["no room on Fridays"]);
    lamp.assert_at("0b1");
}

#[test]
fn maintenance_by_hand_and_explanations() {
    let stage = Stage::new();
    let lamp = stage.installed("0a1");
    lamp.run(&["maintenance", "on"]).ok();
    lamp.run(&["maintenance", "status"]).no(0, &["on"]);
    lamp.run(&["maintenance", "off"]).ok();
    lamp.run(&["maintenance", "status"]).no(0, &["off"]);
    run(&["explain", "NL0316"]).no(0, &["health checks"]);
    run(&["explain", "NL4242"]).no(2, &[]);
}

#[test]
fn versions_are_sorted_compared_and_parsed() {
    use std::io::Write;
    let mut sort = crate::world::command(&["scheme", "sort"]);
    let mut child = sort
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"0r1\n1a1\n0a2\n0b1\n0a1\n")
        .unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "0a1\n0b1\n0r1\n0a2\n1a1\n");
    run(&["scheme", "parse", "0b1"]).ok();
    run(&["scheme", "parse", "0x1"]).no(2, &["0x1"]);
    run(&["scheme", "satisfies", "0b1", ">=0a1, <1a1"]).ok();
}
