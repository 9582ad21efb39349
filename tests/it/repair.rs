//! A damaged release made whole again: an upgrade to the same version.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::scene::Scene;
use crate::world::{Ran, put, run};

const REPAIR: [&str; 6] = ["update", "upgrade", "--to", "0a1", "--full", "--yes"];

fn append(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text + "# changed\n").unwrap();
}

/// A changed, a missing and an extra file.
fn damage(scene: &Scene) {
    append(&scene.lamp.path("releases/0a1/bin/lamp"));
    fs::remove_file(scene.lamp.path("releases/0a1/migrations/V1__switches.sql")).unwrap();
    put(&scene.lamp.path("releases/0a1/mark"), "", 0o644);
}

fn is_damaged(scene: &Scene) -> bool {
    let text = fs::read_to_string(scene.lamp.path("releases/0a1/bin/lamp")).unwrap_or_default();
    text.contains("# changed") && scene.lamp.path("releases/0a1/mark").exists()
}

fn dry_run(scene: &Scene, more: &[&str]) -> Value {
    let dry = ["update", "upgrade", "--to", "0a1", "--dry-run", "--output", "json"];
    scene.lamp.run(&[&dry, more].concat()).ok().json()
}

fn backups(scene: &Scene) -> usize {
    let listed = scene.lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    listed.as_array().unwrap().len()
}

#[track_caller]
fn assert_whole(scene: &Scene) {
    scene.lamp.assert_at("0a1");
    scene.assert_untouched();
    assert!(!is_damaged(scene));
}

#[test]
fn what_is_damaged_is_made_whole_and_nothing_else_changes() {
    let scene = Scene::new();
    damage(&scene);
    let version_file = scene.lamp.text("version.json");
    let verified = scene.lamp.run(&["update", "verify"]);
    let advice = "`netlink update upgrade --to 0a1 --full` repairs it";
    let said = [
        "changed bin/lamp",
        "missing migrations/V1__switches.sql",
        "extra mark",
        advice,
    ];
    verified.no(1, &said);

    let plan = scene.lamp.run(&["update", "plan", "--to", "0a1", "--full"]).ok().out;
    for words in [
        "Repair lamp 0a1 -> 0a1",
        "the whole package was asked for",
        "stop · exchange",
    ] {
        assert!(plan.contains(words), "`{words}` is not in {plan}");
    }
    assert!(!plan.contains("way back") && !plan.contains("trial"), "{plan}");
    assert!(is_damaged(&scene), "planning changes nothing");

    scene.lamp.run(&REPAIR).ok();
    assert_whole(&scene);
    assert_eq!(backups(&scene), 1);
    let history = scene.lamp.run(&["update", "history", "--output", "json"]).ok().json();
    assert_eq!(
        (&history[0]["from"], &history[0]["to"]),
        (&"0a1".into(), &"0a1".into()),
        "{history:#}"
    );
    let entries = |text: &str| serde_json::from_str::<Value>(text).unwrap()["history"].clone();
    assert_eq!(entries(&scene.lamp.text("version.json")), entries(&version_file));
    scene.assert_possible_now();
}

#[test]
fn a_repair_is_made_when_there_is_something_to_it() {
    let scene = Scene::new();
    assert_eq!(dry_run(&scene, &[])["status"], "nothing_to_do");
    let newest = ["update", "upgrade", "--latest", "--full", "--yes"];
    scene.lamp.run(&newest).ok();
    scene.lamp.assert_at("0r1");
    scene.lamp.run(&newest).no(0, &["nothing to do"]);
    let scene = Scene::new();
    let forced = dry_run(&scene, &["--full"]);
    assert_eq!(forced["plan"]["direction"], "repair", "{forced:#}");
    assert_eq!(forced["plan"]["legs"][0]["because"], "forced", "{forced:#}");
    scene.lamp.run(&REPAIR).ok();
    assert_whole(&scene);
    // Without the wish, what the sizes of files tell is reason enough.
    damage(&scene);
    let found = dry_run(&scene, &[]);
    assert_eq!(found["plan"]["legs"][0]["because"], "installed-damaged", "{found:#}");
}

#[test]
fn a_release_that_is_gone_altogether_comes_back() {
    for lose in [
        (|scene: &Scene| fs::remove_dir_all(scene.lamp.path("releases/0a1")).unwrap()) as fn(&Scene),
        |scene| fs::remove_file(scene.lamp.path("releases/0a1/netlink-release.json")).unwrap(),
        |scene| {
            fs::remove_dir_all(scene.lamp.path("releases/0a1")).unwrap();
            fs::write(scene.lamp.path("releases/0a1"), "a file").unwrap();
            fs::remove_file(scene.lamp.path("current")).unwrap();
        },
    ] {
        let scene = Scene::new();
        lose(&scene);
        let advice = ["NL0306", "`netlink update upgrade --to 0a1 --full` repairs it"];
        scene
            .lamp
            .run(&["update", "upgrade", "--to", "0b1", "--yes"])
            .no(1, &advice);
        scene.lamp.run(&["update", "verify"]).no(1, &advice[1..]);
        scene.lamp.run(&["backup", "create"]).no(1, &advice);
        scene.lamp.run(&REPAIR).ok();
        assert_whole(&scene);
    }
}

