//! What hooks, notifiers and the commands of releases may change, on a kernel that confines them and on one that does not.

use netlink::host::Confining;
use serde_json::json;

use crate::scene::Scene;
use crate::world::{Installation, Lamp, Publisher, put};

fn is_confined() -> bool {
    matches!(Confining::here(), Confining::Possible { .. })
}

/// An installation whose hook before an update runs `script`.
fn with_hook(scene: &Scene, script: &str, more: &str) {
    put(&scene.lamp.path("hook.sh"), &format!("#!/bin/sh\n{script}\n"), 0o755);
    let settings = format!("hooks: {{pre-update: [./hook.sh]}}\n{more}");
    put(&scene.lamp.path("config/update.yml"), &settings, 0o644);
}

fn unconfined(scene: &Scene) -> serde_json::Value {
    let plan = ["update", "plan", "--to", "0b1", "--output", "json"];
    let plan = scene.lamp.run(&plan).ok().json();
    plan.get("unconfined").cloned().unwrap_or_else(|| json!([]))
}

#[test]
fn a_hook_changes_the_installation_and_nothing_else_unless_the_settings_say_so() {
    let scene = Scene::new();
    let other = scene.dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let file = other.join("told");
    let script = format!(
        "set -e; echo mine > mine; mktemp > temporary; env > environment; echo no > {}",
        file.display()
    );
    with_hook(&scene, &script, "");
    if is_confined() {
        scene.upgrade().no(1, &["NL0309"]);
        scene.lamp.run(&["update", "why"]).no(0, &["Permission denied"]);
        assert!(!file.exists());
        assert_eq!(unconfined(&scene), json!([]));
        scene.lamp.assert_at("0a1");
    } else {
        scene.upgrade().ok();
        let said = unconfined(&scene)[0].as_str().unwrap().to_owned();
        assert!(said.contains("confines no commands"), "{said}");
        return;
    }
    assert_eq!(scene.lamp.text("mine"), "mine\n");
    let temporary = scene.lamp.text("temporary");
    assert!(
        !std::path::Path::new(temporary.trim()).parent().unwrap().exists(),
        "{temporary}"
    );
    let environment = scene.lamp.text("environment");
    let known = [
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TZ",
        "TMPDIR",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "NETLINK_HOOK",
    ];
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        assert!(known.contains(&name) || name == "RUN_BY_NETLINK_FOR", "{line}");
    }

    let force = ["update", "upgrade", "--to", "0b1", "--yes", "--force"];
    for (more, said) in [
        (format!("confinement: {{writes: [{}]}}\n", other.display()), None),
        (
            "confinement: {unconfined_hooks: [pre-update]}\n".to_owned(),
            Some("the hook at pre-update is not confined (`confinement.unconfined_hooks`)"),
        ),
        (
            "confinement: {enabled: false}\n".to_owned(),
            Some("hooks and commands of releases are not confined (`confinement.enabled`)"),
        ),
    ] {
        with_hook(&scene, &script, &more);
        assert_eq!(unconfined(&scene), said.map_or(json!([]), |said| json!([said])));
        if let Some(said) = said {
            scene.lamp.run(&["update", "plan", "--to", "0b1"]).no(0, &[said]);
        }
        scene.lamp.run(&force).ok();
        assert!(file.exists(), "{more}");
        std::fs::remove_file(&file).unwrap();
        scene.lamp.run(&["update", "rollback", "--yes"]).ok();
        scene.lamp.assert_at("0a1");
    }
}

/// A lamp whose own look at its configuration runs `script`.
fn with_check(publisher: &Publisher, script: &str) {
    let release = Lamp {
        more: "\n[config_check]\ncommand = [\"{release}/bin/check\", \"{root}\", \"{data}\"]\ntimeout = \"10s\"\n",
        ..Lamp::B1
    };
    let tree = publisher.lamp(&release);
    put(
        &tree.join("bin/check"),
        &format!("#!/bin/sh\nset -e\n{script}\n"),
        0o755,
    );
    publisher.publish(&tree);
}

#[test]
fn a_command_of_a_release_changes_only_what_outlives_releases() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    // Each but the first is refused, where anything is.
    let tries = "echo x > $2/fine; \
        for file in $1/.netlink/planted $1/version.json $1/releases/0a1/state $1/planted; do \
            if (echo x >> $file) 2>/dev/null; then echo $file >> $2/changed; fi; \
        done";
    with_check(&publisher, tries);
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let ran = lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]);
    assert_eq!(lamp.text("data/fine"), "x\n");
    if is_confined() {
        ran.ok();
        assert!(!lamp.path("data/changed").exists(), "{}", lamp.text("data/changed"));
        lamp.assert_at("0b1");
    } else {
        assert_eq!(lamp.text("data/changed").lines().count(), 4);
    }
}

#[test]
fn a_notifier_is_confined_as_a_hook_is() {
    let scene = Scene::new();
    let file = scene.dir.path().join("told");
    let settings = format!(
        "notifications:\n  commands:\n    - {{name: x, command: [sh, -c, 'cat > mine; echo x > {}']}}\n",
        file.display()
    );
    put(&scene.lamp.path("config/update.yml"), &settings, 0o644);
    let ran = scene.lamp.run(&["notify", "test"]);
    assert_eq!(ran.code, if is_confined() { 1 } else { 0 }, "{ran}");
    assert_eq!(file.exists(), !is_confined());
    assert!(scene.lamp.text("mine").contains("notify.test"));
}
