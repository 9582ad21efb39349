//! What a publisher says of releases that are out, and what becomes of it on the operator's side.

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::world::{Installation, Lamp, Publisher, Ran, put, run};

fn say(scene: &Scene, args: &[&str]) -> Ran {
    let (repo, keys) = (scene.publisher.text("repo"), scene.publisher.text("keys"));
    run(&[&["release"], args, &["--repo", &repo, "--keys", &keys]].concat())
}

fn check(scene: &Scene) -> Value {
    scene.lamp.run(&["update", "check", "--output", "json"]).ok().json()
}

fn plan(scene: &Scene, to: &str, more: &[&str]) -> Ran {
    scene.lamp.run(&[&["update", "plan", "--to", to], more].concat())
}

#[test]
fn nobody_goes_to_a_withdrawn_release_and_it_can_be_restored() {
    let scene = Scene::new();
    let yank = [
        "yank",
        "0r1",
        "--reason",
        "it loses data",
        "--url",
        "https://example.org/1",
        "--instead",
        "0b1",
    ];
    say(&scene, &yank).ok();
    let view = check(&scene);
    assert_eq!(view["latest_version"], "0b1", "{view:#}");
    let available = view["available"].as_array().unwrap();
    assert_eq!(available[1]["version"], "0r1", "{view:#}");
    let why = available[1]["withdrawn"].as_str().unwrap();
    for said in ["it loses data", "https://example.org/1", "go to 0b1 instead"] {
        assert!(why.contains(said), "{why}");
    }
    plan(&scene, "0r1", &[]).no(
        2,
        &["NL0103", "it was withdrawn by its publisher: it loses data", "(yanked)"],
    );
    scene.lamp.run(&["update", "upgrade", "--latest", "--yes"]).ok();
    scene.lamp.assert_at("0b1");

    say(&scene, &["yank", "0r1", "--undo"]).ok();
    assert_eq!(check(&scene)["latest_version"], "0r1");
    scene.lamp.run(&["update", "upgrade", "--latest", "--yes"]).ok();
    scene.lamp.assert_at("0r1");
}

#[test]
fn whoever_has_a_withdrawn_release_is_told_and_may_leave_and_go_back() {
    let scene = Scene::new();
    say(&scene, &["yank", "0a1", "--reason", "it burns"]).ok();
    let notes = check(&scene)["notes"].to_string();
    assert!(
        notes.contains("the installed 0a1: it was withdrawn by its publisher: it burns"),
        "{notes}"
    );
    scene.upgrade().ok();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0a1");
}

#[test]
fn what_a_withdrawn_release_says_counts_for_nothing() {
    let scene = Scene::new();
    say(&scene, &["yank", "0b1", "--reason", "it burns", "--instead", "0r1"]).ok();
    let since = ["update", "changelog", "--since", "0a1"];
    let changes = scene
        .lamp
        .run(&[&since[..], &["--format", "json"]].concat())
        .ok()
        .json();
    let releases = changes["releases"].as_array().unwrap();
    let withdrawn = releases.iter().find(|one| one["version"] == "0b1").unwrap();
    assert_eq!(
        withdrawn["yanked"],
        json!({"reason": "it burns", "use": "0r1"}),
        "{changes:#}"
    );
    let text = scene.lamp.run(&since).ok().out;
    assert!(text.contains("use 0r1"), "{text}");
}

#[test]
fn blocked_moves_are_refused_and_risks_are_taken_by_name() {
    let scene = Scene::new();
    let url = "https://example.org/2";
    say(&scene, &["block", "0a1", "0b1", "--reason", "it melts", "--url", url]).ok();
    plan(&scene, "0b1", &[]).no(
        2,
        &["blocked as block-1: it melts, see https://example.org/2", "(block)"],
    );
    assert_eq!(check(&scene)["latest_version"], "0r1", "0b1 alone is blocked");
    say(&scene, &["block", "--undo", "block-1"]).ok();
    plan(&scene, "0b1", &[]).ok();

    say(
        &scene,
        &[
            "block",
            "*",
            ">=0b1",
            "--reason",
            "slow",
            "--name",
            "Slow",
            "--when",
            "rows > 100",
        ],
    )
    .ok();
    plan(&scene, "0b1", &[]).no(2, &["not recommended, Slow: slow", "--accept-risk Slow", "(risk)"]);
    let file = scene.lamp.path("plan.json");
    let file = file.to_str().unwrap();
    let accepted = plan(&scene, "0b1", &["--accept-risk", "Slow", "--out", file]).ok().out;
    assert!(
        accepted.contains("0a1 -> 0b1: not recommended, Slow: slow"),
        "{accepted}"
    );
    scene.lamp.run(&["update", "upgrade", "--plan", file, "--yes"]).ok();
    scene.lamp.assert_at("0b1");

    let facts = "policy:\n  facts:\n    rows: [echo, \"7\"]\n";
    put(&scene.lamp.path("config/update.yml"), facts, 0o644);
    plan(&scene, "0r1", &[]).ok();
}

