//! One file of a repository, for machines without network: trusted as far as the repository is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scene::Scene;
use crate::world::{Installation, Lamp, Publisher, Ran, put, run};

/// Makes a bundle of the scene's repository and takes the repository away.
fn bundle(scene: &Scene, from: &str, to: &str) -> PathBuf {
    let out = scene.dir.path().join("lamp.bundle");
    make(&scene.publisher, &["--from", from, "--to", to], &out).ok();
    fs::rename(scene.publisher.dir.join("repo"), scene.publisher.dir.join("away")).unwrap();
    out
}

fn make(publisher: &Publisher, more: &[&str], out: &Path) -> Ran {
    let repo = publisher.text("repo");
    let args = ["release", "bundle", "--repo", &repo, "--out", out.to_str().unwrap()];
    run(&[&args, more].concat())
}

fn upgrade(lamp: &Installation, bundle: &Path, more: &[&str]) -> Ran {
    let args = ["update", "upgrade", "--yes", "--bundle", bundle.to_str().unwrap()];
    lamp.run(&[&args, more].concat())
}

#[test]
fn a_machine_without_network_goes_up_and_back() {
    let scene = Scene::new();
    let file = bundle(&scene, "0a1", "0r1");
    scene
        .lamp
        .run(&["update", "upgrade", "--latest", "--yes"])
        .no(1, &["NL0202"]);
    let plan = ["update", "plan", "--to", "0b1", "--bundle", file.to_str().unwrap()];
    assert!(scene.lamp.run(&plan).ok().out.contains("0a1 -> 0b1"));
    upgrade(&scene.lamp, &file, &["--to", "0b1"]).ok();
    scene.lamp.assert_at("0b1");
    upgrade(&scene.lamp, &file, &["--latest"]).ok();
    scene.lamp.assert_at("0r1");
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0b1");
}

#[test]
fn only_what_is_in_the_bundle_is_to_be_had() {
    let scene = Scene::new();
    let file = bundle(&scene, "0a1", "0b1");
    upgrade(&scene.lamp, &file, &["--to", "0r1"]).no(2, &["NL0103", "0r1 has no package", "(platform)"]);
    upgrade(&scene.lamp, &file, &["--latest"]).ok();
    scene.lamp.assert_at("0b1");
}

#[test]
fn a_first_installation_needs_no_repository() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let file = dir.path().join("first.bundle");
    make(&publisher, &["--to", "0b1"], &file).ok();
    let lamp = Installation {
        root: dir.path().join("lamp"),
    };
    let root = publisher.root_metadata();
    lamp.run(&["init", "--product", "lamp", "--root-metadata", &root]).ok();
    lamp.run(&["update", "upgrade", "--latest", "--yes"])
        .no(2, &["NL0201", "name a bundle"]);
    upgrade(&lamp, &file, &["--latest"]).ok();
    lamp.assert_at("0b1");
}

#[test]
fn a_plan_remembers_its_bundle() {
    let scene = Scene::new();
    let file = bundle(&scene, "0a1", "0r1");
    let plan = scene.lamp.path("plan.json");
    let plan = plan.to_str().unwrap();
    let args = [
        "update",
        "plan",
        "--to",
        "0r1",
        "--out",
        plan,
        "--bundle",
        file.to_str().unwrap(),
    ];
    scene.lamp.run(&args).ok();
    let go = ["update", "upgrade", "--plan", plan, "--yes"];
    let elsewhere = file.with_extension("moved");
    fs::rename(&file, &elsewhere).unwrap();
    scene.lamp.run(&go).no(1, &["NL0202", "lamp.bundle"]);
    scene.lamp.assert_at("0a1");
    fs::rename(&elsewhere, &file).unwrap();
    scene.lamp.run(&go).ok();
    scene.lamp.assert_at("0r1");
}

/// Where `what` begins in the file.
fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

#[test]
fn a_bundle_that_was_tampered_with_changes_nothing() {
    let scene = Scene::new();
    let file = bundle(&scene, "0a1", "0b1");
    let good = fs::read(&file).unwrap();
    let refuse = |name: &str, bad: &[u8], code: i32, said: &[&str]| {
        let path = scene.dir.path().join(name);
        fs::write(&path, bad).unwrap();
        upgrade(&scene.lamp, &path, &["--to", "0b1"]).no(code, said);
        scene.assert_untouched();
    };
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    };
    let package = find(&good, &[0x28, 0xb5, 0x2f, 0xfd]);
    refuse("package", &flipped(package + 20), 1, &["NL0305", "SHA-256"]);
    let timestamp = find(&good, b"metadata/timestamp.json");
    let signature = timestamp + find(&good[timestamp..], b"\"sig\":\"");
    refuse("metadata", &flipped(signature + 9), 1, &["NL0203"]);
    refuse("header", &flipped(3), 1, &["NL0202", "is no bundle, or it is damaged"]);
    refuse("cut", &good[..good.len() / 2], 1, &["NL0202", "it is cut off"]);
    refuse("text", b"hello", 1, &["NL0202", "it is cut off, or no bundle"]);
    refuse("empty", b"", 1, &["NL0202", "it is cut off, or no bundle"]);
    upgrade(&scene.lamp, scene.dir.path(), &["--to", "0b1"]).no(1, &["NL0202", "is not a plain file"]);
    upgrade(&scene.lamp, &scene.dir.path().join("no"), &["--to", "0b1"]).no(1, &["NL0202", "No such file"]);

    let other = Publisher::with_lamps(&scene.dir.path().join("other"));
    let theirs = scene.dir.path().join("theirs.bundle");
    make(&other, &["--to", "0b1"], &theirs).ok();
    upgrade(&scene.lamp, &theirs, &["--to", "0b1"]).no(1, &["NL0203"]);
    scene.assert_untouched();
}

