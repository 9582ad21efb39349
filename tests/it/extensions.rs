//! Extensions that an operator has put into a product: told before anything changes, switched off only when they are named, and on
//! again when a release supports them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::world::{Installation, Lamp, Publisher, Ran, put};

/// In a folder; the release runs with these.
const ALL: &str =
    "\n[[extensions]]\nfolder = \"plugins\"\nexcept = [\"README\"]\n\n[rules.extensions]\n\"*\" = \"*\"\n";
const NEW_GALLERY: &str = "\n[[extensions]]\nfolder = \"plugins\"\nexcept = [\"README\"]\n\n[rules.extensions]\ngallery = \">=2\"\nmaps = \"*\"\n";

struct Shop {
    // First, so that it is stopped while its folder is still there.
    lamp: Installation,
    publisher: Publisher,
    _dir: tempfile::TempDir,
}

impl Shop {
    /// `0a1` with this at the end of its manifest, installed.
    fn with(more: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        publish(&publisher, Lamp { more, ..Lamp::A1 });
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        Self {
            lamp,
            publisher,
            _dir: dir,
        }
    }

    fn publish(&self, lamp: Lamp, more: &'static str) {
        publish(&self.publisher, Lamp { more, ..lamp });
    }

    fn put(&self, names: &[&str]) {
        for name in names {
            put(&self.lamp.path(&format!("data/plugins/{name}")), name, 0o644);
        }
    }

    fn upgrade(&self, to: &str, disable: &[&str]) -> Ran {
        let named = disable.iter().flat_map(|name| ["--disable-incompatible", name]);
        let args = ["update", "upgrade", "--to", to, "--yes"].into_iter().chain(named);
        self.lamp.run(&args.collect::<Vec<_>>())
    }

    fn plugins(&self) -> Vec<String> {
        names_in(&self.lamp.path("data/plugins"))
    }

    fn disabled(&self) -> Value {
        let status = self.lamp.run(&["update", "status", "--output", "json"]).ok().json();
        status["disabled_extensions"].clone()
    }
}

