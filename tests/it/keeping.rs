//! What people have on an installation stays theirs, whatever happens to it while an update runs, waits or is taken back.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::scene::Scene;
use crate::world::{Ran, dump, netlink, put};

/// Has `script` run at this point of every update.
fn hook(scene: &Scene, point: &str, script: &str) {
    put(&scene.lamp.path("hook.sh"), &format!("#!/bin/sh\n{script}\n"), 0o755);
    let settings = format!("hooks: {{{point}: [./hook.sh]}}\n");
    put(&scene.lamp.path("config/update.yml"), &settings, 0o644);
}

fn product(scene: &Scene) -> serde_json::Value {
    let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
    status["product"].clone()
}

/// The supervisor dies and the product runs on, alone.
fn kill_supervisor(scene: &Scene) {
    let pid = product(scene)["pid"].as_u64().unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let supervisor = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().to_owned();
    assert!(
        Command::new("kill")
            .args(["-KILL", &supervisor])
            .status()
            .unwrap()
            .success()
    );
    let began = Instant::now();
    while product(scene)["state"] != "no-supervisor" {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", product(scene));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_was_written_before_a_rollback_is_set_aside() {
    let scene = Scene::new();
    let written = scene.dir.path().join("written.db");
    let db = rusqlite::Connection::open(&written).unwrap();
    db.execute_batch("CREATE TABLE guests (name TEXT); INSERT INTO guests VALUES ('Ada')")
        .unwrap();
    drop(db);
    hook(
        &scene,
        "validate",
        &format!("cp {} data/lamp.db; exit 1", written.display()),
    );
    let ran = scene
        .lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"])
        .no(1, &[]);
    scene.assert_untouched();
    let kept = PathBuf::from(ran.last()["set_aside"].as_str().unwrap());
    let found = fs::read_dir(&kept)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
        .join("lamp.db");
    assert!(dump(&found).contains("Ada"), "{found:?}");
    hook(&scene, "validate", "exit 0");
    scene.assert_possible_now();
    assert!(found.exists(), "kept as long as a backup of that day");
}

#[test]
fn modes_and_links_outlive_an_update_and_its_undoing() {
    let scene = Scene::new();
    scene.lamp.stop();
    let (elsewhere, link) = (scene.dir.path().join("lamp.toml"), scene.lamp.path("config/lamp.toml"));
    fs::rename(&link, &elsewhere).unwrap();
    symlink(&elsewhere, &link).unwrap();
    let (big, database) = (scene.dir.path().join("big.db"), scene.lamp.path("data/lamp.db"));
    fs::rename(&database, &big).unwrap();
    symlink(&big, &database).unwrap();
    fs::set_permissions(&big, fs::Permissions::from_mode(0o660)).unwrap();
    std::os::unix::fs::chown(&elsewhere, Some(12), Some(34)).unwrap();
    std::os::unix::fs::chown(&big, Some(12), Some(34)).unwrap();
    scene.lamp.run(&["supervise", "--start"]).ok();
    let look = || {
        [(&elsewhere, &link), (&big, &database)].map(|(file, link)| {
            assert_eq!(fs::read_link(link).unwrap(), *file);
            let meta = fs::metadata(file).unwrap();
            (meta.mode() & 0o7777, meta.uid(), meta.gid())
        })
    };
    let before = look();
    assert_eq!(before, [(0o644, 12, 34), (0o660, 12, 34)]);
    hook(&scene, "validate", "exit 1");
    scene.upgrade().no(1, &[]);
    assert_eq!(look(), before);
    scene.assert_untouched();
    hook(&scene, "validate", "exit 0");
    scene.assert_possible_now();
    assert_eq!(look(), before);
}

#[test]
fn what_the_operator_edits_meanwhile_is_kept() {
    let scene = Scene::new();
    hook(&scene, "validate", "echo '# by hand' >> config/lamp.toml; exit 1");
    scene.upgrade().no(1, &[]);
    scene.assert_untouched();
    let names = fs::read_dir(scene.lamp.path("config"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let kept: Vec<_> = names
        .filter(|name| name.to_str().unwrap().contains(".edited-during-update_0a1_0b1"))
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let text = fs::read_to_string(scene.lamp.path("config").join(&kept[0])).unwrap();
    assert!(text.contains("brightness") && text.ends_with("# by hand\n"), "{text}");
}

#[test]
fn a_product_whose_supervisor_died_runs_again_after_a_failed_update() {
    let scene = Scene::new();
    kill_supervisor(&scene);
    scene
        .lamp
        .run(&["update", "verify"])
        .no(1, &["should run", "supervise --start"]);
    hook(&scene, "validate", "exit 1");
    scene.upgrade().no(1, &[]);
    scene.assert_untouched();
}

#[test]
fn a_backup_is_not_restored_under_a_product_that_may_run() {
    let scene = Scene::new();
    let made = scene.lamp.run(&["backup", "create", "--output", "json"]).ok().json();
    let id = made["id"].as_str().unwrap();
    let restore = || scene.lamp.run(&["backup", "restore", id, "--yes"]);
    restore().no(2, &["NL0604", "supervise --stop"]);
    kill_supervisor(&scene);
    restore().no(2, &["NL0604"]);
    scene.lamp.run(&["supervise", "--start"]).ok();
    scene.assert_possible_now();
    scene.lamp.stop();
    restore().no(2, &["NL0605", "0a1", "0b1"]);
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.stop();
    put(&scene.lamp.path("config/lamp.toml"), "gone = true\n", 0o644);
    restore().ok();
    scene.lamp.run(&["supervise", "--start"]).ok();
    scene.assert_untouched_but_for_kept();
}

#[test]
fn nothing_is_given_up_while_records_disagree() {
    let scene = Scene::new();
    scene.assert_possible_now();
    let current = scene.lamp.path("current");
    fs::remove_file(&current).unwrap();
    scene
        .lamp
        .run(&["update", "finalize"])
        .no(4, &["NL0327", "active release"]);
    assert!(scene.lamp.path("releases/0a1").is_dir() && scene.lamp.path("releases/0b1").is_dir());
    symlink("releases/0b1", &current).unwrap();
    scene.lamp.run(&["update", "finalize"]).ok();
    assert!(!scene.lamp.path("releases/0a1").exists());
    scene.lamp.assert_at("0b1");
}

#[test]
fn files_that_a_product_left_in_its_tree_do_not_bar_the_way_back() {
    let scene = Scene::new();
    put(&scene.lamp.path("releases/0a1/__pycache__/lamp.pyc"), "x", 0o644);
    scene.assert_possible_now();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    fs::remove_dir_all(scene.lamp.path("releases/0a1/__pycache__")).unwrap();
    scene.assert_untouched_but_for_kept();
}

#[test]
fn a_kept_release_that_is_damaged_is_found_before_the_product_stops() {
    let scene = Scene::new();
    scene.assert_possible_now();
    let pid = product(&scene)["pid"].clone();
    put(&scene.lamp.path("releases/0a1/state"), "fime\n", 0o644);
    let ran = scene.lamp.run(&["update", "rollback", "--yes"]);
    ran.no(1, &["NL0306", "state", "releases/0a1 and it is fetched anew"]);
    assert_eq!(product(&scene)["pid"], pid, "the product was not touched");
    fs::remove_dir_all(scene.lamp.path("releases/0a1")).unwrap();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.assert_untouched_but_for_kept();
}

#[test]
fn a_lost_backup_key_is_said_and_not_replaced() {
    let scene = Scene::new();
    scene.lamp.run(&["backup", "create"]).ok();
    let (key, away) = (scene.lamp.path(".netlink/backup.key"), scene.dir.path().join("key"));
    fs::rename(&key, &away).unwrap();
    for args in [&["backup", "list"][..], &["backup", "create"], &["backup", "verify"]] {
        scene.lamp.run(args).no(2, &["NL0606", "backup.key"]);
    }
    scene.upgrade().no(1, &["backup.key"]);
    scene.assert_untouched();
    assert!(!key.exists());
    fs::rename(&away, &key).unwrap();
    scene.lamp.run(&["backup", "verify"]).ok();
    scene.assert_possible_now();
}

#[test]
fn an_update_past_its_commitment_is_finished_before_one_goes_back() {
    let scene = Scene::new();
    hook(&scene, "post-update", "exit 1");
    scene.upgrade().no(4, &["tidying up failed"]);
    scene
        .lamp
        .run(&["update", "rollback", "--yes"])
        .no(75, &["NL0407", "update resume"]);
    hook(&scene, "post-update", "exit 0");
    scene.lamp.run(&["update", "resume"]).ok();
    scene.lamp.assert_at("0b1");
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.assert_untouched_but_for_kept();
}

#[test]
fn a_command_that_outlived_netlink_does_not_work_beside_its_repetition() {
    let scene = Scene::new();
    let marker = scene.lamp.path("began");
    let script = format!(
        "[ -e {0} ] && exit 0\necho $$ > {0}.new; mv {0}.new {0}; exec sleep 3000",
        marker.display()
    );
    hook(&scene, "drain", &script);
    let mut command = scene.lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !marker.exists() {
        assert!(began.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let hook = Path::new("/proc")
        .join(fs::read_to_string(&marker).unwrap().trim())
        .join("cmdline");
    let runs = || fs::read_to_string(&hook).unwrap_or_default().contains("sleep");
    assert!(runs(), "it outlives a NetLink that is killed");
    scene.lamp.run(&["update", "resume"]).ok();
    assert!(!runs());
    scene.lamp.assert_at("0b1");
}

/// The disk fills up in the middle and stays full: there is room for nothing, not even for the journal.
#[test]
fn a_disk_that_fills_up_in_the_middle() {
    let scene = Scene::new();
    let root = scene.dir.path().join("small");
    fs::create_dir(&root).unwrap();
    let script = r#"
        set -e
        mount -t tmpfs -o size=60m none "$ROOT"
        trap '"$NETLINK" --root "$ROOT" supervise --stop' EXIT
        "$NETLINK" --root "$ROOT" init --product lamp --repository "$REPO" --root-metadata "$TRUST" --version 0a1 --yes
        printf '#!/bin/sh\ncat /dev/zero > filler 2>/dev/null\nexit 0\n' > "$ROOT/fill.sh"
        chmod 755 "$ROOT/fill.sh"
        printf 'hooks: {drain: [./fill.sh]}\n' > "$ROOT/config/update.yml"
        code=0
        "$NETLINK" --root "$ROOT" update upgrade --to 0b1 --yes || code=$?
        echo "code $code"
        "$NETLINK" --root "$ROOT" update status
        rm "$ROOT/filler" "$ROOT/config/update.yml"
        "$NETLINK" --root "$ROOT" update verify
        "$NETLINK" --root "$ROOT" update upgrade --latest --yes
    "#;
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "bash", "-c", script]);
    command.env("ROOT", &root).env("NETLINK", netlink());
    command
        .env("REPO", scene.publisher.url())
        .env("TRUST", scene.publisher.root_metadata());
    let ran = Ran::of(&command.output().unwrap()).ok();
    ran.no(0, &["code 1", "NL0301", "0a1 is in place", "0r1 is installed"]);
}

#[test]
fn two_installations_share_a_folder_of_backups() {
    let scene = Scene::new();
    let shared = scene.dir.path().join("shared");
    let settings = format!(
        "update_system: {{backup: {{directory: {}, retention_days: 0}}}}\n",
        shared.display()
    );
    let other = crate::world::Installation::of_lamp(&scene.dir.path().join("other"), &scene.publisher, "0a1");
    for lamp in [&scene.lamp, &other] {
        put(&lamp.path("config/update.yml"), &settings, 0o644);
    }
    other.run(&["backup", "create"]).ok();
    scene.assert_possible_now();
    other.run(&["backup", "verify"]).ok();
    let seen = scene.lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let root = scene.lamp.root.to_str().unwrap();
    let seen = seen.as_array().unwrap();
    assert!(
        !seen.is_empty() && seen.iter().all(|one| one["root"] == root),
        "{seen:#?}"
    );
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 2, "a repository for each");
}
