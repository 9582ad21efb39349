//! Backups of databases on servers: one moment's, whole, and without a word of the password.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Engine::{Mariadb, Postgresql};
use super::{Engine, PASSWORD, PATIENCE, Served};
use crate::world::{Ran, put};

/// Moves one from a to b again and again, each time in one transaction; both sums together stay the same.
struct Writer {
    goes_on: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn start(served: &Served) -> Self {
        let mut client = served.server.client(Some(served.server.database()));
        let client = client
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let mut child = client.spawn().unwrap();
        let goes_on = Arc::new(AtomicBool::new(true));
        let told = Arc::clone(&goes_on);
        let thread = std::thread::spawn(move || {
            let mut stdin = child.stdin.take().unwrap();
            for n in (1..=50).cycle() {
                let moved = format!(
                    "BEGIN; UPDATE a SET n = n - 1 WHERE id = {n}; UPDATE b SET n = n + 1 WHERE id = {}; COMMIT;\n",
                    51 - n
                );
                stdin.write_all(moved.as_bytes()).unwrap();
                if !told.load(Ordering::Relaxed) {
                    break;
                }
            }
            drop(stdin);
            assert!(child.wait().unwrap().success());
        });
        Self {
            goes_on,
            thread: Some(thread),
        }
    }

    fn stop(mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
    }
}

fn moved(served: &Served) -> i64 {
    served.server.own("SELECT sum(n) FROM b;").parse().unwrap()
}

