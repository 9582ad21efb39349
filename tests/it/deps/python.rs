//! pip and uv: up and back, what a plan says of packages, damage, and making anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Shop;
use super::wheels::{GAS_1, OIL_1, OIL_2, TIN_1, WICK_1, WICK_2, Wheel, locked, locked_of};
use crate::world::{Installation, Lamp, Publisher, put};

/// With a test of the product that only passes with this version of wick.
fn release(kind: &'static str, wheels: &'static [Wheel], wick: &'static str) -> impl FnOnce(&Path) -> String {
    move |tree| {
        let test =
            format!("\n[test]\ncommand = [\"sh\", \"-c\", \"{{release}}/venv/bin/wick | grep -qx 'wick {wick}'\"]\n");
        locked(tree, kind, wheels) + &test
    }
}

const OLD: &[Wheel] = &[WICK_1, OIL_1, TIN_1];
const NEW: &[Wheel] = &[WICK_2, GAS_1, TIN_1];

/// The program in the environment runs by itself, so it knows its own place.
fn says(shop: &Shop, version: &str) -> String {
    let program = shop.lamp.path(&format!("releases/{version}/venv/bin/wick"));
    let ran = Command::new(program).output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[track_caller]
fn goes_up_and_back(shop: &Shop) {
    assert_eq!(says(shop, "0a1"), "wick 1.0\n");
    shop.lamp.assert_at("0a1");
    let before = shop.pid();
    let planned = shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();
    for said in ["3 change, 1 stay", "+ gas 1.0", "- oil 1.0", "~ wick 1.0 -> 2.0"] {
        assert!(planned.out.contains(said), "`{said}` is not in {planned}");
    }
    assert_eq!(shop.pid(), before);
    assert!(!shop.lamp.path("releases/0b1").exists());
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    assert_eq!(says(shop, "0b1"), "wick 2.0\n");
    // The way back needs nothing but what is there.
    fs::rename(shop.publisher.dir.join("repo"), shop.publisher.dir.join("away")).unwrap();
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    shop.lamp.assert_at("0a1");
    assert_eq!(says(shop, "0a1"), "wick 1.0\n");
}

#[test]
fn packages_of_pip_go_up_and_back_with_their_release() {
    let shop = Shop::with(release("pip", OLD, "1.0"));
    shop.publish(Lamp::B1, release("pip", NEW, "2.0"));
    goes_up_and_back(&shop);
}

/// `./test` brings uv.
fn with_uv(shop: &Shop) {
    let uv = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/uv");
    assert!(uv.exists(), "./test installs uv in target/python");
    let settings = format!("dependencies: {{uv: {}}}\n", uv.display());
    put(&shop.lamp.path("config/update.yml"), &settings, 0o644);
}

#[test]
fn packages_of_uv_go_up_and_back_with_their_release() {
    let shop = Shop::with(|_| String::new());
    with_uv(&shop);
    shop.publish(Lamp::B1, release("uv", OLD, "1.0"));
    shop.publish(Lamp::R1, release("uv", NEW, "2.0"));
    shop.publish(
        Lamp {
            version: "0a2",
            ..Lamp::R1
        },
        release("uv", &[WICK_1, OIL_2], "1.0"),
    );
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    assert_eq!(says(&shop, "0b1"), "wick 1.0\n");
    let planned = shop.lamp.run(&["update", "upgrade", "--to", "0r1", "--dry-run"]).ok();
    planned.no(0, &["3 change, 1 stay", "+ gas 1.0", "- oil 1.0", "~ wick 1.0 -> 2.0"]);
    shop.lamp.run(&["update", "upgrade", "--to", "0r1", "--yes"]).ok();
    assert_eq!(says(&shop, "0r1"), "wick 2.0\n");
    let said = [
        "NL0361",
        "oil: ",
        "wants oil==1.0",
        "the lock of the release wants oil==2.0",
    ];
    shop.lamp
        .run(&["update", "upgrade", "--to", "0a2", "--yes"])
        .no(1, &said);
    shop.lamp.assert_at("0r1");
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
}

#[test]
fn demands_that_contradict_each_other_are_named_before_anything_changes() {
    let shop = Shop::with(release("pip", OLD, "1.0"));
    shop.publish(Lamp::B1, release("pip", &[WICK_1, OIL_2], "1.0"));
    let before = shop.pid();
    let said = "oil: the lock of the release wants oil==2.0, wick 1.0 wants oil==1.0";
    let planned = shop
        .lamp
        .run(&["update", "upgrade", "--to", "0b1", "--dry-run", "--output", "json"]);
    let planned = planned.ok().json();
    let conflict = &planned["dependencies"][0]["conflicts"][0];
    assert_eq!(conflict["package"], "oil", "{planned:#}");
    assert_eq!(conflict["demands"][1]["by"], "wick 1.0", "{planned:#}");
    shop.lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &[said, "NL0361"]);
    assert_eq!(shop.pid(), before, "it was not stopped");
    shop.lamp.assert_at("0a1");
    assert!(!shop.lamp.path("releases/0b1").exists());
}

