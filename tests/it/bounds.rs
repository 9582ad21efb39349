//! What is large streams: memory stays bounded whatever the size of packages and data.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{Installation, Lamp, Publisher, Ran, command};

const MEGABYTE: usize = 1 << 20;
/// Peak resident memory of a command, in bytes: the promise for a package of 300 MB.
const ALLOWED: u64 = 100_000_000;

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

/// Runs its further arguments, and writes the most memory that the kernel saw them have resident, in KiB, into the first.
const METER: &str = "import resource, subprocess, sys\n\
    code = subprocess.run(sys.argv[2:]).returncode\n\
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n\
    open(sys.argv[1], 'w').write(str(peak))\n\
    sys.exit(code if code >= 0 else 128)\n";

/// Runs a command and gives the most memory it ever had resident. Asked of the kernel once it has ended, so no peak is
/// missed between two looks; the supervisor that it leaves behind does not count.
fn peak(command: &Command) -> (Ran, u64) {
    let written = tempfile::NamedTempFile::new().unwrap();
    let mut metered = Command::new("python3");
    metered
        .args(["-c", METER])
        .arg(written.path())
        .arg(command.get_program());
    metered.args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => metered.env(name, value),
            None => metered.env_remove(name),
        };
    }
    let ran = Ran::of(&metered.output().expect("python3 measures memory"));
    let kilobytes: u64 = fs::read_to_string(written.path()).unwrap().parse().unwrap_or(0);
    (ran, kilobytes * 1024)
}

#[track_caller]
fn within_bounds(what: &str, command: &Command) {
    let (ran, peak) = peak(command);
    ran.ok();
    assert!(peak > 0, "the memory of {what} could not be seen");
    assert!(peak < ALLOWED, "{what} took {} MB", peak / 1_000_000);
    println!("{what}: peak {} MB", peak / 1_000_000);
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
        &command(&[
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
        &command(&["release", "publish", "--repo", &repo, "--keys", &keys, &package]),
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
    within_bounds("install", &lamp.command(&init));
    within_bounds("verify", &lamp.command(&["update", "verify"]));
    lamp.assert_at("0a1");
}

#[test]
fn data_of_100_mb_is_backed_up_and_restored_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    noise(&lamp.path("data/noise"), 100);
    within_bounds("upgrade", &lamp.command(&["update", "upgrade", "--to", "0b1", "--yes"]));
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    let elsewhere = dir.path().join("elsewhere");
    within_bounds(
        "restore",
        &lamp.command(&["backup", "restore", &id, "--into", elsewhere.to_str().unwrap()]),
    );
    assert_eq!(
        fs::metadata(elsewhere.join("data/noise")).unwrap().len(),
        (100 * MEGABYTE) as u64
    );
}

/// From the first of these releases to the last, as a document; the file and what more it may take are counted.
#[track_caller]
fn planned_in_bounds(what: &str, releases: &str, more: &str, to: &str) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("index.json");
    let text = format!(r#"{{"scheme":"dotted","releases":[{releases}]{more}}}"#);
    fs::write(&file, &text).unwrap();
    let mut plan = command(&["plan", "--index", file.to_str().unwrap(), "--output", "json"]);
    plan.args(["--from", "1.0.0", "--to", to]);
    let (ran, peak) = peak(&plan);
    let allowed = 3 * text.len() as u64 + 50_000_000;
    let (took, size) = (peak / 1_000_000, text.len() / 1_000_000);
    assert!(peak < allowed, "{what}: {took} MB for a file of {size} MB");
    println!("{what}: {took} MB for a file of {size} MB");
    ran.ok().json()["path"].as_array().unwrap().len()
}

fn version(n: usize) -> String {
    format!("{}.{}.{}", 1 + n / 10_000, n / 100 % 100, n % 100)
}

/// What is written of each, with commas between.
fn each(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",")
}

#[test]
fn a_release_index_is_planned_over_in_three_times_its_size() {
    // Each may be entered from the ten before it; in no order.
    let ranged = each(100_000, |n| {
        let n = n * 7919 % 100_000;
        let (own, first) = (version(n), version(n.saturating_sub(10)));
        format!(r#"{{"version":"{own}","from":[">={first}, <{own}"]}}"#)
    });
    let hops = planned_in_bounds("ranges", &ranged, "", "10.99.99");
    assert!(hops > 1000, "{hops}");
    let bare = |n| format!(r#"{{"version":"{}"}}"#, version(n));
    assert_eq!(
        planned_in_bounds("bare releases", &each(300_000, bare), "", "30.99.99"),
        2
    );
}

/// What is said of each hop is not kept, however many there are.
#[test]
fn a_way_of_100_000_hops_takes_no_more() {
    const COUNT: usize = 100_000;
    let bare = |n| format!(r#"{{"version":"{}"}}"#, version(n));
    let stop = |n| format!(r#"{{"version":"{}","stop":true}}"#, version(n));
    let edge = |n| format!(r#"["{}","{}"]"#, version(n), version(n + 1));
    let edges = format!(r#","edges":[{}]"#, each(COUNT - 1, edge));
    for (what, releases, more) in [
        ("stops", each(COUNT, stop), String::new()),
        ("edges", each(COUNT, bare), edges),
    ] {
        assert_eq!(planned_in_bounds(what, &releases, &more, "10.99.99"), COUNT);
    }
}