fn moves_on(served: &Served) {
    let (before, began) = (moved(served), Instant::now());
    while moved(served) == before {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_of_one_moment(engine: Engine) {
    let served = Served::new(engine);
    let writer = Writer::start(&served);
    moves_on(&served);
    let id = served.made();
    moves_on(&served);
    writer.stop();
    let of_backup = served
        .lamp
        .run(&["backup", "show", &id, "--output", "json"])
        .ok()
        .json();
    assert_eq!(of_backup["record"]["dumps"], 1);
    let files = of_backup["files"].as_array().unwrap();
    let dump = files.iter().find(|file| file["path"] == served.dump_path()).unwrap();
    assert_eq!(dump["dump"]["database"], served.server.database());
    served.lamp.stop();
    let restored = served.restore(&id).ok().json();
    assert_eq!(
        (&restored["databases"], &restored["left"]),
        (&1.into(), &serde_json::Value::Null)
    );
    let sums = served
        .server
        .own("SELECT (SELECT sum(n) FROM a) + (SELECT sum(n) FROM b);");
    assert_eq!(sums, "10000");
    assert_eq!(served.server.left_beside(), "");
}

#[test]
fn a_backup_of_postgresql_is_of_one_moment_while_somebody_writes() {
    is_of_one_moment(Postgresql);
}

#[test]
fn a_backup_of_mariadb_is_of_one_moment_while_somebody_writes() {
    is_of_one_moment(Mariadb);
}

/// A second backup of what has hardly changed hardly adds anything, a drill leaves nothing, and the dump is a file to whoever wants one:
/// from NetLink and from the reader that needs none of it.
fn is_cheap_and_a_file(engine: Engine) {
    let served = Served::with_row_of(engine, 10 << 20);
    let lamp = &served.lamp;
    let first = served.backup().ok().json();
    let size = first["size"].as_u64().unwrap();
    assert!(size > 10 << 20, "{first}");
    served.server.own("UPDATE a SET n = 101 WHERE id = 7;");
    let second = served.backup().ok().json();
    assert!(second["new_bytes"].as_u64().unwrap() < 1 << 20, "{second}");
    let id = second["id"].as_str().unwrap();
    lamp.run(&["backup", "verify"]).ok();
    let before = served.everything();
    let drilled = lamp.run(&["backup", "drill", id, "--output", "json"]).ok().json();
    assert_eq!(drilled["databases"], 1);
    assert_eq!(
        (served.server.left_beside().as_str(), served.everything()),
        ("", before)
    );

    let into = served.dir.path().join("out");
    let restored = lamp.run(&[
        "backup",
        "restore",
        id,
        "--into",
        into.to_str().unwrap(),
        "--only",
        served.dump_path(),
    ]);
    restored.ok();
    assert!(!into.join("config").exists());
    let dump = fs::read(into.join(served.dump_path())).unwrap();
    let read = served.dir.path().join("read");
    let repository = fs::read_dir(lamp.path("backups/updates"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut reader = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python"));
    reader
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backup-reader.py"))
        .arg(repository);
    reader
        .arg("--key-file")
        .arg(lamp.path(".netlink/backup.key"))
        .args(["extract", id])
        .arg(&read);
    Ran::of(&reader.output().unwrap()).ok();
    assert!(fs::read(read.join(served.dump_path())).unwrap() == dump);
    match engine {
        Postgresql => {
            let listed = Command::new("pg_restore")
                .arg("--list")
                .arg(into.join(served.dump_path()))
                .output()
                .unwrap();
            assert!(String::from_utf8_lossy(&listed.stdout).contains("TABLE DATA public blobs"));
        }
        Mariadb => assert!(String::from_utf8_lossy(&dump).contains("-- Dump completed")),
    }
}

#[test]
fn a_dump_of_postgresql_is_cheap_and_a_file() {
    is_cheap_and_a_file(Postgresql);
}

#[test]
fn a_dump_of_mariadb_is_cheap_and_a_file() {
    is_cheap_and_a_file(Mariadb);
}

/// Every file below a folder that holds these bytes.
fn holding(folder: &Path, bytes: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            holding(&path, bytes, found);
        } else if meta.is_file() {
            let mut content = Vec::new();
            fs::File::open(&path).unwrap().read_to_end(&mut content).unwrap();
            if content.windows(bytes.len()).any(|window| window == bytes) {
                found.push(path.display().to_string());
            }
        }
    }
}

/// The tools are scripts that note what every user of the machine sees of a process, and what its children inherit.
fn stays_secret(engine: Engine) {
    let served = Served::new(engine);
    let seen = served.dir.path().join("seen");
    let note = format!(
        "tr '\\0' '\\n' < /proc/$$/cmdline >> {0}; tr '\\0' '\\n' < /proc/$$/environ >> {0}; echo ran $1 >> {0}; exec $real \"$@\"",
        seen.display()
    );
    served.wrap(served.dump_tool(), &note);
    let id = served.made();
    served.wrap(served.restore_tool(), &note);
    served.lamp.stop();
    let mut said = String::new();
    for ran in [
        served.lamp.run(&["backup", "drill", &id, "-v"]).ok(),
        served.restore(&id).ok(),
        served
            .lamp
            .run(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"])
            .ok(),
        served.lamp.run(&["backup", "show", &id]).ok(),
    ] {
        said += &ran.to_string();
    }
    put(&served.dir.path().join("said"), &said, 0o644);
    put(
        &served.lamp.path("config/lamp.toml"),
        &super::config(&served.server, "wr0ng-pässword"),
        0o644,
    );
    let refused = served.backup().no(1, &["NL0612"]);
    put(&served.dir.path().join("refused"), &refused.to_string(), 0o644);
    assert!(fs::read_to_string(&seen).unwrap().matches("ran ").count() >= 3);
    // Where it belongs: the product's configuration, the default that this test's release brings, and what the publisher made of it.
    for folder in ["config", "releases"] {
        fs::remove_dir_all(served.lamp.path(folder)).unwrap();
    }
    fs::remove_dir_all(served.publisher.dir.clone()).unwrap();
    for password in [PASSWORD, "wr0ng-pässword"] {
        let mut found = Vec::new();
        holding(served.dir.path(), password.as_bytes(), &mut found);
        assert_eq!(found, [""; 0]);
    }
}

#[test]
fn the_password_for_postgresql_is_nowhere() {
    stays_secret(Postgresql);
}

#[test]
fn the_password_for_mariadb_is_nowhere() {
    stays_secret(Mariadb);
}
