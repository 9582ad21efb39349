//! What goes wrong around an update: each is refused or undone, said with the next command, and leaves everything as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::Scene;
use crate::world::{Installation, Lamp, Publisher, Ran, put, run};

fn flip_a_byte(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(path, content).unwrap();
}

#[test]
fn a_flipped_byte_in_a_package() {
    let scene = Scene::new();
    let package = scene.target("0b1", ".tar.zst");
    flip_a_byte(&package);
    scene.upgrade().no(1, &["any.tar.zst", "signed"]);
    scene.assert_untouched();
    run(&["release", "verify", &scene.publisher.text("repo")]).no(1, &["lamp/0b1/any.tar.zst"]);
    flip_a_byte(&package);
    scene.assert_possible_now();
}

#[test]
fn metadata_that_somebody_changed() {
    let scene = Scene::new();
    let metadata = scene.publisher.dir.join("repo/metadata");
    flip_a_byte(&metadata.join("timestamp.json"));
    scene.upgrade().no(1, &["timestamp"]);
    scene.assert_untouched();
    flip_a_byte(&metadata.join("timestamp.json"));
    scene.assert_possible_now();
}

#[test]
fn metadata_of_another_publisher() {
    let scene = Scene::new();
    let other = Publisher::with_lamps(&scene.dir.path().join("other"));
    fs::remove_dir_all(scene.publisher.dir.join("repo")).unwrap();
    fs::rename(other.dir.join("repo"), scene.publisher.dir.join("repo")).unwrap();
    scene.upgrade().no(1, &["sign"]);
    scene.assert_untouched();
}

#[test]
fn metadata_older_than_what_was_seen() {
    let scene = Scene::new();
    let metadata = scene.publisher.dir.join("repo/metadata");
    let old = fs::read(metadata.join("timestamp.json")).unwrap();
    let (repo, keys) = (scene.publisher.text("repo"), scene.publisher.text("keys"));
    run(&["release", "timestamp", "--repo", &repo, "--keys", &keys]).ok();
    scene.lamp.run(&["update", "check"]).ok();
    fs::write(metadata.join("timestamp.json"), old).unwrap();
    scene.upgrade().no(1, &["timestamp"]);
    scene.assert_untouched();
}

#[test]
fn metadata_that_has_expired() {
    let scene = Scene::new();
    let repo = PathBuf::from(scene.publisher.text("repo"));
    let keys = PathBuf::from(scene.publisher.text("keys"));
    scene.publisher.timestamp_at("2020-01-01T00:00:00Z".parse().unwrap());
    scene.upgrade().no(1, &["NL0203", "expired"]);
    scene.assert_untouched();
    run(&["release", "verify", repo.to_str().unwrap()]).no(1, &["expired"]);
    run(&[
        "release",
        "timestamp",
        "--repo",
        repo.to_str().unwrap(),
        "--keys",
        keys.to_str().unwrap(),
    ])
    .ok();
    scene.assert_possible_now();
}

#[test]
fn a_repository_that_is_away_and_an_installation_without_one() {
    let scene = Scene::new();
    let (repo, away) = (scene.publisher.dir.join("repo"), scene.publisher.dir.join("away"));
    fs::rename(&repo, &away).unwrap();
    scene.upgrade().no(1, &["repo"]);
    scene.assert_untouched();
    fs::rename(&away, &repo).unwrap();
    scene.assert_possible_now();
    let bare = scene.dir.path().join("bare");
    let bare = bare.to_str().unwrap();
    run(&["--root", bare, "update", "check"]).no(2, &["not a NetLink installation", "netlink init"]);
    run(&["--root", bare, "init", "--product", "lamp"]).ok();
    run(&["--root", bare, "update", "check"]).no(2, &["--repository"]);
}