#[test]
fn a_repair_that_fails_is_undone_by_itself() {
    let scene = Scene::new();
    damage(&scene);
    // Only the damaged tree has the mark.
    let checks = "health: {timeout: 100ms, interval: 20ms, checks: [{command: [test, -e, '{release}/mark']}]}\n";
    put(&scene.lamp.path("config/update.yml"), checks, 0o644);
    scene
        .lamp
        .run(&REPAIR)
        .no(4, &["Everything was put back", "is not whole"]);
    assert!(is_damaged(&scene));
    let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
    assert_eq!(status["product"]["state"], "running", "{status:#}");
    assert_eq!(status["update"]["outcome"], "rolled_back", "{status:#}");
    assert!(!scene.lamp.path(".netlink/staging").exists());
    fs::remove_file(scene.lamp.path("config/update.yml")).unwrap();
    // That its repair failed is no word against the release.
    assert_eq!(dry_run(&scene, &["--full"])["plan"]["warnings"], serde_json::json!([]));
    scene.lamp.run(&REPAIR).ok();
    assert_whole(&scene);
}

#[test]
fn what_could_not_start_any_more_is_put_back_too_and_it_is_said() {
    let scene = Scene::new();
    fs::remove_file(scene.lamp.path("releases/0a1/bin/lamp")).unwrap();
    let checks = "health: {timeout: 100ms, interval: 20ms, checks: [{command: [test, -e, '{root}/never']}]}\n";
    put(&scene.lamp.path("config/update.yml"), checks, 0o644);
    scene
        .lamp
        .run(&REPAIR)
        .no(4, &["is not whole", "the product should run"]);
    assert!(!scene.lamp.path("releases/0a1/bin/lamp").exists());
    fs::remove_file(scene.lamp.path("config/update.yml")).unwrap();
    scene.lamp.run(&REPAIR).ok();
    assert_whole(&scene);
}

#[test]
fn the_way_back_stays_that_of_the_update_before() {
    let scene = Scene::new();
    scene.upgrade().ok();
    append(&scene.lamp.path("releases/0b1/state"));
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "0b1", "--full", "--yes"])
        .ok();
    scene.lamp.assert_at("0b1");
    let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
    let id = status["update"]["update_id"].as_str().unwrap();
    scene
        .lamp
        .run(&["update", "rollback", "--update-id", id, "--yes"])
        .no(2, &["NL0749", "has repaired 0b1"]);
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.assert_untouched_but_for_kept();
}

#[test]
fn what_is_not_offered_is_not_repaired_but_a_bundle_will_do() {
    let scene = Scene::new();
    let bundle = |from: &str, to: &str| {
        let out = scene.dir.path().join(format!("{to}.bundle"));
        let (repo, file) = (scene.publisher.text("repo"), out.to_str().unwrap().to_owned());
        run(&[
            "release", "bundle", "--repo", &repo, "--from", from, "--to", to, "--out", &file,
        ])
        .ok();
        file
    };
    let up = bundle("0a1", "0b1");
    fs::rename(scene.publisher.dir.join("repo"), scene.publisher.dir.join("away")).unwrap();
    damage(&scene);
    let out_of = |to: &str| -> Ran {
        let args = ["update", "upgrade", "--to", to, "--full", "--yes", "--bundle", &up];
        scene.lamp.run(&args)
    };
    scene.lamp.run(&REPAIR).no(1, &["NL0202"]);
    out_of("0a1").no(2, &["NL0105", "no package of it for", "--bundle FILE"]);
    assert!(is_damaged(&scene));
    out_of("0b1").ok();
    append(&scene.lamp.path("releases/0b1/state"));
    out_of("0b1").ok();
    scene.lamp.assert_at("0b1");
}

#[test]
fn a_written_plan_of_a_repair_is_carried_out() {
    let scene = Scene::new();
    damage(&scene);
    let file = scene.dir.path().join("plan.json");
    let path = file.to_str().unwrap();
    scene.lamp.run(&["update", "plan", "--to", "0a1", "--out", path]).ok();
    scene.lamp.run(&["update", "upgrade", "--plan", path, "--yes"]).ok();
    assert_whole(&scene);
    scene
        .lamp
        .run(&["update", "upgrade", "--plan", path, "--yes"])
        .no(0, &["nothing to do"]);
}
