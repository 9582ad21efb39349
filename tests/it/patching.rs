//! Patches from end to end: made, published, planned, applied; and what happens when one of them cannot be used.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::scene::Scene;
use crate::webrepo::{Way, WebRepo};
use crate::world::{Installation, Lamp, Publisher, Ran, put, run};

/// Text that hardly compresses and is the same every time.
fn noise(seed: u64, lines: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
    let mut line = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}\n")
    };
    (0..lines).map(|_| line()).collect()
}

/// A publisher of three lamps with enough in them for patches to be worth it, and an installation at `0a1`.
fn scene() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    for (at, release) in [Lamp::A1, Lamp::B1, Lamp::R1].iter().enumerate() {
        let tree = publisher.lamp(release);
        put(&tree.join("share/same"), &noise(1, 4000), 0o644);
        let moved = ["share/here", "share/there", "share/there"][at];
        put(&tree.join(moved), &noise(2, 2000), 0o644);
        let edited = noise(3, 4000).replace("00", &format!("0{at}"));
        put(&tree.join("lib/edited"), &edited, 0o755);
        let renamed = ["lib/old-name", "lib/new-name", "lib/new-name"][at];
        put(
            &tree.join(renamed),
            &noise(4, 3000).replace("11", &format!("1{at}")),
            0o644,
        );
        if at > 0 {
            put(&tree.join("lib/new"), &noise(5, 200), 0o644);
        }
        publisher.publish(&tree);
    }
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let (config, database) = (lamp.text("config/lamp.toml"), lamp.database());
    Scene {
        dir,
        publisher,
        lamp,
        config,
        database,
    }
}

fn patch(scene: &Scene, more: &[&str]) -> Ran {
    let (repo, keys) = (scene.publisher.text("repo"), scene.publisher.text("keys"));
    let work = scene.publisher.text("work");
    let args = ["release", "patch", "--repo", &repo, "--keys", &keys, "--work", &work];
    let ran = run(&[&args[..], more].concat());
    assert_eq!(fs::read_dir(&work).map_or(0, Iterator::count), 0, "work is left behind");
    ran
}

fn patched(scene: &Scene) {
    patch(scene, &["--from", "0a1", "--to", "0b1"]).ok();
}

/// The lines of an upgrade that say by which strategy, and why.
fn upgraded(scene: &Scene) -> Vec<(String, String, String)> {
    let ran = scene
        .lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"])
        .ok();
    scene.lamp.assert_at("0b1");
    let events = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    events
        .filter(|event| event.get("strategy").is_some())
        .map(|event| (text(&event, "step"), text(&event, "strategy"), text(&event, "message")))
        .collect()
}

fn change(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(path, content).unwrap();
}

fn strategies(lines: &[(String, String, String)]) -> Vec<(&str, &str)> {
    lines
        .iter()
        .map(|(step, strategy, _)| (step.as_str(), strategy.as_str()))
        .collect()
}

#[test]
fn an_intact_installation_goes_by_the_patch() {
    let scene = scene();
    let made = patch(&scene, &["--from", "0a1", "--to", "0b1", "--output", "json"])
        .ok()
        .json();
    let made = &made["patches"][0];
    assert_eq!(made["outcome"], "published", "{made:#}");
    for (kind, count) in [("renamed", 1), ("renamed_and_changed", 1), ("removed", 2), ("links", 0)] {
        assert_eq!(made["files"][kind], count, "{kind}: {made:#}");
    }
    assert!(
        made["length"].as_u64() < Some(made["package_length"].as_u64().unwrap() / 2),
        "{made:#}"
    );
    let again = patch(&scene, &["--from", "0a1", "--to", "0b1", "--output", "json"])
        .ok()
        .json();
    assert_eq!(again["patches"][0]["outcome"], "published-before");
    run(&["release", "verify", &scene.publisher.text("repo")]).ok();

    let plan = scene.lamp.run(&["update", "plan", "--to", "0b1"]).ok().out;
    assert!(plan.contains("a patch leads there from 0a1"), "{plan}");
    let lines = upgraded(&scene);
    assert_eq!(
        strategies(&lines),
        [("download", "patch"), ("stage", "patch")],
        "{lines:?}"
    );
    assert!(scene.lamp.path("releases/0b1/share/there").exists());
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0a1");
}