#[test]
fn a_path_that_no_rule_allows() {
    let scene = Scene::new();
    let only = Lamp {
        version: "1r1",
        schema: 3,
        healthy: true,
        more: "",
    };
    let tree = scene.publisher.lamp(&only);
    let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
    fs::write(
        tree.join("release.toml"),
        manifest.replace("from = [\"<1r1\"]", "from = [\">=1a1\"]"),
    )
    .unwrap();
    scene.publisher.publish(&tree);
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "1r1", "--yes"])
        .no(2, &["1r1", ">=1a1"]);
    scene.assert_untouched();
}

#[test]
fn a_configuration_that_the_user_broke() {
    let scene = Scene::new();
    put(&scene.lamp.path("config/lamp.toml"), "bright = = 5\n", 0o644);
    scene.upgrade().no(1, &["lamp.toml", "line 1"]);
    put(&scene.lamp.path("config/lamp.toml"), &scene.config, 0o644);
    scene.assert_untouched();
    scene.assert_possible_now();
}

#[test]
fn a_schema_that_is_ahead() {
    let scene = Scene::new();
    scene.lamp.stop();
    let path = scene.lamp.path("data/lamp.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    let ahead = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
                 VALUES (7, 'x', '2026-01-01T00:00:00Z', '1')";
    db.execute(ahead, []).unwrap();
    drop(db);
    let before = crate::world::dump(&path);
    scene.upgrade().no(2, &["schema", "7"]);
    assert_eq!(crate::world::dump(&path), before);
    assert_eq!(
        fs::read_link(scene.lamp.path("current")).unwrap(),
        Path::new("releases/0a1")
    );
}

#[test]
fn a_migration_that_fails_on_a_copy_leaves_the_product_running() {
    let scene = Scene::new();
    let bad = Lamp {
        version: "1r1",
        schema: 3,
        healthy: true,
        more: "",
    };
    let tree = scene.publisher.lamp(&bad);
    put(
        &tree.join("migrations/V3__rooms.sql"),
        "CREATE TABLE rooms (x);\nSELECT nonsense();\n",
        0o644,
    );
    scene.publisher.publish(&tree);
    let pid = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json()["product"]["pid"].clone();
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "1r1", "--yes"])
        .no(1, &["nonsense"]);
    scene.assert_untouched();
    let after = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json()["product"]["pid"].clone();
    assert_eq!(pid, after, "it was not even stopped");
}

#[test]
fn the_second_stop_of_a_path_fails_and_the_first_is_taken_back_too() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    for release in [Lamp::A1, Lamp::B1] {
        let tree = publisher.lamp(&release);
        let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
        fs::write(
            tree.join("release.toml"),
            manifest.replace("[rules]\n", "[rules]\nstop = true\n"),
        )
        .unwrap();
        publisher.publish(&tree);
    }
    let broken = Lamp {
        version: "0r1",
        healthy: false,
        ..Lamp::R1
    };
    publisher.publish(&publisher.lamp(&broken));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let health = "health: {timeout: 300ms, interval: 50ms}\n";
    put(&lamp.path("config/update.yml"), health, 0o644);
    let (config, database) = (lamp.text("config/lamp.toml"), lamp.database());
    let went = lamp
        .run(&["update", "upgrade", "--to", "0r1", "--yes"])
        .no(1, &["0a1 -> 0b1 (stop) -> 0r1"]);
    assert!(
        went.err.contains("current -> releases/0b1"),
        "it stopped at 0b1 on its way: {went}"
    );
    lamp.assert_at("0a1");
    assert_eq!((lamp.text("config/lamp.toml"), lamp.database()), (config, database));
    // With its cause gone the same way is gone to its end.
    put(
        &lamp.path("config/update.yml"),
        "health: {checks: [{command: [\"true\"]}]}\n",
        0o644,
    );
    lamp.run(&["update", "upgrade", "--to", "0r1", "--yes"]).ok();
    lamp.assert_at("0r1");
    let backups = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let of = |version: &str| {
        backups
            .as_array()
            .unwrap()
            .iter()
            .any(|backup| backup["version"] == version)
    };
    assert!(of("0a1") && of("0b1"), "one before each stop: {backups:#}");
    lamp.run(&["update", "rollback", "--yes"]).ok();
    lamp.assert_at("0a1");
}

