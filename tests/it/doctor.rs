//! A look over everything: well where all is well, and what is not is named with what to do.

use serde_json::Value;

use crate::world::{Installation, Publisher, put};

struct Scene {
    publisher: Publisher,
    lamp: Installation,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::with_lamps(&dir.path().join("publisher"));
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        Self {
            publisher,
            lamp,
            _dir: dir,
        }
    }

    fn examined(&self) -> Value {
        self.lamp.run(&["doctor", "--output", "json"]).json()
    }

    /// Says this of that, so gravely.
    fn says(&self, about: &str, verdict: &str, words: &str) {
        let examined = self.examined();
        let findings = examined["findings"].as_array().unwrap();
        let is_it = |one: &&Value| {
            one["about"] == about && one["verdict"] == verdict && one["found"].as_str().unwrap().contains(words)
        };
        assert!(
            findings.iter().any(|one| is_it(&one)),
            "{about} {verdict} {words}: {examined:#}"
        );
    }
}

#[test]
fn all_is_well_once_a_backup_was_restored_for_practice_and_the_audit_leaves_the_host() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    scene.says("backups", "warning", "netlink backup create");
    lamp.run(&["backup", "create"]).ok();
    scene.says("backups", "warning", "none was ever restored for practice");
    let listed = lamp.run(&["backup", "list", "--output", "json"]).ok().json();
    lamp.run(&["backup", "drill", listed[0]["id"].as_str().unwrap()]).ok();
    let copies = lamp.path("../copies");
    put(
        &lamp.path("config/update.yml"),
        &format!("audit: {{copy_to: {}}}\n", copies.display()),
        0o644,
    );

    let well = lamp.run(&["doctor"]).ok().out;
    assert!(well.trim_end().ends_with("nothing is wrong"), "{well}");
    for about in [
        "settings",
        "state",
        "secrets",
        "room",
        "confinement",
        "release",
        "updates",
        "repository",
        "backups",
        "audit",
        "notices",
    ] {
        let of_it = well
            .lines()
            .filter(|line| line.split_whitespace().nth(1) == Some(about));
        assert_eq!(of_it.count(), 1, "{about}: {well}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let scene = Scene::new();
    let lamp = &scene.lamp;
    lamp.run(&["backup", "create"]).ok();

    let key = lamp.path(".netlink/backup.key");
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    scene.says("secrets", "wrong", "chmod 600");
    mode(0o600);

    let aside = lamp.path(".netlink/key.aside");
    std::fs::rename(&key, &aside).unwrap();
    scene.says("backups", "wrong", "[NL06");
    std::fs::rename(&aside, &key).unwrap();

    put(&lamp.path("releases/0a1/bin/extra"), "x", 0o644);
    scene.says("release", "wrong", "netlink update verify");
    lamp.run(&["doctor"]).no(1, &[]);
    std::fs::remove_file(lamp.path("releases/0a1/bin/extra")).unwrap();

    put(&lamp.path("config/update.yml"), "policy: {freze: audit}\n", 0o644);
    scene.says("settings", "wrong", "[NL0403]");
    std::fs::remove_file(lamp.path("config/update.yml")).unwrap();

    let repository = std::path::PathBuf::from(scene.publisher.url().trim_start_matches("file://"));
    let metadata = repository.join("metadata");
    let away = repository.join("away");
    std::fs::rename(&metadata, &away).unwrap();
    scene.says("repository", "wrong", "[NL02");
    std::fs::rename(&away, &metadata).unwrap();

    lamp.stop();
    scene.says("release", "ok", "0a1");
    lamp.run(&["doctor"]).ok();
}

#[test]
fn a_folder_that_is_no_installation_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    crate::world::run(&["--root", dir.path().to_str().unwrap(), "doctor"]).no(2, &["NL0401"]);
}