#[test]
fn a_changed_byte_a_wish_and_a_release_without_a_patch_take_the_whole_package() {
    let scene = scene();
    patched(&scene);
    let forced = scene.lamp.run(&["update", "plan", "--to", "0b1", "--full"]).ok().out;
    assert!(forced.contains("the whole package was asked for"), "{forced}");
    let other = scene.lamp.run(&["update", "plan", "--to", "0r1"]).ok().out;
    assert!(other.contains("no patch leads there"), "{other}");
    change(&scene.lamp.path("releases/0a1/lib/edited"));
    let lines = upgraded(&scene);
    assert_eq!(
        strategies(&lines),
        [("download", "full"), ("stage", "full")],
        "{lines:?}"
    );
    assert!(lines[0].2.contains("changed: lib/edited"), "{lines:?}");
}

#[test]
fn a_patch_that_is_gone_or_damaged_in_the_repository_is_gone_without() {
    for damage in [|path: &Path| fs::remove_file(path).unwrap(), change as fn(&Path)] {
        let scene = scene();
        patched(&scene);
        let file = scene.target("0b1", ".patch");
        damage(&file);
        let said = ["damaged", "patch", "cannot read"];
        let verified = run(&["release", "verify", &scene.publisher.text("repo")]);
        assert!(
            verified.code == 1 && said.iter().any(|words| verified.err.contains(words)),
            "{verified}"
        );
        let lines = upgraded(&scene);
        let expected = [
            ("download", "patch"),
            ("download", "full"),
            ("download", "full"),
            ("stage", "patch"),
        ];
        assert_eq!(strategies(&lines), expected, "{lines:?}");
        assert!(lines[1].2.contains("0b1") && !lines[1].2.is_empty(), "{lines:?}");
    }
}

#[test]
fn a_patch_that_the_server_does_not_give_is_gone_without() {
    for way in [
        Way::Status("403 Forbidden"),
        Way::Status("500 Oh"),
        Way::Longer,
        Way::Endless,
        Way::Truncated,
        Way::Redirect(String::new()),
    ] {
        let scene = scene();
        patched(&scene);
        let repo = WebRepo::of(Path::new(&scene.publisher.text("repo")));
        repo.set_for(".patch", way.clone());
        scene
            .lamp
            .run(&["init", "--product", "lamp", "--repository", &repo.url])
            .ok();
        let settings = "download: {retry_count: 1, retry_pause: 10ms, idle_timeout: 2s}\n";
        put(&scene.lamp.path("config/update.yml"), settings, 0o644);
        let lines = upgraded(&scene);
        let expected = [
            ("download", "patch"),
            ("download", "full"),
            ("download", "full"),
            ("stage", "patch"),
        ];
        assert_eq!(strategies(&lines), expected, "{way:?}: {lines:?}");
    }
}

#[test]
fn a_tree_that_changes_after_the_plan_falls_back_too() {
    let scene = scene();
    patched(&scene);
    let victim = scene.lamp.path("releases/0a1/share/same");
    let hook = format!(
        "printf x | dd of={} bs=1 seek=9 conv=notrunc 2>/dev/null",
        victim.display()
    );
    let settings = format!("hooks: {{pre-update: [sh, -c, '{hook}']}}\n");
    put(&scene.lamp.path("config/update.yml"), &settings, 0o644);
    let lines = upgraded(&scene);
    let expected = [
        ("download", "patch"),
        ("stage", "patch"),
        ("stage", "full"),
        ("stage", "full"),
    ];
    assert_eq!(strategies(&lines), expected, "{lines:?}");
    assert!(lines[2].2.contains("`share/same` is not what it was"), "{lines:?}");
}

#[test]
fn a_patch_that_is_not_worth_it_is_not_published() {
    let scene = scene();
    let args = ["--from", "0a1", "--to", "0b1", "--at-most", "1", "--output", "json"];
    let made = patch(&scene, &args).ok().json();
    assert_eq!(made["patches"][0]["outcome"], "not-worth-it", "{made:#}");
    let folder: PathBuf = scene.publisher.dir.join("repo/targets/lamp/0b1");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(
        names
            .into_iter()
            .all(|name| !name.to_str().unwrap().ends_with(".patch"))
    );
    let text = patch(&scene, &["--from", "0a1", "--to", "0b1", "--at-most", "1"])
        .ok()
        .out;
    assert!(text.contains("not worth it"), "{text}");
    patch(&scene, &["--from", "0a1", "--to", "9a9"]).no(2, &["NL0520", "0a1 for any"]);
    patch(&scene, &["--from", "0a2"]).no(2, &["NL0520"]);
}

#[test]
fn small_memory_and_several_threads_give_patches_that_work() {
    let scene = scene();
    let more = [
        "--from",
        "0a1",
        "--to",
        "0b1",
        "--memory",
        "16",
        "--threads",
        "3",
        "--level",
        "1",
    ];
    patch(&scene, &more).ok();
    assert_eq!(
        strategies(&upgraded(&scene)),
        [("download", "patch"), ("stage", "patch")]
    );
}