#[test]
fn a_product_without_health_checks_that_ends_at_once() {
    let scene = Scene::new();
    let quick = Lamp {
        version: "1r1",
        ..Lamp::R1
    };
    let tree = scene.publisher.lamp(&quick);
    let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
    let (before, after) = manifest.split_once("[[health]]").unwrap();
    let without = format!("{before}{}", &after[after.find("[database]").unwrap()..]);
    fs::write(tree.join("release.toml"), without).unwrap();
    put(&tree.join("bin/lamp"), "#!/bin/sh\necho no bulb >&2\nexit 3\n", 0o755);
    scene.publisher.publish(&tree);
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "1r1", "--yes"])
        .no(1, &["does not stay up"]);
    scene.lamp.run(&["update", "why"]).no(0, &["no bulb"]);
    scene.assert_untouched();
}

/// Its port is taken, and whoever has it answers the health check in its place.
#[test]
fn a_product_that_dies_again_and_again_while_another_answers_for_it() {
    let scene = Scene::new();
    let dying = Lamp {
        version: "1r1",
        ..Lamp::R1
    };
    let tree = scene.publisher.lamp(&dying);
    // It lives long enough to be there when the check has passed.
    let program = "#!/bin/sh\nsleep 0.3\necho the port is taken >&2\nexit 3\n";
    put(&tree.join("bin/lamp"), program, 0o755);
    scene.publisher.publish(&tree);
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "1r1", "--yes"])
        .no(1, &["does not stay up"]);
    scene.lamp.run(&["update", "why"]).no(
        0,
        &["the port is taken", "the same process for 1 s", "exited with code 3"],
    );
    scene.assert_untouched();
}

/// `1r1` of a product that is ill until it has been started so often; it says so each time, and dies of it.
fn ill_at_first(scene: &Scene, times: u32) {
    let tree = scene.publisher.lamp(&Lamp {
        version: "1r1",
        ..Lamp::R1
    });
    let program = format!(
        "#!/bin/sh\ncd ../../data\necho start >> starts\nif [ $(wc -l < starts) -lt {times} ]; then echo 1r1 > ill; echo no bulb >&2; exit 3; fi\n\
         rm -f ill\nexec sleep 100000\n"
    );
    put(&tree.join("bin/lamp"), &program, 0o755);
    scene.publisher.publish(&tree);
}

fn ill_while_a_file_names_it(scene: &Scene, more: &str) {
    let check = "checks: [{command: [sh, -c, 'test \"$(cat $0/ill)\" != $(basename $1)', '{data}', '{release}']}]";
    let settings = format!("health: {{{check}, interval: 50ms{more}}}\n");
    put(&scene.lamp.path("config/update.yml"), &settings, 0o644);
}

/// Nothing is waited for once nothing is to come, though there is a minute for it.
#[test]
fn a_product_that_dies_however_often_it_is_started_is_undone_at_once() {
    let scene = Scene::new();
    ill_at_first(&scene, 100);
    ill_while_a_file_names_it(&scene, ", restarts: 2");
    let began = Instant::now();
    let upgrade = ["update", "upgrade", "--to", "1r1", "--yes"];
    scene
        .lamp
        .run(&upgrade)
        .no(1, &["does not stay up: exited with code 3 (after 2 restarts)"]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(45), "{took:?}");
    let why = ["running as 1r1", "exited with code 3 (after 2 restarts)", "| no bulb"];
    scene.lamp.run(&["update", "why"]).no(0, &why);
    // One more by the step that waits, which has it started anew where it died before.
    let starts = scene.lamp.text("data/starts").lines().count();
    assert!((3..=4).contains(&starts), "{starts}");
    scene.lamp.assert_at("0a1");
}

#[test]
fn a_product_that_is_well_after_some_starts_is_waited_for() {
    let scene = Scene::new();
    ill_at_first(&scene, 3);
    ill_while_a_file_names_it(&scene, "");
    scene.lamp.run(&["update", "upgrade", "--to", "1r1", "--yes"]).ok();
    scene.lamp.assert_at("1r1");
    assert_eq!(scene.lamp.text("data/starts").lines().count(), 3);
}

