//! Configuration files of every format through updates: up, edited by the operator, and back, with the real binary.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::world::{Installation, Publisher, Ran, put};

const FILES: [(&str, &str, &str); 7] = [
    (
        "app.toml",
        "# The app.\nport = 80\nname = \"x\" # shown\n\n[limits]\nrate = 90\n",
        "# The app.\nnumber = 80\nname = \"x\" # shown\n\n[limits]\nrate = 90\n\n# New in 0b1.\n[cache]\nsize = 5\n",
    ),
    (
        "app.yml",
        "# The app.\nserver:\n  port: 80 # public\n  password: hunter2\nlog: info\n",
        "# The app.\nserver:\n  number: 80 # public\n  password: hunter2\nlog: info\n",
    ),
    (
        "app.json",
        "{\n  \"port\": 80,\n  \"list\": [1, 2]\n}\n",
        "{\n  \"number\": 80,\n  \"list\": [1, 2, 3]\n}\n",
    ),
    ("app.ini", "; mine\n[a]\nport = 80\n", "; mine\n[a]\nnumber = 80\n"),
    (
        ".env",
        "PORT=80\nexport TOKEN='hunter2'\n",
        "NUMBER=80\nexport TOKEN='hunter2'\n",
    ),
    ("app.properties", "app.port=80\nold.key=1\n", "app.number=80\n"),
    ("motd.txt", "one\ntwo\nthree\nfour\n", "ONE\ntwo\nthree\nfour\n"),
];

const MIGRATION: &str = "\
app.toml:
  - rename: {from: port, to: number}
app.yml:
  - rename: {from: server.port, to: server.number}
app.json:
  - rename: {from: port, to: number}
  - append: {key: list, item: 3}
app.ini:
  - rename: {from: a.port, to: a.number}
  - note: {text: The port is called number now.}
.env:
  - rename: {from: PORT, to: NUMBER}
app.properties:
  - rename: {from: app.port, to: app.number}
  - delete: {key: old.key}
";

/// A product that is nothing but its configuration.
fn tree(publisher: &Publisher, version: &str, migration: &str, more: &str) -> PathBuf {
    let tree = publisher.dir.join("trees").join(version);
    let names: Vec<String> = FILES.iter().map(|(name, ..)| format!("\"{name}\"")).collect();
    let config = if more.contains("config = [") {
        String::new()
    } else {
        format!("config = [{}]\n", names.join(", "))
    };
    let manifest = format!("product = \"lamp\"\nversion = \"{version}\"\nplatform = \"any\"\n{config}{more}");
    put(&tree.join("release.toml"), &manifest, 0o644);
    put(
        &tree.join("changelog.md"),
        &format!("# {version}\n\n## Added\n\n- It\n"),
        0o644,
    );
    for (name, old, new) in FILES {
        let text = if version == "0a1" { old } else { new };
        put(&tree.join("config").join(name), text, 0o644);
    }
    if version != "0a1" {
        put(&tree.join("config/migrations/0b1.yml"), migration, 0o644);
    }
    tree
}

struct Stage {
    lamp: Installation,
    publisher: Publisher,
    _dir: tempfile::TempDir,
}

impl Stage {
    fn new(migration: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        publisher.publish(&tree(&publisher, "0a1", migration, ""));
        publisher.publish(&tree(&publisher, "0b1", migration, more));
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        Self {
            lamp,
            publisher,
            _dir: dir,
        }
    }

    fn upgrade(&self) -> Ran {
        self.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"])
    }

    fn downgrade(&self) -> Ran {
        self.lamp.run(&["update", "downgrade", "--to", "0a1", "--yes"])
    }

    fn text(&self, name: &str) -> String {
        self.lamp.text(&format!("config/{name}"))
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name}: {text}");
        fs::write(self.lamp.path("config").join(name), text.replace(from, to)).unwrap();
    }

    fn version(&self) -> String {
        let link = fs::read_link(self.lamp.path("current")).unwrap();
        link.file_name().unwrap().to_str().unwrap().to_owned()
    }
}

#[test]
fn files_of_every_format_go_up_and_come_back_to_the_byte() {
    let stage = Stage::new(MIGRATION, "");
    stage.upgrade().ok();
    for (name, _, new) in FILES {
        // A comment above the header of a new table comes with its first key.
        let expected = new.replace("# New in 0b1.\n[cache]\n", "[cache]\n# New in 0b1.\n");
        assert_eq!(stage.text(name), expected, "{name}");
    }
    stage.downgrade().ok();
    for (name, old, _) in FILES {
        assert_eq!(stage.text(name), old, "{name}");
    }
}