#[test]
fn archives_that_are_not_bundles_are_refused() {
    let scene = Scene::new();
    let dir = scene.dir.path().join("odd");
    put(&dir.join("metadata/timestamp.json"), "{}", 0o644);
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
    let file = scene.dir.path().join("odd.tar");
    let made = Command::new("tar")
        .arg("-cf")
        .arg(&file)
        .arg("-C")
        .arg(&dir)
        .args(["link", "metadata"])
        .status();
    assert!(made.unwrap().success());
    upgrade(&scene.lamp, &file, &["--to", "0b1"]).no(1, &["NL0202", "something other than plain files"]);
    scene.assert_untouched();
}

#[test]
fn the_same_repository_gives_the_same_bytes_and_other_tools_read_them() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    make(&publisher, &["--from", "0a1", "--to", "0r1"], &one).ok();
    make(&publisher, &["--from", "0a1", "--to", "0r1"], &two).ok();
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let unpacked = dir.path().join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    assert!(
        Command::new("tar")
            .arg("-xf")
            .arg(&one)
            .arg("-C")
            .arg(&unpacked)
            .status()
            .unwrap()
            .success()
    );
    let lamp = Installation {
        root: dir.path().join("lamp"),
    };
    let (url, root) = (format!("file://{}", unpacked.display()), unpacked.join("root.json"));
    let init = [
        "init",
        "--product",
        "lamp",
        "--repository",
        &url,
        "--root-metadata",
        root.to_str().unwrap(),
    ];
    lamp.run(&[&init[..], &["--version", "0b1", "--yes"]].concat()).ok();
    lamp.assert_at("0b1");
}

#[test]
fn slips_of_the_pen_leave_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let out = dir.path().join("out");
    let wrong: [(&[&str], &str); 4] = [
        (&["--to", "0b9"], "lamp has no release 0b9"),
        (&["--from", "0r1", "--to", "0b1"], "0r1 is not below 0b1"),
        (&["--to", "0b1", "--product", "other"], "say which with `--product`"),
        (
            &["--to", "0b1", "--platform", "any", "--from", "0b1"],
            "0b1 is not below 0b1",
        ),
    ];
    for (args, said) in wrong {
        make(&publisher, args, &out).no(2, &["NL0501", said]);
    }
    let target = fs::read_dir(publisher.dir.join("repo/targets/lamp/0b1"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::write(target.path(), "changed").unwrap();
    make(&publisher, &["--to", "0b1"], &out).no(1, &["NL0502", "its file has changed"]);
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["publisher"]);
}

#[test]
fn an_expired_bundle_is_taken_only_by_whoever_allows_for_it_and_is_told() {
    let scene = Scene::new();
    let repo = PathBuf::from(scene.publisher.text("repo"));
    let long_ago = "2020-01-01T00:00:00Z".parse().unwrap();
    scene.publisher.timestamp_at(long_ago);
    let file = scene.dir.path().join("old.bundle");
    make(&scene.publisher, &["--to", "0b1"], &file).no(1, &["expired"]);
    let wanted = netlink::publish::Wanted {
        product: None,
        from: Some("0a1".parse().unwrap()),
        to: "0b1".parse().unwrap(),
        platforms: Vec::new(),
    };
    netlink::publish::bundle(&repo, &wanted, &file, long_ago).unwrap();
    upgrade(&scene.lamp, &file, &["--to", "0b1"]).no(1, &["NL0203", "expired"]);
    scene.assert_untouched();
    put(
        &scene.lamp.path("config/update.yml"),
        "repository:\n  max_staleness: 100000h\n",
        0o644,
    );
    let said = upgrade(&scene.lamp, &file, &["--to", "0b1"]).ok().err;
    assert!(
        said.contains("THE TIMESTAMP OF THIS REPOSITORY EXPIRED AT 2020-01-08"),
        "{said}"
    );
    scene.lamp.assert_at("0b1");
    // It is for bundles alone.
    scene.lamp.run(&["update", "check"]).no(1, &["NL0203", "expired"]);
}

#[test]
fn what_was_withdrawn_is_not_carried_and_keeps_no_platform_out() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
    let (repo, keys) = (publisher.text("repo"), publisher.text("keys"));
    let later = |version| publisher.lamp(&Lamp { version, ..Lamp::R1 });
    let tree = later("0a2");
    let package = publisher.text("other.tar.zst");
    let pack = ["release", "pack", tree.to_str().unwrap(), "--platform", "plan9-mips"];
    run(&[&pack[..], &["--out", &package]].concat()).ok();
    run(&["release", "publish", "--repo", &repo, "--keys", &keys, &package]).ok();
    publisher.publish(&later("0b2"));
    let out = dir.path().join("lamp.bundle");
    let wanted = ["--from", "0a1", "--to", "0b2", "--platform", "linux-x86_64"];
    make(&publisher, &wanted, &out).no(2, &["NL0501", "0a2 has no package for linux-x86_64"]);
    let yank = ["release", "yank", "--repo", &repo, "--keys", &keys, "--reason", "rust"];
    run(&[&yank[..], &["0a2"]].concat()).ok();
    let ran = make(&publisher, &[&wanted[..], &["--output", "json"]].concat(), &out).ok();
    assert_eq!(
        ran.json()["versions"],
        serde_json::json!(["0b1", "0r1", "0b2"]),
        "{ran}"
    );
    make(&publisher, &["--from", "0a1", "--to", "0a2"], &out)
        .no(2, &["NL0501", "it was withdrawn by its publisher: rust"]);
}
