//! What an operator is asked and told before an update: breaking changes, notes that concern this installation, what gets lost.

use serde_json::json;

use crate::scene::Scene;
use crate::world::{Lamp, put};

fn breaking(scene: &Scene) {
    let tree = scene.publisher.lamp(&Lamp {
        version: "0a2",
        ..Lamp::R1
    });
    put(
        &tree.join("changelog.md"),
        "# 0a2\n\n## Breaking\n\n- The lamp is gas now\n\n## Security\n\n- No sparks\n",
        0o644,
    );
    scene.publisher.publish(&tree);
    let next = scene.publisher.lamp(&Lamp {
        version: "0b2",
        ..Lamp::R1
    });
    scene.publisher.publish(&next);
}

#[test]
fn breaking_changes_on_the_way_need_consent_and_it_is_remembered() {
    let scene = Scene::new();
    breaking(&scene);
    let upgrade = |more: &[&str]| {
        scene
            .lamp
            .run(&[&["update", "upgrade", "--to", "0b2", "--yes"], more].concat())
    };
    let plan = scene.lamp.run(&["update", "plan", "--to", "0b2"]).ok();
    assert!(
        plan.out.contains("breaking  0a2: The lamp is gas now") && plan.out.contains("security  0a2: No sparks"),
        "{}",
        plan.out
    );
    upgrade(&[]).no(3, &["NL0113", "gas", "0a2"]);
    upgrade(&["--force"]).no(3, &["NL0113"]);
    scene.assert_untouched();
    upgrade(&["--accept-breaking"]).ok();
    scene.lamp.assert_at("0b2");
    let history = scene.lamp.run(&["update", "history", "--output", "json"]).ok().json();
    assert_eq!(
        history[0]["consented_to"],
        json!(["0a2: The lamp is gas now"]),
        "{history:#}"
    );
    for at in ["0a1", "0b2"] {
        let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
        let last = status["update"]["update_id"].as_str().unwrap();
        let back = ["update", "rollback", "--update-id", last, "--yes"];
        scene.lamp.run(&back).ok();
        scene.lamp.assert_at(at);
    }
}

const NOTES: &str = "---
urgency: high
end_of_life: 2020-06-30
notes:
  - {id: old-lamps, from: '<0a1', text: not for this one}
  - {id: many-lamps, when: lamps > 10, level: blocking, text: Dim all lamps first}
  - {id: few-lamps, when: lamps < 5, text: not for this one}
  - {id: moons, when: moons > 1, text: Mind the moons}
security:
  - {id: hole, text: A hole in the shade}
---
# 0b2

## Added

- A dimmer
- Lamp 1
- Lamp 2
- Lamp 3
- Lamp 4
- Lamp 5
- Lamp 6
- Lamp 7
- Lamp 8
- Lamp 9
- Lamp 10
";

fn with_notes() -> Scene {
    let scene = Scene::new();
    let tree = scene.publisher.lamp(&Lamp {
        version: "0b2",
        ..Lamp::B1
    });
    put(&tree.join("changelog.md"), NOTES, 0o644);
    scene.publisher.publish(&tree);
    let settings = "policy: {facts: {lamps: [echo, \"12\"]}}\n";
    put(&scene.lamp.path("config/update.yml"), settings, 0o644);
    scene
}

#[test]
fn notes_are_told_to_those_whom_they_concern_and_blocking_ones_wait_for_them() {
    let scene = with_notes();
    let plan = scene.lamp.run(&["update", "plan", "--to", "0b2"]).ok().out;
    for told in [
        "high",
        "2020-06-30",
        "Dim all lamps first (id many-lamps)",
        "Mind the moons (id moons; concerns you if moons > 1)",
        "A hole in the shade",
    ] {
        assert!(plan.contains(told), "{told}: {plan}");
    }
    assert!(!plan.contains("not for this one"), "{plan}");
    let upgrade = |more: &[&str]| {
        scene
            .lamp
            .run(&[&["update", "upgrade", "--to", "0b2", "--yes"], more].concat())
    };
    upgrade(&[]).no(3, &["NL0114", "many-lamps", "Dim all lamps"]);
    upgrade(&["--force", "--acknowledge", "moons"]).no(3, &["NL0114", "many-lamps"]);
    scene.lamp.assert_at("0a1");
    upgrade(&["--acknowledge", "many-lamps"]).ok();
    scene.lamp.assert_at("0b2");
    let history = scene.lamp.run(&["update", "history", "--output", "json"]).ok().json();
    assert_eq!(
        history[0]["consented_to"],
        json!(["0b2: Dim all lamps first"]),
        "{history:#}"
    );
    for way_back in [&["downgrade", "--to", "0a1"][..], &["rollback"]] {
        let down = scene
            .lamp
            .run(&[&["update"], way_back, &["--dry-run"]].concat())
            .ok()
            .out;
        for lost in [
            "no undo",
            "you lose",
            "A hole in the shade",
            "A dimmer",
            "and 2 more: `netlink update changelog --since 0b2 --until 0a1`",
        ] {
            assert!(down.contains(lost), "{lost}: {down}");
        }
    }
    let all = ["update", "changelog", "--since", "0b2", "--until", "0a1"];
    assert!(scene.lamp.run(&all).ok().out.contains("Lamp 10"));
}

#[test]
fn a_condition_that_cannot_be_read_is_refused_when_publishing() {
    let scene = Scene::new();
    let tree = scene.publisher.lamp(&Lamp {
        version: "0b2",
        ..Lamp::B1
    });
    let wrong = NOTES.replace("lamps > 10", "lamps >< 10");
    put(&tree.join("changelog.md"), &wrong, 0o644);
    scene.publisher.try_publish(&tree).no(2, &["line 6", "lamps >< 10"]);
}