/// Its program for extensions comes along; one that lists them by a command has it.
fn publish(publisher: &Publisher, lamp: Lamp) {
    let tree = publisher.lamp(&lamp);
    put(&tree.join("bin/ext"), PROGRAM, 0o755);
    publisher.publish(&tree);
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_does_not_fit_is_listed_and_refused_and_only_what_is_named_is_moved_aside() {
    let shop = Shop::with(ALL);
    shop.publish(Lamp::B1, NEW_GALLERY);
    shop.put(&["gallery-1.2.zip", "maps-3.0.zip", "README", "frames.zip"]);
    let said = [
        "gallery 1.2 does not go with 0b1: it supports >=2; `--disable-incompatible gallery` switches it off",
        "frames does not go with 0b1: it does not support it",
    ];
    for look in [
        &["update", "plan", "--to", "0b1"][..],
        &["update", "upgrade", "--to", "0b1", "--dry-run"],
    ] {
        shop.lamp.run(look).no(0, &said);
    }
    let planned = shop
        .lamp
        .run(&["update", "plan", "--to", "0b1", "--output", "json"])
        .ok()
        .json();
    assert_eq!(planned["plan"]["incompatible"][0]["name"], "frames", "{planned:#}");
    let before = shop.plugins();
    shop.upgrade("0b1", &[]).no(2, &["NL0123", said[0], said[1]]);
    shop.upgrade("0b1", &["gallery"]).no(2, &["NL0123", said[1]]);
    shop.lamp.assert_at("0a1");
    assert_eq!(shop.plugins(), before);
    assert_eq!(shop.disabled(), Value::Null);

    shop.upgrade("0b1", &["gallery", "frames", "maps"]).no(
        0,
        &["extensions-off", "`--disable-incompatible maps` names no extension"],
    );
    shop.lamp.assert_at("0b1");
    assert_eq!(shop.plugins(), ["README", "maps-3.0.zip"]);
    let aside = shop.lamp.path("data/plugins.disabled/0b1");
    assert_eq!(names_in(&aside), ["frames.zip", "gallery-1.2.zip"]);
    let disabled = shop.disabled();
    assert_eq!(disabled[0]["release"], "0b1", "{disabled:#}");
    shop.lamp.run(&["update", "status"]).no(
        0,
        &["disabled     gallery 1.2 (0b1: it supports >=2), since update_0a1_0b1_"],
    );

    shop.lamp
        .run(&["update", "rollback", "--yes"])
        .no(0, &["extensions-on"]);
    shop.lamp.assert_at("0a1");
    assert_eq!(shop.plugins(), before);
    assert_eq!(shop.disabled(), Value::Null);
    assert!(!shop.lamp.path("data/plugins.disabled").exists());
}

#[test]
fn what_is_off_comes_back_with_the_release_that_supports_it_again_unless_something_newer_has_its_place() {
    let shop = Shop::with(ALL);
    shop.publish(Lamp::B1, NEW_GALLERY);
    shop.publish(Lamp::R1, NEW_GALLERY);
    let again = Lamp {
        version: "0a2",
        ..Lamp::R1
    };
    shop.publish(again, ALL);
    shop.put(&["gallery-1.2.zip", "maps-3.0.zip"]);
    shop.upgrade("0b1", &["gallery"]).ok();
    // Nothing of it is due for a release that does not support it either.
    shop.upgrade("0r1", &[]).ok();
    assert_eq!(shop.plugins(), ["maps-3.0.zip"]);
    shop.upgrade("0a2", &[]).no(0, &["extensions-on"]);
    assert_eq!(shop.plugins(), ["gallery-1.2.zip", "maps-3.0.zip"]);

    // Down over the way that it came; a newer one is put in meanwhile.
    shop.lamp
        .run(&["update", "downgrade", "--to", "0r1", "--yes"])
        .no(2, &["NL0123"]);
    shop.lamp
        .run(&[
            "update",
            "downgrade",
            "--to",
            "0r1",
            "--yes",
            "--disable-incompatible",
            "gallery",
        ])
        .ok();
    assert_eq!(shop.plugins(), ["maps-3.0.zip"]);
    shop.put(&["gallery-2.5.zip"]);
    shop.upgrade("0a2", &[]).ok();
    shop.lamp.assert_at("0a2");
    assert_eq!(shop.plugins(), ["gallery-2.5.zip", "maps-3.0.zip"]);
    assert_eq!(shop.disabled()[0]["version"], "1.2");
    // What the operator has removed waits for nothing.
    fs::remove_dir_all(shop.lamp.path("data/plugins.disabled")).unwrap();
    assert_eq!(shop.disabled(), Value::Null);
}

#[test]
fn an_update_that_fails_puts_extensions_back() {
    let shop = Shop::with(ALL);
    put(
        &shop.lamp.path("config/update.yml"),
        "health: {timeout: 300ms, interval: 50ms}\n",
        0o644,
    );
    let dark = Lamp {
        healthy: false,
        ..Lamp::B1
    };
    shop.publish(dark, NEW_GALLERY);
    shop.put(&["gallery-1.2.zip"]);
    shop.upgrade("0b1", &["gallery"]).no(1, &["NL0316"]);
    shop.lamp.assert_at("0a1");
    assert_eq!(shop.plugins(), ["gallery-1.2.zip"]);
    assert_eq!(shop.disabled(), Value::Null);
}

#[test]
fn what_is_put_in_after_the_plan_was_made_stops_the_update_before_anything_changes() {
    let shop = Shop::with(ALL);
    shop.publish(Lamp::B1, NEW_GALLERY);
    // The hook is the last thing in the first step: NetLink dies there once.
    let hook = shop.lamp.path("data/hook");
    put(
        &hook,
        "#!/bin/sh\n[ -e \"$0.ran\" ] && exit\ntouch \"$0.ran\"\nkill -9 $PPID\n",
        0o755,
    );
    let settings = format!("hooks: {{pre-update: [\"{}\"]}}\n", hook.display());
    put(&shop.lamp.path("config/update.yml"), &settings, 0o644);
    assert_eq!(shop.upgrade("0b1", &[]).code, -1);
    shop.put(&["gallery-1.2.zip"]);
    shop.lamp
        .run(&["update", "resume"])
        .no(1, &["NL0123", "gallery 1.2 does not go with 0b1"]);
    shop.lamp.assert_at("0a1");
    assert_eq!(shop.plugins(), ["gallery-1.2.zip"]);
}

#[test]
fn a_file_in_its_folder_says_the_version_of_an_extension() {
    const BY_FILE: &str = "\n[[extensions]]\nfolder = \"plugins\"\nversion = { file = \"plugin.json\", key = \"about.version\" }\n\n\
                           [rules.extensions]\n\"*\" = \"<2\"\n";
    let shop = Shop::with(BY_FILE);
    shop.publish(Lamp::B1, BY_FILE);
    shop.put(&["notes.txt"]);
    for (name, text) in [
        ("gallery", "{\"about\": {\"version\": \"2.1\"}}"),
        ("maps", "{\"about\": {\"version\": \"1.9\"}}"),
        ("frames", "{}"),
    ] {
        put(
            &shop.lamp.path(&format!("data/plugins/{name}/plugin.json")),
            text,
            0o644,
        );
    }
    shop.upgrade("0b1", &[]).no(
        2,
        &[
            "gallery 2.1 does not go with 0b1: it supports <2",
            "frames does not go with 0b1: it supports <2, and which version is here cannot be told",
        ],
    );
    shop.upgrade("0b1", &["gallery", "frames"]).ok();
    assert_eq!(shop.plugins(), ["maps", "notes.txt"]);
    shop.lamp
        .run(&["update", "rollback", "--yes", "--disable-incompatible", "gallery"])
        .ok();
    // Those that 0a1 does not support either stay off.
    assert_eq!(shop.plugins(), ["maps", "notes.txt"]);
}

/// Lists what `data/extensions` says, a line each, and edits it.
const PROGRAM: &str = r#"#!/bin/sh
set -e
list="$2/extensions"
case "$1" in
list) cat "$list" ;;
off) [ -e "$2/lies" ] || sed -i "s/^$3 \([^ ]*\)$/$3 \1 disabled/" "$list"; echo "off $3 $4" >> "$2/calls" ;;
on) sed -i "s/^$3 \([^ ]*\) disabled$/$3 \1/" "$list"; echo "on $3 $4" >> "$2/calls" ;;
esac
"#;

