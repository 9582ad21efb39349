//! What is large streams: memory stays bounded whatever the size of packages and data.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::{Installation, Lamp, Publisher, Ran, command};

const MEGABYTE: usize = 1 << 20;
/// Peak resident memory of a command, in bytes.
const ALLOWED: u64 = 100 << 20;

/// A file that does not compress.
fn noise(path: &Path, megabytes: usize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = BufWriter::new(fs::File::create(path).unwrap());
    let mut random: u64 = 42;
    for _ in 0..megabytes * MEGABYTE / 8 {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        file.write_all(&random.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

/// Runs a command and gives the most memory it ever had resident, as the kernel counted it.
fn peak(mut command: Command) -> (Ran, u64) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text.lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .split(' ')
                .next()?
                .parse::<u64>()
                .ok()
        });
        peak = peak.max(kilobytes.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(5));
    }
    (Ran::of(&child.wait_with_output().unwrap()), peak)
}

#[track_caller]
fn within_bounds(what: &str, command: Command) {
    let (ran, peak) = peak(command);
    ran.ok();
    assert!(peak > 0, "the memory of {what} could not be seen");
    assert!(peak < ALLOWED, "{what} took {} MB", peak >> 20);
    println!("{what}: peak {} MB", peak >> 20);
}

#[test]
fn a_package_of_300_mb_is_packed_published_and_installed_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let tree = publisher.lamp(&Lamp::A1);
    noise(&tree.join("share/noise"), 300);
    let (tree, package) = (tree.to_str().unwrap().to_owned(), publisher.text("package.tar.zst"));
    within_bounds(
        "pack",
        command(&[
            "release",
            "pack",
            &tree,
            "--platform",
            "any",
            "--out",
            &package,
            "--level",
            "1",
        ]),
    );
    fs::remove_dir_all(&tree).unwrap();
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    within_bounds(
        "publish",
        command(&["release", "publish", "--repo", &repo, "--keys", &keys, &package]),
    );
    fs::remove_file(&package).unwrap();
    let lamp = Installation {
        root: dir.path().join("lamp"),
    };
    let (url, metadata) = (publisher.url(), publisher.root_metadata());
    let init = [
        "init",
        "--product",
        "lamp",
        "--repository",
        &url,
        "--root-metadata",
        &metadata,
        "--version",
        "0a1",
    ];
    within_bounds("install", lamp.command(&init));
    within_bounds("verify", lamp.command(&["update", "verify"]));
    lamp.assert_at("0a1");
}

#[test]
fn data_of_100_mb_is_backed_up_and_restored_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    noise(&lamp.path("data/noise"), 100);
    within_bounds("upgrade", lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]));
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let elsewhere = dir.path().join("elsewhere");
    within_bounds(
        "restore",
        lamp.command(&["backup", "restore", &id, "--into", elsewhere.to_str().unwrap()]),
    );
    assert_eq!(
        fs::metadata(elsewhere.join("data/noise")).unwrap().len(),
        (100 * MEGABYTE) as u64
    );
}