#[test]
fn state_of_a_newer_netlink() {
    let scene = Scene::new();
    let db = rusqlite::Connection::open(scene.lamp.path(".netlink/netlink.db")).unwrap();
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'x', '', '1')";
    db.execute(newer, []).unwrap();
    scene.upgrade().no(2, &["newer NetLink", "99"]);
    db.execute("DELETE FROM refinery_schema_history WHERE version = 99", [])
        .unwrap();
    scene.assert_untouched();
    scene.assert_possible_now();
}

#[test]
fn settings_that_are_wrong() {
    let scene = Scene::new();
    put(
        &scene.lamp.path("config/update.yml"),
        "update_system:\n  behaviour: {}\n",
        0o644,
    );
    scene.upgrade().no(2, &["behaviour", "behavior"]);
    fs::remove_file(scene.lamp.path("config/update.yml")).unwrap();
    scene.assert_untouched();
    scene.assert_possible_now();
}

#[test]
fn a_permission_that_is_missing() {
    let scene = Scene::new();
    let mut command = scene.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let is_root = fs::metadata("/proc/self").unwrap().permissions().mode() != 0 && nix_user() == 0;
    if is_root {
        open_to_all(scene.dir.path());
        command.uid(65534).gid(65534);
    } else {
        fs::set_permissions(scene.lamp.path(".netlink"), fs::Permissions::from_mode(0o500)).unwrap();
    }
    let ran = Ran::of(&command.output().unwrap());
    if !is_root {
        fs::set_permissions(scene.lamp.path(".netlink"), fs::Permissions::from_mode(0o700)).unwrap();
    }
    ran.no(1, &["NL0302"]);
    scene.assert_untouched();
}

fn nix_user() -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid()
}

/// The temporary folder itself would keep others out.
fn open_to_all(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_disk_that_is_too_small() {
    let scene = Scene::new();
    let root = scene.dir.path().join("small");
    fs::create_dir(&root).unwrap();
    let script = r#"
        set -e
        mount -t tmpfs -o size=40m none "$ROOT"
        trap '"$NETLINK" --root "$ROOT" supervise --stop' EXIT
        "$NETLINK" --root "$ROOT" init --product lamp --repository "$REPO" --root-metadata "$TRUST" --version 0a1 --yes
        dd if=/dev/zero of="$ROOT/filler" bs=4k 2>/dev/null || true
        dd if=/dev/zero of="$ROOT/filler" bs=1k seek="$(($(stat -c %s "$ROOT/filler") / 1024 - 300))" count=0 2>/dev/null
        code=0
        "$NETLINK" --root "$ROOT" update upgrade --to 0b1 --yes || code=$?
        echo "code $code"
        "$NETLINK" --root "$ROOT" update verify
        rm "$ROOT/filler"
        "$NETLINK" --root "$ROOT" update upgrade --to 0b1 --yes
    "#;
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "bash", "-c", script]);
    command.env("ROOT", &root).env("NETLINK", crate::world::netlink());
    command
        .env("REPO", scene.publisher.url())
        .env("TRUST", scene.publisher.root_metadata());
    Ran::of(&command.output().unwrap())
        .ok()
        .no(0, &["code 1", "NL0301", "room"]);
}

/// An upgrade that waits for the health of a version that has none.
struct Waiting {
    child: Child,
}

