//! Why each release is not taken now and when it would be, as an operator reads it; and that what is advised is not refused.

use crate::calendar::{closed_now, policy};
use crate::scene::Scene;
use crate::shown::steady;
use crate::world::{Lamp, put, run};

/// Beyond what a release is held back by anyway, e.g. closed at this hour, each time anew.
const ZONE: &str = "time_zone: Asia/Kathmandu";

/// `0a1` is installed; `0b1`, `0r1`, `0r2`, `1a1` and `1r1` are there: `0r1` withdrawn, `0r2` not yet here, `1a1` rolled back before, `1r1`
/// beyond the constraints of [`with`].
fn scene() -> Scene {
    let scene = Scene::new();
    for version in ["0r2", "1a1", "1r1"] {
        let release = Lamp { version, ..Lamp::R1 };
        scene.publisher.publish(&scene.publisher.lamp(&release));
    }
    scene.lamp.run(&["update", "upgrade", "--to", "1a1", "--yes"]).ok();
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    let (repo, keys) = (scene.publisher.text("repo"), scene.publisher.text("keys"));
    let say = |args: &[&str]| run(&[&["release"], args, &["--repo", &repo, "--keys", &keys]].concat()).ok();
    say(&["yank", "0r1", "--reason", "it burns"]);
    say(&["rollout", "0r2", "--start", "2999-01-01T00:00:00Z", "--hours", "24"]);
    scene
}

fn with(more: &str) -> String {
    format!("{ZONE}, node: lamp-1, version_constraints: {{max_version: 0x}}, {more}")
}

/// The text without the times of today.
fn check(scene: &Scene) -> String {
    let text = scene.lamp.run(&["update", "check"]).ok().out;
    // What is of the next days: all else is of 2999.
    let this_year = jiff::Timestamp::now().strftime("%Y-").to_string();
    let next_year = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48))
        .strftime("%Y-")
        .to_string();
    let mut told = steady(&text, scene.dir.path());
    for year in [&this_year, &next_year] {
        while let Some(at) = told.find(year.as_str()) {
            told.replace_range(at.."2026-01-01 00:00".len() + at, "SOON");
        }
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || b":-".contains(&byte));
    let hours = |word: &&str| word.len() == "00:00-00:00".len() && digits(word);
    let found = told.split(['(', ')']).find(hours).map(str::to_owned);
    found.map_or(told.clone(), |hours| told.replace(&hours, "HOURS"))
}

#[test]
fn a_freeze_is_told_of_each_release_and_nothing_is_advised_that_it_refuses() {
    let scene = scene();
    policy(&scene.lamp, &with("freeze: audit until Friday"));
    insta::assert_snapshot!("frozen", check(&scene));
    policy(&scene.lamp, &with("auto_upgrade: true, freeze: audit until Friday"));
    insta::assert_snapshot!("frozen, with upgrades by themselves", check(&scene));
}

#[test]
fn hours_are_told_of_each_release_in_the_zone_of_the_policy() {
    let scene = Scene::new();
    // In hours of UTC, but told in another zone.
    let closed = closed_now().replace("time_zone: UTC, ", "");
    policy(&scene.lamp, &format!("{ZONE}, {closed}"));
    insta::assert_snapshot!("outside the hours", check(&scene));
    let text = scene.lamp.run(&["update", "check"]).ok().out;
    assert_eq!(text.matches("they may begin at 2").count(), 2, "{text}");
    assert_eq!(text.matches("+05:45").count(), 3, "{text}");

    policy(&scene.lamp, &format!("auto_upgrade: true, {ZONE}, {closed}"));
    insta::assert_snapshot!("outside the hours, with upgrades by themselves", check(&scene));
    let text = scene.lamp.run(&["update", "check"]).ok().out;
    let times: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(" at 2"))
        .map(|(_, time)| &time[.."026-01-01 00:00 +05:45".len()])
        .collect();
    assert!(times.len() == 4 && times.iter().all(|time| *time == times[0]), "{text}");

    // What is advised is not refused.
    let advised = text
        .split('`')
        .find(|text| text.contains("--strategy scheduled"))
        .unwrap();
    let advised: Vec<&str> = advised.split(' ').skip(1).chain(["--yes"]).collect();
    scene.lamp.run(&advised).no(0, &["scheduled", "upgrade to 0r1"]);
}

#[test]
fn blocked_days_that_leave_no_time_at_all_are_told() {
    let scene = scene();
    let days = "blocked_days: [mon, tue, wed, thu, fri, sat, sun]";
    let exceptions = "exceptions: [{days: 2000-01-01..2998-12-31, closed: no one is there}]";
    policy(&scene.lamp, &with(&format!("auto_upgrade: true, {days}, {exceptions}")));
    insta::assert_snapshot!("never open", check(&scene));
}

#[test]
fn what_is_to_be_taken_by_itself_is_told_with_what_keeps_the_others_from_it() {
    let scene = scene();
    policy(&scene.lamp, &with("auto_upgrade: true"));
    insta::assert_snapshot!("open, with upgrades by themselves", check(&scene));
    policy(
        &scene.lamp,
        &format!("{ZONE}, node: lamp-1, version_constraints: {{exclude_versions: [0b1, 1a1]}}"),
    );
    insta::assert_snapshot!("open", check(&scene));
}

#[test]
fn where_no_way_leads_to_the_highest_another_is_advised() {
    let scene = Scene::new();
    let (repo, keys) = (scene.publisher.text("repo"), scene.publisher.text("keys"));
    let block = ["release", "block", "*", "=0r1", "--reason", "it melts"];
    run(&[&block[..], &["--repo", &repo, "--keys", &keys]].concat()).ok();
    let text = scene.lamp.run(&["update", "check"]).ok().out;
    assert!(text.contains("it melts"), "{text}");
    assert!(
        text.contains("go there with `netlink update upgrade --to 0b1` (0b1)"),
        "{text}"
    );
    scene.assert_possible_now();
}

#[test]
fn a_release_with_which_an_extension_does_not_go_is_left_to_a_person() {
    let scene = Scene::new();
    let more = "\n[[extensions]]\nfolder = \"plugins\"\n\n[rules.extensions]\nmaps = \"*\"\n";
    let release = |version| Lamp {
        version,
        more,
        ..Lamp::R1
    };
    for version in ["0r2", "1r1"] {
        scene.publisher.publish(&scene.publisher.lamp(&release(version)));
    }
    scene.lamp.run(&["update", "upgrade", "--to", "0r2", "--yes"]).ok();
    put(&scene.lamp.path("data/plugins/gallery"), "gallery", 0o644);
    policy(&scene.lamp, "auto_upgrade: true");
    let text = scene.lamp.run(&["update", "check"]).ok().out;
    assert!(text.contains("gallery does not go with 1r1"), "{text}");
    assert!(!text.contains("netlink update upgrade --latest"), "{text}");
    assert!(text.contains("`netlink update plan --to 1r1`"), "{text}");
    let view = scene.lamp.run(&["update", "check", "--output", "json"]).ok().json();
    assert_eq!(view["available"][0]["held"][0]["by"], "extensions", "{view:#}");
}