#[test]
fn what_the_operator_changed_before_and_after_stays() {
    let stage = Stage::new(MIGRATION, "");
    stage.edit("app.toml", "rate = 90", "rate = 7 # mine");
    stage.edit("app.yml", "log: info", "log: debug # mine");
    stage.edit("motd.txt", "four", "mine");
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(stage.lamp.path("config/app.yml"), mode).unwrap();
    rustix::fs::setxattr(
        stage.lamp.path("config/app.yml"),
        "user.tag",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
    fs::rename(stage.lamp.path("config/app.ini"), stage.lamp.path("data/real.ini")).unwrap();
    std::os::unix::fs::symlink("../data/real.ini", stage.lamp.path("config/app.ini")).unwrap();
    let before: Vec<String> = FILES.iter().map(|(name, ..)| stage.text(name)).collect();

    stage.upgrade().ok();
    assert!(stage.text("app.toml").contains("rate = 7 # mine"));
    assert!(stage.text("app.yml").contains("  number: 80 # public\n"));
    assert_eq!(stage.text("motd.txt"), "ONE\ntwo\nthree\nmine\n");
    let yml = stage.lamp.path("config/app.yml");
    assert_eq!(fs::metadata(&yml).unwrap().permissions().mode() & 0o777, 0o600);
    let mut tag = [0; 16];
    let length = rustix::fs::getxattr(&yml, "user.tag", &mut tag).unwrap();
    assert_eq!(&tag[..length], b"kept");
    assert!(
        fs::symlink_metadata(stage.lamp.path("config/app.ini"))
            .unwrap()
            .is_symlink()
    );
    assert!(
        fs::read_to_string(stage.lamp.path("data/real.ini"))
            .unwrap()
            .contains("number")
    );

    stage.edit("app.properties", "app.number=80", "app.number=81");
    stage.edit("app.json", "80", "8080");
    stage.downgrade().ok();
    for ((name, ..), text) in FILES.iter().zip(before) {
        let expected = match *name {
            "app.properties" => text.replace("80", "81"),
            "app.json" => text.replace("80", "8080"),
            _ => text,
        };
        let (mut found, mut wanted): (Vec<_>, Vec<_>) = (Vec::new(), Vec::new());
        let now = stage.text(name);
        found.extend(now.lines());
        wanted.extend(expected.lines());
        // A key that was deleted comes back next to what the operator has changed since; where exactly is not promised.
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{name}: {now}");
    }
}

#[test]
fn kept_values_are_sealed() {
    let stage = Stage::new(MIGRATION, "");
    stage.upgrade().ok();
    let store = fs::read(stage.lamp.path(".netlink/netlink.db")).unwrap();
    let wal = fs::read(stage.lamp.path(".netlink/netlink.db-wal")).unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"hunter2");
    assert!(
        !holds(&store) && !holds(&wal),
        "a secret of a configuration file lies open in the store"
    );
    let key = stage.lamp.path(".netlink/config.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&key, [0; 32]).unwrap();
    stage.downgrade().no(1, &["cannot be opened"]);
    assert_eq!(stage.version(), "0b1");
}

#[test]
fn a_dry_run_shows_what_would_change_and_no_secret() {
    let stage = Stage::new(MIGRATION, "");
    let before = stage.text("app.yml");
    let ran = stage.lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();
    for line in [
        "--- config/app.yml",
        "-  port: 80 # public",
        "+  number: 80 # public",
        "+size = 5",
        "called number now",
    ] {
        assert!(ran.out.contains(line), "`{line}` is not in {ran}");
    }
    assert!(!ran.out.contains("hunter2"), "{ran}");
    assert_eq!((stage.text("app.yml"), stage.version().as_str()), (before, "0a1"));
    let left: Vec<_> = fs::read_dir(stage.lamp.path(".netlink"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_str().unwrap().starts_with("preview-")),
        "{left:?}"
    );
    let planned = stage.lamp.run(&["update", "plan", "--to", "0b1"]).ok();
    assert!(planned.out.contains("--dry-run"), "{planned}");
    let json = stage
        .lamp
        .run(&["update", "upgrade", "--to", "0b1", "--dry-run", "--output", "json"])
        .ok()
        .json();
    assert_eq!(json["config"].as_array().unwrap().len(), FILES.len(), "{json:#}");
    stage.upgrade().ok();
    let back = stage.lamp.run(&["update", "plan", "--to", "0a1"]).ok();
    assert!(back.out.contains("+  port: 80 # public"), "{back}");
}

fn conflicting(stage: &Stage) {
    stage.edit("app.toml", "name = \"x\"", "name = \"mine\"");
}

/// A release whose default has another name in app.toml.
fn stage_of_conflict() -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&tree(&publisher, "0a1", MIGRATION, ""));
    let newer = tree(&publisher, "0b1", MIGRATION, "");
    let text = fs::read_to_string(newer.join("config/app.toml")).unwrap();
    put(
        &newer.join("config/app.toml"),
        &text.replace("\"x\"", "\"theirs\""),
        0o644,
    );
    publisher.publish(&newer);
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let stage = Stage {
        lamp,
        publisher,
        _dir: dir,
    };
    conflicting(&stage);
    stage
}

