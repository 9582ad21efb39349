//! How the release of an update comes to this disk, and the reason that is given for it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::scene::Scene;
use crate::world::{Lamp, put};

/// The strategy of the way to `0b1` and its reason, as a dry run tells them.
fn strategy(scene: &Scene, more: &[&str]) -> (String, String) {
    let dry = ["update", "upgrade", "--to", "0b1", "--dry-run", "--output", "json"];
    let plan = scene.lamp.run(&[&dry, more].concat()).ok().json();
    let leg = &plan["plan"]["legs"][0];
    let text = |key: &str| leg[key].as_str().unwrap_or_default().to_owned();
    (text("strategy"), text("because"))
}

fn full(because: &str) -> (String, String) {
    ("full".into(), because.into())
}

#[test]
fn the_whole_package_comes_for_a_reason() {
    let scene = Scene::new();
    assert_eq!(strategy(&scene, &[]), full("no-patch"));
    let text = scene.lamp.run(&["update", "plan", "--to", "0b1"]).ok().out;
    assert!(text.contains("no patch leads there"), "{text}");
    fs::remove_file(scene.lamp.path("releases/0a1/state")).unwrap();
    assert_eq!(strategy(&scene, &[]), full("installed-damaged"));
}

#[test]
fn what_is_kept_is_used_unless_it_is_damaged_or_the_whole_is_asked_for() {
    let scene = Scene::new();
    scene.upgrade().ok();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    assert_eq!(strategy(&scene, &[]), ("none".into(), String::new()));
    assert_eq!(strategy(&scene, &["--full"]), full("forced"));
    let upgrade = |more: &[&str]| {
        let args = ["update", "upgrade", "--to", "0b1", "--yes", "--output", "json"];
        scene.lamp.run(&[&args, more].concat()).ok().out
    };
    let stage = "\"step\":\"stage\"";
    assert!(upgrade(&["--full"]).contains(stage));
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    assert!(!upgrade(&[]).contains(stage));
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();

    let kept = scene.lamp.path("releases/0b1");
    fs::remove_file(kept.join("state")).unwrap();
    assert_eq!(strategy(&scene, &[]), full("kept-damaged"));
    assert!(upgrade(&[]).contains(stage));
    scene.lamp.assert_at("0b1");
    assert!(kept.join("state").exists());
}

#[test]
fn what_is_kept_outlives_an_update_that_was_to_replace_it_and_is_undone() {
    let scene = Scene::new();
    scene.assert_possible_now();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    let kept = scene.lamp.path("releases/0b1");
    let before = fs::metadata(&kept).unwrap().ino();
    let full = ["update", "upgrade", "--to", "0b1", "--full", "--yes"];
    // The first fails with the fresh tree in place, the second before there is one.
    put(
        &scene.lamp.path("config/update.yml"),
        "hooks: {validate: [/bin/false]}\n",
        0o644,
    );
    scene.lamp.run(&full).no(1, &["/bin/false"]);
    let package = scene.target("0b1", ".tar.zst");
    fs::rename(&package, package.with_extension("away")).unwrap();
    scene.lamp.run(&full).no(1, &["NL0305"]);
    assert_eq!(fs::metadata(&kept).unwrap().ino(), before, "it is the one from before");
    assert_eq!(strategy(&scene, &[]), ("none".into(), String::new()));
    scene.assert_untouched_but_for_kept();
    let left = fs::read_dir(scene.lamp.path(".netlink/undo")).into_iter().flatten();
    assert_eq!(left.count(), 0, "nothing waits aside any more");
    fs::remove_file(scene.lamp.path("config/update.yml")).unwrap();
    scene.assert_possible_now();
}

#[test]
fn a_written_plan_keeps_the_wish_for_whole_packages() {
    let scene = Scene::new();
    let file = scene.dir.path().join("plan.json");
    let path = file.to_str().unwrap();
    scene
        .lamp
        .run(&["update", "plan", "--to", "0b1", "--full", "--out", path])
        .ok();
    let plan: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(plan["legs"][0]["because"], json!("forced"), "{plan:#}");
    scene.lamp.run(&["update", "upgrade", "--plan", path, "--yes"]).ok();
    scene.lamp.assert_at("0b1");
}

#[test]
fn hops_without_a_stop_are_one_go() {
    let scene = Scene::new();
    let tree = scene.publisher.lamp(&Lamp {
        version: "0b2",
        ..Lamp::R1
    });
    let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
    let manifest = manifest.replace("from = [\"<0b2\"]", "from = [\">=0b1\"]");
    put(&tree.join("release.toml"), &manifest, 0o644);
    scene.publisher.publish(&tree);
    let text = scene.lamp.run(&["update", "plan", "--to", "0b2"]).ok().out;
    assert!(text.contains("0a1 -> 0r1 -> 0b2"), "{text}");
    assert!(text.contains("with 0r1 in one go"), "{text}");
    scene.lamp.run(&["update", "upgrade", "--to", "0b2", "--yes"]).ok();
    scene.lamp.assert_at("0b2");
    assert!(!scene.lamp.path("releases/0r1").exists());
}
