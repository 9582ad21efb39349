//! What hooks, notifiers and the commands of releases may change, on a kernel that confines them and on one that does not.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use netlink::host::Confining;
use rustix::process::geteuid;
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
        more: "\n[config_check]\ncommand = [\"{release}/bin/check\", \"{root}\", \"{data}\", \"{config}\"]\ntimeout = \"10s\"\n",
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

/// One that every machine has, who owns nothing.
const NOBODY: u32 = 65534;
const AS_NOBODY: &str = "confinement: {user: nobody}\n";

fn for_all_to_enter(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
}

/// What a program can say of itself and what it can do; the folder that it may write to is its first argument.
const LOOKS_AROUND: &str = "set -e; cd \"$1\"; id -u > data/who; id -G > data/groups; echo $HOME > data/home; \
    cut -d' ' -f6 /proc/$$/stat > data/session; echo $$ > data/process; \
    grep CapEff /proc/self/status > data/rights; mktemp > data/temporary; \
    for file in .netlink/token .netlink/netlink.db; do \
        if cat $file > /dev/null 2>&1; then echo \"read $file\" >> data/too-much; fi; \
    done; \
    for file in \"$2\" config/update.yml version.json releases/planted .netlink/planted; do \
        if (echo x >> $file) 2>/dev/null; then echo \"wrote $file\" >> data/too-much; fi; \
    done";

fn said_by_nobody(scene: &Scene) {
    let said = |name: &str| scene.lamp.text(&format!("data/{name}")).trim().to_owned();
    assert_eq!((said("who"), said("groups")), (NOBODY.to_string(), NOBODY.to_string()));
    assert_eq!(said("home"), "/nonexistent");
    // Of its own: what has no terminal cannot type at one.
    assert_eq!(said("session"), said("process"));
    assert!(said("rights").ends_with("0000000000000000"), "{}", said("rights"));
    assert!(!Path::new(&said("temporary")).exists());
    assert!(!scene.lamp.path("data/too-much").exists(), "{}", said("too-much"));
    for name in ["who", "groups", "home", "session", "process", "rights", "temporary"] {
        fs::remove_file(scene.lamp.path(&format!("data/{name}"))).unwrap();
    }
}

#[test]
fn programs_run_as_their_user_who_sees_and_changes_nothing_of_netlinks() {
    let scene = Scene::new();
    for_all_to_enter(scene.dir.path());
    let open = scene.dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    let planted = open.join("planted");
    let script = format!("set -- \"$PWD\" {}; {LOOKS_AROUND}", planted.display());
    with_hook(&scene, &script, AS_NOBODY);
    // Made by its first use, and the oldest of secrets.
    scene
        .lamp
        .run(&["token", "create", "--name", "x", "--role", "viewer"])
        .ok();
    put(&scene.lamp.path(".netlink/token"), "secret\n", 0o600);
    if !geteuid().is_root() {
        scene.upgrade().no(2, &["NL0746", "not as root", "confinement.user"]);
        scene.lamp.assert_at("0a1");
        return;
    }
    chown(scene.lamp.path("data"), Some(NOBODY), Some(NOBODY)).unwrap();
    scene.upgrade().ok();
    scene.lamp.assert_at("0b1");
    said_by_nobody(&scene);
    assert_eq!(planted.exists(), !is_confined());

    // A hook that is let off runs as NetLink does.
    put(&scene.lamp.path("hook.sh"), "#!/bin/sh\nid -u > data/who\n", 0o755);
    let let_off = "hooks: {pre-update: [./hook.sh]}\nconfinement: {user: nobody, unconfined_hooks: [pre-update]}\n";
    put(&scene.lamp.path("config/update.yml"), let_off, 0o644);
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    assert_eq!(scene.lamp.text("data/who"), "0\n");
}

#[test]
fn a_release_and_a_notifier_run_as_their_user_too() {
    let dir = tempfile::tempdir().unwrap();
    for_all_to_enter(dir.path());
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&publisher.lamp(&Lamp::A1));
    let look = "id -u > $2/who; cat \"$3/lamp.toml\" > $2/seen; stat -c %a:%u \"$3\" >> $2/who; echo $3 > $2/where";
    with_check(&publisher, look);
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    put(&lamp.path("config/update.yml"), AS_NOBODY, 0o644);
    let upgrade = || lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]);
    if !geteuid().is_root() {
        upgrade().no(2, &["NL0746"]);
        return;
    }
    chown(lamp.path("data"), Some(NOBODY), Some(NOBODY)).unwrap();
    // What only its owner may read is lent to the command all the same.
    let config = fs::read_dir(lamp.path("config"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for file in config.filter(|path| path.is_file()) {
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    upgrade().ok();
    assert_eq!(lamp.text("data/who"), format!("{NOBODY}\n700:{NOBODY}\n"));
    assert!(!lamp.text("data/seen").is_empty());
    assert!(!Path::new(lamp.text("data/where").trim()).exists());

    let settings =
        format!("{AS_NOBODY}notifications: {{commands: [{{name: x, command: [sh, -c, 'id -u > data/told']}}]}}\n");
    put(&lamp.path("config/update.yml"), &settings, 0o644);
    lamp.run(&["notify", "test"]).ok();
    assert_eq!(lamp.text("data/told"), format!("{NOBODY}\n"));
}

#[test]
fn nothing_begins_when_commands_cannot_run_as_their_user() {
    let scene = Scene::new();
    for_all_to_enter(scene.dir.path());
    let as_whom = |name: &str| {
        put(
            &scene.lamp.path("config/update.yml"),
            &format!("confinement: {{user: {name}}}\n"),
            0o644,
        );
    };
    as_whom("no-such-user");
    scene
        .upgrade()
        .no(2, &["NL0746", "no user `no-such-user`", "confinement.user"]);
    scene.lamp.run(&["update", "plan", "--to", "0b1"]).no(2, &["NL0746"]);
    as_whom("root");
    scene.upgrade().no(2, &["NL0746", "`root`"]);
    as_whom("-x");
    scene.upgrade().no(2, &["NL0403", "confinement.user"]);
    as_whom("nobody");
    let tools = scene.dir.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let add = |tool: &str| std::os::unix::fs::symlink(Path::new("/usr/bin").join(tool), tools.join(tool)).unwrap();
    let plan = || {
        let mut command = scene.lamp.command(&["update", "plan", "--to", "0b1"]);
        let ran = command.env("PATH", &tools).output().unwrap();
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        String::from_utf8(ran.stderr).unwrap()
    };
    for tool in ["getent", "setsid", "setpriv"] {
        let said = plan();
        assert!(said.contains("NL0746"), "{said}");
        if geteuid().is_root() || tool == "getent" {
            assert!(
                said.contains(&format!("{tool}`")) || said.contains(&format!("execute {tool}")),
                "{said}"
            );
        }
        add(tool);
    }
    put(&scene.lamp.path("config/update.yml"), "", 0o644);
    scene.lamp.assert_at("0a1");
}