impl Waiting {
    fn new(scene: &Scene) -> Self {
        let broken = Lamp {
            version: "0b2",
            schema: 2,
            healthy: false,
            more: "",
        };
        scene.publisher.publish(&scene.publisher.lamp(&broken));
        put(
            &scene.lamp.path("config/update.yml"),
            "health: {timeout: 20s, interval: 50ms}\n",
            0o644,
        );
        let mut command = scene.lamp.command(&["update", "upgrade", "--to", "0b2", "--yes"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let waiting = Self { child };
        waiting.until(scene, "health");
        waiting
    }

    /// Until this step is being done.
    fn until(&self, scene: &Scene, step: &str) {
        let began = Instant::now();
        loop {
            let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
            let steps = status["update"]["steps"].as_array().cloned().unwrap_or_default();
            if steps.iter().any(|one| one["step"] == step && one["state"] == "started") {
                assert_eq!(status["update"]["state"], "running", "{status:#}");
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{status:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    fn end(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_second_update_at_the_same_time() {
    let scene = Scene::new();
    let first = Waiting::new(&scene);
    let second = scene.upgrade().no(75, &["netlink update", "process"]);
    assert!(second.err.contains(&first.child.id().to_string()), "{second}");
    // Two of one kind could become one on their way.
    first.signal("INT");
    first.signal("TERM");
    assert_eq!(first.end(), Some(1));
    scene.assert_untouched();
}

#[test]
fn killed_in_the_middle_and_resumed() {
    let scene = Scene::new();
    let update = Waiting::new(&scene);
    update.signal("KILL");
    update.end();
    scene
        .lamp
        .run(&["update", "status"])
        .no(0, &["died", "netlink update resume"]);
    put(
        &scene.lamp.path("config/update.yml"),
        "health: {timeout: 1s, interval: 50ms}\n",
        0o644,
    );
    scene.lamp.run(&["update", "resume"]).no(1, &["0a1 is in place"]);
    scene.assert_untouched();
    scene.lamp.run(&["update", "resume"]).no(0, &["nothing to do"]);
}

#[test]
fn killed_in_the_middle_and_settled_by_the_next_update() {
    let scene = Scene::new();
    let update = Waiting::new(&scene);
    update.signal("KILL");
    update.end();
    put(
        &scene.lamp.path("config/update.yml"),
        "health: {timeout: 1s, interval: 50ms}\n",
        0o644,
    );
    let args = ["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"];
    let ran = scene.lamp.run(&args).ok();
    let kinds: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let at = |kind: &str| kinds.iter().position(|event| event["kind"] == kind);
    let (first, then) = (at("settling").unwrap(), at("settled").unwrap());
    assert!(first < then, "{ran}");
    let said = kinds[first]["message"].as_str().unwrap();
    assert!(said.contains("to 0b2 was left unfinished"), "{ran}");
    let result = ran.last();
    assert_eq!(
        (&result["to"], &result["status"]),
        (&"0b1".into(), &"completed".into()),
        "{ran}"
    );
    let before = &result["before"];
    assert_eq!(
        (&before["to"], &before["status"]),
        (&"0b2".into(), &"rolled_back".into()),
        "{ran}"
    );
    scene.lamp.assert_at("0b1");
}

#[test]
fn paused_by_ctrl_c_and_resumed_or_rolled_back() {
    let scene = Scene::new();
    put(
        &scene.lamp.path("config/update.yml"),
        "hooks: {pre-update: [sleep, \"1\"]}\n",
        0o644,
    );
    let mut command = scene.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let mut paused = || {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(
            Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(3));
        scene
            .lamp
            .run(&["update", "status"])
            .no(0, &["waiting", "netlink update resume"]);
    };
    paused();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.assert_untouched();
    paused();
    scene.lamp.run(&["update", "resume"]).ok();
    scene.lamp.assert_at("0b1");
}

#[test]
fn a_clock_that_jumps_does_not_confuse_an_installation() {
    let scene = Scene::new();
    let db = rusqlite::Connection::open(scene.lamp.path(".netlink/netlink.db")).unwrap();
    db.execute(
        "UPDATE updates SET accepted_at = '2031-01-01T00:00:00Z', finished_at = '2031-01-01T00:00:01Z'",
        [],
    )
    .unwrap();
    drop(db);
    scene.upgrade().ok();
    scene.lamp.assert_at("0b1");
    let history = scene.lamp.run(&["update", "history", "--output", "json"]).ok().json();
    assert_eq!(history[0]["to"], "0b1", "{history:#}");
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.assert_untouched_but_for_kept();
}