const COMMANDS: &str = "\n[[extensions]]\ncomponent = \"web\"\nlist = { command = [\"{release}/bin/ext\", \"list\", \"{data}\"], timeout = \"10s\" }\n\
                        disable = { command = [\"{release}/bin/ext\", \"off\", \"{data}\", \"{name}\", \"{version}\"] }\n\
                        enable = { command = [\"{release}/bin/ext\", \"on\", \"{data}\", \"{name}\", \"{version}\"] }\n\n\
                        [rules.extensions]\n\"web/maps\" = \"*\"\n\"web/gallery\" = \"2.x\"\n";

#[test]
fn extensions_that_the_product_lists_are_switched_by_its_own_commands() {
    const RUNS_WITH_ALL: &str = "\n[rules.extensions]\n\"web/*\" = \"*\"\n";
    let more: &'static str = Box::leak(
        COMMANDS
            .replace(
                "\"web/maps\" = \"*\"\n\"web/gallery\" = \"2.x\"\n",
                "\"web/*\" = \"*\"\n",
            )
            .into_boxed_str(),
    );
    assert!(more.ends_with(&RUNS_WITH_ALL[1..]));
    let shop = Shop::with(more);
    shop.publish(Lamp::B1, COMMANDS);
    let list = shop.lamp.path("data/extensions");
    let text = "gallery 1.0\nmaps -\nframes 3.0 disabled\n";
    put(&list, text, 0o644);
    shop.upgrade("0b1", &[])
        .no(2, &["NL0123", "web/gallery 1.0 does not go with 0b1"]);
    assert_eq!(fs::read_to_string(&list).unwrap(), text);

    put(&shop.lamp.path("data/lies"), "", 0o644);
    shop.upgrade("0b1", &["web/gallery"])
        .no(1, &["NL0371", "web/gallery is not disabled"]);
    shop.lamp.assert_at("0a1");
    fs::remove_file(shop.lamp.path("data/lies")).unwrap();

    shop.upgrade("0b1", &["web/gallery"]).ok();
    shop.lamp.assert_at("0b1");
    assert_eq!(
        fs::read_to_string(&list).unwrap(),
        "gallery 1.0 disabled\nmaps -\nframes 3.0 disabled\n"
    );
    assert_eq!(shop.disabled()[0]["name"], "web/gallery");
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    assert_eq!(fs::read_to_string(&list).unwrap(), text);
    let calls = shop.lamp.text("data/calls");
    assert!(calls.ends_with("off gallery 1.0\non gallery 1.0\n"), "{calls}");

    put(&list, "gallery one\n", 0o644);
    shop.upgrade("0b1", &[]).no(1, &["NL0371", "prints `gallery one`"]);
    fs::remove_file(&list).unwrap();
    shop.upgrade("0b1", &[]).no(1, &["NL0371", "bin/ext"]);
    shop.lamp.assert_at("0a1");
    // The release that mends it could never come otherwise.
    let settings = "update_system: {safety: {check_extensions: false}}\n";
    put(&shop.lamp.path("config/update.yml"), settings, 0o644);
    shop.upgrade("0b1", &[]).no(
        0,
        &["extensions are not looked for (`update_system.safety.check_extensions` is false)"],
    );
    shop.lamp.assert_at("0b1");
}

