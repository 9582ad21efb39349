//! Backups by the real binary: what people run, what kills leave, what another program reads.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::scene::Scene;
use crate::sweep::stride;
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
    let pipe = lamp.path("data/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let first = lamp.run(&["backup", "create"]);
    fs::remove_file(pipe).unwrap();
    assert!(first.out.contains("1 sockets, pipes or devices are noted"), "{first}");
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

/// Kills a command at each of its changes of the disk in turn, each time in the same
/// installation anew; strace counts each kind of call by itself. Gives how
/// often it was killed.
pub fn killed_at_each(root: &Path, args: &[&str], mut after: impl FnMut(&str)) -> usize {
    let template = root.with_extension("template");
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
    copy(root, &template);
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
        for nth in (1..).step_by(stride(3)) {
            copy(&template, root);
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
                .arg(root)
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
    let killed = killed_at_each(&lamp.root, &["backup", "create"], |when| {
        assert!(whole(when) >= 1);
        // What was finished is not written again, and what was not is cleared away.
        made(lamp);
        assert!(whole(when) >= 2);
        let parts = files(&repository(lamp));
        assert!(!parts.iter().any(|(name, _)| name.ends_with(".netlink-part")), "{when}");
    });
    assert!(killed > 3, "{killed}");
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let newest = id(&listed[0]).to_owned();
    assert_ne!(newest, id(&first));
    put(&lamp.path("data/notes.txt"), "other notes", 0o644);
    let last = made(lamp);
    let killed = killed_at_each(&lamp.root, &["backup", "prune"], |when| {
        whole(when);
        let place = scene.dir.path().join("after");
        let ran = lamp.run(&["backup", "restore", id(&last), "--into", place.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{when}: {ran}");
        fs::remove_dir_all(place).unwrap();
    });
    assert!(killed > 3, "{killed}");
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

/// What goes away with the old tree would take along what is mounted in it.
#[test]
fn what_is_mounted_in_a_tree_stops_a_restore_before_it_begins() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    lamp.stop();
    let backup = made(lamp);
    put(&lamp.path("data/notes.txt"), "since then", 0o644);
    put(&lamp.path("other/inside.txt"), "inside", 0o644);
    let script = r#"
        set -eu
        mkdir "$ROOT/data/mounted here"
        mount --bind "$ROOT/other" "$ROOT/data/mounted here"
        code=0
        "$NETLINK" --root "$ROOT" --yes backup restore "$ID" || code=$?
        echo "code $code"
        cat "$ROOT/data/mounted here/inside.txt" "$ROOT/data/notes.txt"
        umount "$ROOT/data/mounted here"
        "$NETLINK" --root "$ROOT" --yes backup restore "$ID"
    "#;
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "bash", "-c", script]);
    command
        .env("ROOT", &lamp.root)
        .env("NETLINK", netlink())
        .env("ID", id(&backup));
    let ran = Ran::of(&command.output().unwrap()).ok();
    assert!(ran.err.contains("mounted here cannot be restored in place"), "{ran}");
    assert!(
        ran.out.contains("code 1") && ran.out.contains("insidesince then"),
        "{ran}"
    );
    assert_eq!(lamp.text("other/inside.txt"), "inside");
    assert!(!lamp.path("data/notes.txt").exists());
}

/// Stores to a page that is mapped and already dirty change no time of the file.
#[test]
fn what_a_program_writes_to_a_mapped_file_soon_after_a_backup_is_in_the_next() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    lamp.stop();
    put(&lamp.path("data/mapped"), &"0".repeat(8192), 0o644);
    let script = "import mmap, sys\n\
        file = open(sys.argv[1], 'r+b')\n\
        pages = mmap.mmap(file.fileno(), 0)\n\
        for line in sys.stdin:\n    pages[0] = ord(line[0]); print(line[0], flush=True)\n";
    let mut writer = Command::new("python3");
    writer.args(["-c", script]).arg(lamp.path("data/mapped"));
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut says, mut hears) = (
        writer.stdin.take().unwrap(),
        BufReader::new(writer.stdout.take().unwrap()),
    );
    let mut last = Value::Null;
    for letter in ["a", "b", "c"] {
        writeln!(says, "{letter}").unwrap();
        let mut heard = String::new();
        hears.read_line(&mut heard).unwrap();
        last = made(lamp);
    }
    drop(says);
    writer.wait().unwrap();
    let into = scene.dir.path().join("mapped");
    lamp.run(&[
        "backup",
        "restore",
        id(&last),
        "--only",
        "data/mapped",
        "--into",
        into.to_str().unwrap(),
    ])
    .ok();
    assert_eq!(fs::read(into.join("data/mapped")).unwrap()[0], b'c');
}

/// A repair leads nowhere: the way back is still that of the update before it.
#[test]
fn the_backup_that_a_way_back_needs_outlives_a_repair_and_the_first_one_warns() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    put(
        &lamp.path("config/update.yml"),
        "update_system: {backup: {retention_days: 0}}\n",
        0o644,
    );
    let first = scene.upgrade().ok();
    assert!(
        first.err.contains("keys export-recovery"),
        "what losing the keys means: {first}"
    );
    let repaired = lamp.run(&["update", "upgrade", "--to", "0b1", "--full", "--yes"]).ok();
    assert!(!repaired.err.contains("keys export-recovery"), "{repaired}");
    lamp.run(&["backup", "create"]).ok();
    lamp.run(&["backup", "prune"]).ok();
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let kept = listed.as_array().unwrap();
    let before_update = |one: &&Value| {
        let update = one["kind"]["before_update"].as_str().unwrap_or_default();
        update.starts_with("update_0a1_0b1_")
    };
    assert_eq!(kept.iter().filter(before_update).count(), 1, "{listed:#}");
}