#[test]
fn a_release_waits_for_its_roll_out() {
    let scene = Scene::new();
    say(
        &scene,
        &["rollout", "0r1", "--start", "2999-01-01T00:00:00Z", "--hours", "0"],
    )
    .ok();
    let seen = check(&scene);
    assert_eq!(seen["latest_version"], "0b1");
    let held = &seen["available"][1]["held"][0];
    let turn = serde_json::json!("2999-01-01T00:00:00Z");
    assert_eq!(
        (&held["by"], &held["until"]),
        (&serde_json::json!("rollout"), &turn),
        "{seen:#}"
    );
    put(
        &scene.lamp.path("config/update.yml"),
        "policy: {time_zone: Asia/Kathmandu}\n",
        0o644,
    );
    plan(&scene, "0r1", &[]).no(2, &["0r1 comes to all nodes at 2999-01-01 05:45 +05:45", "(rollout)"]);
    say(&scene, &["rollout", "0r1", "--hours", "0"]).ok();
    assert_eq!(check(&scene)["latest_version"], "0r1");
}

#[test]
fn what_is_said_is_listed_and_verified() {
    let scene = Scene::new();
    say(&scene, &["yank", "0a1", "--reason", "it burns", "--instead", "0b1"]).ok();
    let melts = ["block", "0a1", "0r1", "--reason", "it melts", "--when", "rows > 1"];
    say(&scene, &melts).ok();
    let repo = scene.publisher.text("repo");
    let text = run(&["release", "list", &repo]).ok().out;
    for said in [
        "lamp",
        "0r1",
        "withdrawn: it burns; go to 0b1 instead",
        "block block-1: =0a1 -> =0r1: it melts; where rows > 1",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    let listed = run(&["release", "list", &repo, "--output", "json"]).ok().json();
    let versions: Vec<&Value> = listed[0]["releases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(versions, [&json!("0r1"), &json!("0b1"), &json!("0a1")]);
    run(&["release", "verify", &repo]).ok();
}

#[test]
fn slips_of_the_pen_are_found_before_anything_is_signed() {
    let scene = Scene::new();
    let metadata = std::path::PathBuf::from(scene.publisher.text("repo/metadata"));
    let files = || std::fs::read_dir(&metadata).unwrap().count();
    let before = files();
    let wrong: [(&[&str], &str); 8] = [
        (&["yank", "0b9", "--reason", "r"], "lamp has no release 0b9"),
        (&["yank", "0b1", "--undo"], "0b1 is not withdrawn"),
        (
            &["yank", "0b1", "--reason", "r", "--instead", "0b1"],
            "0b1 cannot be where to go",
        ),
        (
            &["yank", "0b1", "--reason", "r", "--instead", "0b9"],
            "lamp has no release 0b9",
        ),
        (
            &["block", "0a1", ">=0b9, <0r1", "--reason", "r"],
            "no published release of lamp is meant",
        ),
        (&["block", "--undo", "B"], "there is no block B; there are: none"),
        (&["rollout", "0b9", "--hours", "3"], "lamp has no release 0b9"),
        (
            &["yank", "0b1", "--reason", "r", "--product", "other"],
            "lamp: say which with `--product`",
        ),
    ];
    for (args, said) in wrong {
        say(&scene, args).no(2, &["NL0501", said]);
    }
    run(&["release", "yank", "0b1", "--repo", "r", "--keys", "k"]).no(2, &["--reason"]);
    assert_eq!(files(), before);
}

#[test]
fn what_the_publisher_offers_no_more_is_only_gone_back_to() {
    let scene = Scene::new();
    scene.upgrade().ok();
    let other = Publisher::new(&scene.dir.path().join("other"));
    for release in [Lamp::B1, Lamp::R1] {
        other.publish(&other.lamp(&release));
    }
    let (url, root) = (other.url(), other.root_metadata());
    let init = ["init", "--repository", &url, "--root-metadata", &root];
    scene.lamp.run(&init).ok();
    let down = scene.lamp.run(&["update", "downgrade", "--to", "0a1", "--yes"]);
    down.no(
        2,
        &["NL0103", "0a1 is not among the releases that its publisher offers"],
    );
    scene.lamp.assert_at("0b1");
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0a1");
}

#[test]
fn who_cannot_ask_the_publisher_is_told_what_really_stands_in_the_way_back() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let tree = publisher.lamp(&Lamp::B1);
    let manifest = std::fs::read_to_string(tree.join("release.toml")).unwrap();
    let with_barrier = manifest.replace("schema_level = 2", "schema_level = 2\nbarrier = true");
    put(&tree.join("release.toml"), &with_barrier, 0o644);
    publisher.publish(&tree);
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    std::fs::rename(publisher.dir.join("repo"), publisher.dir.join("away")).unwrap();
    let refused = lamp
        .run(&["update", "rollback", "--yes"])
        .no(2, &["NL0103", "(barrier)"]);
    assert!(!refused.err.contains("offers"), "{}", refused.err);
    lamp.assert_at("0b1");
}
