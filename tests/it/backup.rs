//! Backups by the real binary: what people run, what kills leave, what another program reads.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::scene::Scene;
use crate::world::{Installation, Ran, netlink, put};

fn made(lamp: &Installation) -> Value {
    lamp.run(&["backup", "create", "--output", "json"]).ok().json()
}

fn id(backup: &Value) -> &str {
    backup["id"].as_str().unwrap()
}

/// The only repository of the installation.
fn repository(lamp: &Installation) -> std::path::PathBuf {
    let mut all = fs::read_dir(lamp.path("backups/updates")).unwrap();
    all.next().unwrap().unwrap().path()
}

fn data(lamp: &Installation) -> Vec<(String, Vec<u8>)> {
    ["data", "config"]
        .iter()
        .flat_map(|tree| files(&lamp.path(tree)))
        .collect()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )),
        }
    }
    found.sort();
    found
}

#[test]
fn what_people_run_says_what_it_did() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    lamp.run(&["backup", "verify"]).ok();
    lamp.run(&["backup", "prune"]).no(2, &["NL0601", "backup create"]);
    let first = lamp.run(&["backup", "create"]);
    assert!(
        first.err.contains("recovery kit"),
        "what losing the keys means: {first}"
    );
    let first = first.ok();
    assert!(first.out.contains("made backup_0a1_"), "{first}");
    let second = made(lamp);
    assert!(second["new_bytes"].as_u64().unwrap() < 20_000 && second["duration_ms"].is_u64());
    assert_eq!((&second["version"], &second["kind"]), (&"0a1".into(), &"manual".into()));
    let drilled = lamp
        .run(&["backup", "drill", id(&second), "--output", "json"])
        .ok()
        .json();
    assert_eq!(
        (&drilled["databases"], &drilled["files"]),
        (&1.into(), &second["files"])
    );
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    assert_eq!(listed[0]["id"], second["id"]);
    assert_eq!(listed[0]["drilled"]["at"], drilled["at"]);
    lamp.run(&["backup", "verify", "--read-data", "50"]).ok();
    lamp.run(&["backup", "verify", "--read-data", "101"])
        .no(2, &["0 to 100"]);
    let place = scene.dir.path().join("elsewhere");
    let into = place.to_str().unwrap();
    lamp.run(&["backup", "restore", id(&second), "--only", "config/", "--into", into])
        .ok();
    let found: Vec<_> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(found, ["config"]);
    let pruned = lamp.run(&["backup", "prune", "--output", "json"]).ok().json();
    assert_eq!(
        (&pruned["removed"], &pruned["kept"]),
        (&Value::Array(Vec::new()), &2.into())
    );
}

#[test]
fn a_flipped_bit_is_found_and_mended_from_the_live_files() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    put(&lamp.path("data/notes.txt"), &"a note\n".repeat(50_000), 0o644);
    let backup = made(lamp);
    for pack in fs::read_dir(repository(lamp).join("packs")).unwrap() {
        let pack = pack.unwrap().path();
        let mut bytes = fs::read(&pack).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 4;
        fs::write(&pack, bytes).unwrap();
    }
    let found = lamp.run(&["backup", "verify"]);
    assert!(
        found.code != 0 && found.out.contains("damaged") && found.out.contains(id(&backup)),
        "{found}"
    );
    lamp.run(&[
        "backup",
        "restore",
        id(&backup),
        "--into",
        scene.dir.path().join("x").to_str().unwrap(),
    ])
    .no(1, &["NL0602"]);
    assert!(!scene.dir.path().join("x/data").exists());
    let repaired = lamp.run(&["backup", "repair"]);
    assert!(repaired.out.contains("put back from the live files"), "{repaired}");
    made(lamp);
    lamp.run(&["backup", "create", "--full"]).ok();
}

/// Nothing of NetLink's own code is needed to get at what it keeps.
#[test]
fn the_reader_of_last_resort_reads_what_netlink_wrote() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    put(
        &lamp.path("data/notes.txt"),
        &(0..60_000).map(|n| format!("note {n}\n")).collect::<String>(),
        0o640,
    );
    put(&lamp.path("data/deep/more.txt"), "", 0o600);
    lamp.stop();
    made(lamp);
    put(&lamp.path("data/deep/more.txt"), "more", 0o600);
    let backup = made(lamp);
    let reader = |args: &[&str]| {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python"));
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backup-reader.py"));
        command
            .arg(repository(lamp))
            .arg("--key-file")
            .arg(lamp.path(".netlink/backup.key"));
        Ran::of(&command.args(args).output().unwrap()).ok()
    };
    let listed = reader(&["list"]);
    let last: Value = serde_json::from_str(listed.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["id"], listed.out.lines().count()), (&backup["id"], 2));
    let into = scene.dir.path().join("read");
    reader(&["extract", id(&backup), into.to_str().unwrap()]);
    let read: Vec<_> = ["data", "config"]
        .iter()
        .flat_map(|tree| files(&into.join(tree)))
        .collect();
    assert_eq!(read, data(lamp));
    let some = scene.dir.path().join("some");
    reader(&["extract", id(&backup), some.to_str().unwrap(), "data/deep"]);
    assert_eq!(files(&some), [("more.txt".to_owned(), b"more".to_vec())]);
}