#[test]
fn a_package_that_the_lock_forgot_is_not_fetched_and_named() {
    let shop = Shop::with(release("pip", OLD, "1.0"));
    shop.publish(Lamp::B1, |tree| locked_of(tree, "pip", &[WICK_1, OIL_1], 1));
    shop.lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &["NL0311"]);
    shop.lamp
        .run(&["update", "why"])
        .no(0, &["oil==1.0", "Hashes are required"]);
    shop.lamp.assert_at("0a1");
}

#[test]
fn a_wheel_that_is_not_the_locked_one_is_refused() {
    let shop = Shop::with(release("pip", OLD, "1.0"));
    shop.publish(Lamp::B1, |tree| {
        let more = locked(tree, "pip", &[TIN_1]);
        let lock = tree.join("requirements.txt");
        let text = fs::read_to_string(&lock).unwrap();
        let (name, digest) = text.trim_end().split_at(text.trim_end().len() - 8);
        assert_ne!(digest, "01234567");
        put(&lock, &format!("{name}01234567\n"), 0o644);
        more
    });
    shop.lamp
        .run(&["update", "upgrade", "--to", "0b1", "--yes"])
        .no(1, &["NL0311"]);
    shop.lamp.run(&["update", "why"]).no(0, &["DO NOT MATCH THE HASHES"]);
    shop.lamp.assert_at("0a1");
}

#[test]
fn damage_is_found_and_made_anew_and_a_repair_brings_its_own() {
    let shop = Shop::with(release("pip", OLD, "1.0"));
    let packages = fs::read_dir(shop.lamp.path("releases/0a1/venv/lib"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let packages = packages.path().join("site-packages");
    put(&packages.join("wick.py"), "VERSION = '6.6'\n", 0o644);
    fs::remove_file(packages.join("tin.py")).unwrap();
    let found = [
        "changed",
        "site-packages/wick.py",
        "missing",
        "site-packages/tin.py",
        "reinstall-deps",
    ];
    shop.lamp.run(&["update", "verify"]).no(1, &found);
    let before = shop.pid();
    shop.lamp
        .run(&["update", "reinstall-deps"])
        .ok()
        .no(0, &["pip: 3 packages", "started again"]);
    assert_ne!(shop.pid(), before);
    assert_eq!(shop.link("releases/0a1/venv"), Path::new(".dependencies/pip/2"));
    assert!(!shop.lamp.path("releases/0a1/.dependencies/pip/1").exists());
    shop.lamp.assert_at("0a1");
    assert_eq!(says(&shop, "0a1"), "wick 1.0\n");

    fs::remove_dir_all(shop.lamp.path("releases/0a1/.dependencies")).unwrap();
    shop.lamp.run(&["update", "verify"]).no(1, &["dependencies `pip`"]);
    shop.lamp
        .run(&["update", "upgrade", "--to", "0a1", "--full", "--yes"])
        .ok();
    shop.lamp.assert_at("0a1");
    assert_eq!(says(&shop, "0a1"), "wick 1.0\n");
}

#[test]
fn what_is_made_anew_and_not_healthy_is_taken_back() {
    let shop = Shop::with(release("pip", OLD, "1.0"));
    let check = "{command: [test, '!', -e, '{release}/.dependencies/pip/2.json']}";
    let settings = format!("health: {{timeout: 300ms, interval: 50ms, checks: [{check}]}}\n");
    put(&shop.lamp.path("config/update.yml"), &settings, 0o644);
    shop.lamp
        .run(&["update", "reinstall-deps"])
        .no(1, &["NL0362", "in place again"]);
    assert_eq!(shop.link("releases/0a1/venv"), Path::new(".dependencies/pip/1"));
    shop.lamp.assert_at("0a1");
}

#[test]
fn modules_of_the_release_are_not_taken_for_those_of_the_tools() {
    let shop = Shop::with(|_| String::new());
    shop.publish(Lamp::B1, |tree| {
        for module in ["venv", "pip", "logging", "email"] {
            put(
                &tree.join(format!("{module}.py")),
                "raise SystemExit('of the product')\n",
                0o644,
            );
        }
        release("pip", OLD, "1.0")(tree)
    });
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    assert_eq!(says(&shop, "0b1"), "wick 1.0\n");
}

#[test]
fn an_installation_may_lie_in_a_folder_with_blanks_and_signs() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let tree = publisher.lamp(&Lamp::A1);
    super::add(&tree, |tree| locked(tree, "pip", OLD));
    publisher.publish(&tree);
    let lamp = Installation::of_lamp(&dir.path().join("the lämp's place & more"), &publisher, "0a1");
    lamp.assert_at("0a1");
    let ran = Command::new(lamp.path("releases/0a1/venv/bin/wick")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "wick 1.0\n");
    lamp.run(&["update", "reinstall-deps"]).ok();
    lamp.assert_at("0a1");
}