#[test]
fn a_conflict_is_told_and_settled_as_the_operator_wants() {
    let stage = stage_of_conflict();
    let settings = |text: &str| put(&stage.lamp.path("config/update.yml"), text, 0o644);
    settings("config: {on_conflict: ask}\n");
    stage
        .upgrade()
        .no(1, &["app.toml:3", "`name`", "\"mine\"", "\"theirs\"", "settled"]);
    assert_eq!(stage.version(), "0a1");
    settings("config: {on_conflict: fail}\n");
    stage.upgrade().no(1, &["app.toml:3"]);
    stage.lamp.run(&["explain", "NL0331"]).no(0, &["on_conflict"]);
    settings("config: {on_conflict: fail, settled: {\"app.toml:name\": new}}\n");
    stage.upgrade().ok();
    assert!(stage.text("app.toml").contains("name = \"theirs\" # shown"));
    stage.downgrade().ok();
    assert!(stage.text("app.toml").contains("name = \"mine\" # shown"));
    settings("{}\n");
    stage.upgrade().ok();
    assert!(stage.text("app.toml").contains("name = \"mine\" # shown"));
    let targets = stage.publisher.dir.join("repo/targets/lamp");
    assert!(Path::new(&targets).exists());
}

/// NetLink on a terminal of its own, with an answer to each question as it comes.
fn on_a_terminal(stage: &Stage, args: &str, answers: &[(&str, Option<&str>)]) -> Ran {
    let command = format!(
        "{} --root {} {args}",
        crate::world::netlink().display(),
        stage.lamp.root.display()
    );
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut said, mut stdin) = (Vec::new(), child.stdin.take().unwrap());
    let mut seen = 0;
    for (question, answer) in answers {
        let mut byte = [0];
        while !String::from_utf8_lossy(&said[seen..]).contains(question) {
            let read = child.stdout.as_mut().unwrap().read(&mut byte).unwrap();
            assert_eq!(read, 1, "`{question}` is not asked: {}", String::from_utf8_lossy(&said));
            said.push(byte[0]);
        }
        seen = said.len();
        if let Some(answer) = answer {
            stdin.write_all(format!("{answer}\r").as_bytes()).unwrap();
        }
    }
    let mut ran = Ran::of(&child.wait_with_output().unwrap());
    drop(stdin);
    ran.out = String::from_utf8_lossy(&said).into_owned() + &ran.out;
    ran
}

#[test]
fn on_a_terminal_a_conflict_is_asked_for_before_anything_begins() {
    let stage = stage_of_conflict();
    put(
        &stage.lamp.path("config/update.yml"),
        "config: {on_conflict: ask}\n",
        0o644,
    );
    let upgrade = "update upgrade --to 0b1";
    let which = "Type `keep`";
    // It is asked again until it is one of the two; and who then says no has changed nothing.
    let again = [
        (which, Some("both")),
        ("`both` is neither", None),
        (which, Some("new")),
        ("now?", Some("n")),
    ];
    let asked = on_a_terminal(&stage, upgrade, &again);
    assert_eq!(asked.code, 3, "{asked}");
    for said in ["app.toml:name (line 3)", "you have \"mine\"", "brings \"theirs\""] {
        assert!(asked.out.contains(said), "`{said}` is not in {asked}");
    }
    assert_eq!(stage.version(), "0a1");
    assert!(stage.text("app.toml").contains("name = \"mine\""));

    let asked = on_a_terminal(&stage, upgrade, &[(which, Some("new")), ("now?", Some("y"))]);
    assert_eq!(asked.code, 0, "{asked}");
    assert!(stage.text("app.toml").contains("name = \"theirs\" # shown"));
    stage.downgrade().ok();
    // An answer is for one update.
    stage.upgrade().no(1, &["NL0331"]);
}