#[test]
fn a_release_that_says_nothing_of_extensions_leaves_them_and_that_is_told() {
    let shop = Shop::with(ALL);
    shop.publish(Lamp::B1, "");
    shop.put(&["gallery-1.2.zip"]);
    shop.upgrade("0b1", &[]).no(
        0,
        &["0b1 does not say which extensions it supports; they stay as they are: gallery 1.2"],
    );
    assert_eq!(shop.plugins(), ["gallery-1.2.zip"]);
}

#[test]
fn over_rest_the_same_is_refused_and_named() {
    use crate::rest::server::{API, Server};
    let shop = Shop::with(ALL);
    shop.publish(Lamp::B1, NEW_GALLERY);
    shop.put(&["gallery-1.2.zip"]);
    let server = Server::start(&shop.lamp);
    let upgrade = format!("{API}/updates/upgrade");
    let refused = server
        .post(&upgrade, &json!({"target_version": "0b1"}))
        .problem(409, "NL0123");
    assert!(
        refused.body["detail"].as_str().unwrap().contains("gallery 1.2"),
        "{refused:#?}"
    );
    let bad = json!({"target_version": "0b1", "disable_incompatible": ["-rf"]});
    server.post(&upgrade, &bad).problem(409, "NL0123");
    let named = json!({"target_version": "0b1", "disable_incompatible": ["gallery"]});
    let begun = server.post(&upgrade, &named).is(202);
    server.wait_for(begun.header("location"), "completed");
    shop.lamp.assert_at("0b1");
    assert_eq!(shop.disabled()[0]["name"], "gallery");
}

#[test]
fn what_cannot_be_meant_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    for (more, said) in [
        ("\n[[extensions]]\n", "one of both"),
        ("\n[[extensions]]\nlist = { command = [] }\n", "must name a program"),
        (
            "\n[[extensions]]\nlist = { command = [\"{release}/bin/nothing\"] }\n",
            "bin/nothing",
        ),
        (
            "\n[[extensions]]\nlist = { command = [\"x\", \"{name}\"] }\n",
            "is not a known name",
        ),
        ("\n[rules.extensions]\n\"-x\" = \"*\"\n", "name of an extension"),
        ("\n[rules.extensions]\nx = \">>2\"\n", "rules.extensions.x"),
    ] {
        let lamp = Lamp { more, ..Lamp::A1 };
        let tree = publisher.lamp(&lamp);
        publisher.pack(&tree).no(2, &["NL0501", said]);
        fs::remove_dir_all(&tree).unwrap();
    }
}