/// Kills a command at each of its changes of the disk in turn, each time in the same installation anew; strace counts each kind of call by itself. Gives how
/// often it was killed.
fn killed_at_each(lamp: &Installation, args: &[&str], mut after: impl FnMut(&str)) -> usize {
    let template = lamp.root.with_extension("template");
    let copy = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        assert!(
            Command::new("cp")
                .arg("-a")
                .args([from, to])
                .status()
                .unwrap()
                .success()
        );
    };
    copy(&lamp.root, &template);
    let mut killed = 0;
    for call in [
        "write",
        "pwrite64",
        "fsync",
        "rename",
        "unlink",
        "unlinkat",
        "mkdir",
        "ftruncate",
        "rmdir",
    ] {
        for nth in 1.. {
            copy(&template, &lamp.root);
            let inject = format!("inject={call}:signal=KILL:when={nth}");
            let mut command = Command::new("strace");
            command.args([
                "-qq",
                "-f",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &inject,
                "--",
            ]);
            let ran = command
                .arg(netlink())
                .arg("--root")
                .arg(&lamp.root)
                .args(args)
                .output()
                .unwrap();
            after(&format!("{args:?} killed at {call} {nth}"));
            if ran.status.success() {
                break;
            }
            killed += 1;
        }
    }
    killed
}

#[test]
fn a_backup_and_a_pruning_that_are_killed_leave_a_valid_repository_and_the_next_one_goes_on() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    lamp.stop();
    put(
        &lamp.path("config/update.yml"),
        "update_system: {backup: {retention_days: 0}}\n",
        0o644,
    );
    let first = made(lamp);
    let whole = |when: &str| {
        let found = lamp.run(&["backup", "verify", "--output", "json"]);
        assert_eq!(found.code, 0, "{when}: {found}");
        found.json()["whole"].as_array().unwrap().len()
    };
    put(
        &lamp.path("data/notes.txt"),
        &(0..30_000).map(|n| format!("note {n}\n")).collect::<String>(),
        0o644,
    );
    let killed = killed_at_each(lamp, &["backup", "create"], |when| {
        assert!(whole(when) >= 1);
        // What was finished is not written again, and what was not is cleared away.
        made(lamp);
        assert!(whole(when) >= 2);
        let parts = files(&repository(lamp));
        assert!(!parts.iter().any(|(name, _)| name.ends_with(".netlink-part")), "{when}");
    });
    assert!(killed > 10, "{killed}");
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let newest = id(&listed[0]).to_owned();
    assert_ne!(newest, id(&first));
    put(&lamp.path("data/notes.txt"), "other notes", 0o644);
    let last = made(lamp);
    let killed = killed_at_each(lamp, &["backup", "prune"], |when| {
        whole(when);
        let place = scene.dir.path().join("after");
        let ran = lamp.run(&["backup", "restore", id(&last), "--into", place.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{when}: {ran}");
        fs::remove_dir_all(place).unwrap();
    });
    assert!(killed > 10, "{killed}");
    lamp.run(&["backup", "prune"]).ok();
    assert_eq!(whole("pruned"), 1);
    let parts = files(&repository(lamp));
    assert!(!parts.iter().any(|(name, _)| name.ends_with(".netlink-part")));
}

#[test]
fn a_full_disk_in_the_midst_is_said_and_leaves_the_other_backups() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    lamp.stop();
    let first = made(lamp);
    put(
        &lamp.path("data/notes.txt"),
        &(0..30_000).map(|n| format!("note {n}\n")).collect::<String>(),
        0o644,
    );
    let mut failed = 0;
    for nth in [2, 3, 5, 8, 12] {
        let inject = format!("inject=write:error=ENOSPC:when={nth}+");
        let mut command = Command::new("strace");
        command.args(["-qq", "-f", "-o", "/dev/null", "-e", "trace=write", "-e", &inject, "--"]);
        command
            .arg(netlink())
            .arg("--root")
            .arg(&lamp.root)
            .args(["backup", "create"]);
        let ran = Ran::of(&command.output().unwrap());
        failed += usize::from(ran.code != 0);
        let found = lamp.run(&["backup", "verify"]);
        assert_eq!(found.code, 0, "{nth}: {found}");
    }
    assert!(failed > 2);
    lamp.run(&["backup", "verify", id(&first)]).ok();
    made(lamp);
}