/// A hook kills NetLink after the backup.
#[test]
fn an_answer_holds_when_the_update_is_resumed() {
    let stage = stage_of_conflict();
    put(
        &stage.lamp.path("kill.sh"),
        "#!/bin/sh\n[ -e \"$0.done\" ] && exit 0\ntouch \"$0.done\"\nkill -9 $PPID\n",
        0o755,
    );
    let settings = format!(
        "config: {{on_conflict: ask}}\nhooks: {{pre-update: [{}]}}\n",
        stage.lamp.path("kill.sh").display()
    );
    put(&stage.lamp.path("config/update.yml"), &settings, 0o644);
    let answers = [("Type `keep`", Some("new")), ("now?", Some("y"))];
    let killed = on_a_terminal(&stage, "update upgrade --to 0b1", &answers);
    assert_ne!(killed.code, 0, "{killed}");
    stage.lamp.run(&["update", "resume"]).ok();
    assert_eq!(stage.version(), "0b1");
    assert!(stage.text("app.toml").contains("name = \"theirs\" # shown"));
}

#[test]
fn a_migration_that_cannot_be_done_stops_the_update_and_leaves_files_alone() {
    let required = MIGRATION.replace(
        "app.ini:\n",
        "app.ini:\n  - require: {key: a.port, one_of: [8080], message: Set the port to 8080 first.}\n",
    );
    let stage = Stage::new(&required, "");
    stage.upgrade().no(1, &["app.ini", "Set the port to 8080 first."]);
    for (name, old, _) in FILES {
        assert_eq!(stage.text(name), old, "{name}");
    }
    stage.edit("app.ini", "80", "8080");
    stage.edit(
        "app.yml",
        "server:\n  port: 80 # public\n",
        "base: &base\n  port: 80 # public\nserver:\n  <<: *base\n",
    );
    stage
        .upgrade()
        .no(1, &["app.yml", "server.port", "alias or a merge key"]);
    put(
        &stage.lamp.path("config/update.yml"),
        "config: {by_hand: [app.yml]}\n",
        0o644,
    );
    stage.upgrade().ok();
    assert!(stage.text("app.yml").contains("<<: *base"));
}

#[test]
fn the_schema_and_the_product_s_own_check_are_asked_before_anything_changes() {
    let names: Vec<String> = FILES.iter().skip(1).map(|(name, ..)| format!("\"{name}\"")).collect();
    let more = format!(
        "config = [{{ file = \"app.toml\", schema = \"schema.json\" }}, {}]\n\
         [config_check]\ncommand = [\"{{release}}/bin/check\", \"{{config}}\"]\ntimeout = \"10s\"\n",
        names.join(", ")
    );
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    publisher.publish(&tree(&publisher, "0a1", MIGRATION, ""));
    let newer = tree(&publisher, "0b1", MIGRATION, &more);
    let schema = r#"{"properties": {"limits": {"properties": {"rate": {"maximum": 100}}}, "port": false}}"#;
    put(&newer.join("schema.json"), schema, 0o644);
    put(
        &newer.join("bin/check"),
        "#!/bin/sh\ngrep -q 'number = 80' \"$1/app.ini\" || { echo bad number >&2; exit 1; }\n",
        0o755,
    );
    publisher.publish(&newer);
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let stage = Stage {
        lamp,
        publisher,
        _dir: dir,
    };
    stage.edit("app.toml", "rate = 90", "rate = 900");
    stage
        .upgrade()
        .no(1, &["NL0332", "app.toml:6:1: `limits.rate`", "app.toml.netlink-new"]);
    assert!(stage.text("app.toml").contains("port = 80"));
    assert!(stage.text("app.toml.netlink-new").contains("number = 80"));
    stage.edit("app.toml", "rate = 900", "rate = 9");
    stage.edit("app.ini", "80", "81");
    stage.upgrade().no(1, &["bin/check"]);
    stage.lamp.run(&["update", "why"]).no(0, &["bad number"]);
    stage.edit("app.ini", "81", "80");
    stage.upgrade().ok();
}

/// As in containers: a single file mounted into place cannot be replaced, only written.
#[test]
fn a_file_that_is_mounted_by_itself_is_written_in_place() {
    let stage = Stage::new(MIGRATION, "");
    let script = r#"
        set -euo pipefail
        cp "$ROOT/config/app.ini" "$ROOT/data/outside.ini"
        mount --bind "$ROOT/data/outside.ini" "$ROOT/config/app.ini"
        "$NETLINK" --root "$ROOT" update upgrade --to 0b1 --yes
        cat "$ROOT/data/outside.ini"
        "$NETLINK" --root "$ROOT" update downgrade --to 0a1 --yes
        cmp "$ROOT/data/outside.ini" "$ROOT/releases/0a1/config/app.ini"
        ! ls "$ROOT/config" | grep -e part -e edited
    "#;
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "bash", "-c", script]);
    command
        .env("ROOT", &stage.lamp.root)
        .env("NETLINK", crate::world::netlink());
    Ran::of(&command.output().unwrap()).ok().no(0, &["number = 80"]);
}
