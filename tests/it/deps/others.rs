//! npm and cargo, and an interpreter that has no pip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Shop;
use super::wheels::{OIL_1, WICK_1, locked};
use crate::world::{Installation, Lamp, Publisher, put};

/// Runs a publisher's tool, which must do what it is told.
pub fn tool(dir: &Path, argv: &[&str]) -> String {
    let ran = Command::new(argv[0])
        .args(&argv[1..])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{argv:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap()
}

/// Packages for npm in the project `web`, and its lock. `demands` is what `package.json` asks for once the lock is written.
fn npm(oil: &'static str, demands: &'static str) -> impl FnOnce(&Path) -> String {
    move |tree| {
        let (web, sources) = (tree.join("web"), tree.join("sources"));
        let wick = "{\"name\": \"wick\", \"version\": \"1.0.0\", \"dependencies\": {\"oil\": \">=1\"}}";
        for (name, about) in [
            ("wick", wick.to_owned()),
            ("oil", format!("{{\"name\": \"oil\", \"version\": \"{oil}\"}}")),
        ] {
            let source = sources.join(name);
            put(&source.join("package.json"), &about, 0o644);
            put(
                &source.join("index.js"),
                &format!("module.exports = '{name} of {oil}'\n"),
                0o644,
            );
            fs::create_dir_all(web.join("packages")).unwrap();
            let to = web.join("packages");
            tool(
                &source,
                &["npm", "pack", "--silent", "--pack-destination", to.to_str().unwrap()],
            );
        }
        fs::remove_dir_all(sources).unwrap();
        let asks = |oil: &str| {
            format!(
                "{{\"name\": \"web\", \"version\": \"1.0.0\", \"dependencies\": {{\"wick\": \"file:packages/wick-1.0.0.tgz\", \
                 \"oil\": \"file:packages/oil-{oil}.tgz\"}}}}"
            )
        };
        put(&web.join("package.json"), &asks(oil), 0o644);
        tool(
            &web,
            &["npm", "install", "--package-lock-only", "--offline", "--ignore-scripts"],
        );
        put(&web.join("package.json"), &asks(demands), 0o644);
        put(
            &web.join("app.js"),
            "console.log(require('wick'), require('oil'))\n",
            0o644,
        );
        "\n[[dependencies]]\nkind = \"npm\"\nproject = \"web\"\n\
         \n[test]\ncommand = [\"node\", \"{release}/web/app.js\"]\n"
            .to_owned()
    }
}

#[test]
fn packages_of_npm_go_up_and_back_and_contradictions_are_named() {
    let shop = Shop::with(npm("1.0.0", "1.0.0"));
    shop.publish(Lamp::B1, npm("2.0.0", "2.0.0"));
    shop.publish(Lamp::R1, npm("2.0.0", "3.0.0"));
    shop.lamp.assert_at("0a1");
    let planned = shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();
    assert!(planned.out.contains("~ oil 1.0.0 -> 2.0.0"), "{planned}");
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    let app = shop.lamp.path("releases/0b1/web/app.js");
    assert_eq!(
        tool(&shop.lamp.root, &["node", app.to_str().unwrap()]),
        "wick of 2.0.0 oil of 2.0.0\n"
    );
    let before = shop.pid();
    shop.lamp.run(&["update", "upgrade", "--to", "0r1", "--yes"]).no(
        1,
        &[
            "NL0361",
            "oil: the lock of the release wants oil@2.0.0, the root project wants oil@file:packages/oil-3.0.0.tgz",
        ],
    );
    assert_eq!(shop.pid(), before);
    put(&shop.lamp.path("releases/0b1/web/node_modules/oil/index.js"), "", 0o644);
    shop.lamp
        .run(&["update", "verify"])
        .no(1, &["changed: node_modules/oil/index.js"]);
    shop.lamp.run(&["update", "reinstall-deps"]).ok();
    shop.lamp.assert_at("0b1");
    shop.lamp.run(&["update", "rollback", "--yes"]).ok();
    shop.lamp.assert_at("0a1");
}

/// A program that says its version, with a crate of its own in the tree.
fn cargo(version: &'static str, locked: &'static str) -> impl FnOnce(&Path) -> String {
    move |tree| {
        let source = tree.join("tools");
        let about = |name: &str, version: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n")
        };
        let needs = "\n[dependencies]\noil = { path = \"oil\" }\n\n[workspace]\n";
        put(&source.join("Cargo.toml"), &(about("wick", locked) + needs), 0o644);
        put(
            &source.join("src/main.rs"),
            "fn main() { println!(\"{}\", oil::SAYS) }\n",
            0o644,
        );
        put(&source.join("oil/Cargo.toml"), &about("oil", version), 0o644);
        let says = "pub const SAYS: &str = concat!(\"oil \", env!(\"CARGO_PKG_VERSION\"));\n";
        put(&source.join("oil/src/lib.rs"), says, 0o644);
        tool(&source, &["cargo", "generate-lockfile", "--offline"]);
        put(&source.join("Cargo.toml"), &(about("wick", version) + needs), 0o644);
        "\n[[dependencies]]\nkind = \"cargo\"\nsource = \"tools\"\noffline = true\n\
         \n[test]\ncommand = [\"{release}/cargo/bin/wick\"]\n"
            .to_owned()
    }
}

#[test]
fn programs_of_cargo_go_up_and_a_lock_that_does_not_fit_is_refused() {
    let shop = Shop::with(cargo("1.0.0", "1.0.0"));
    shop.publish(Lamp::B1, cargo("2.0.0", "2.0.0"));
    shop.publish(Lamp::R1, cargo("3.0.0", "2.5.0"));
    let planned = shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();
    assert!(planned.out.contains("~ oil 1.0.0 -> 2.0.0"), "{planned}");
    shop.lamp.run(&["update", "upgrade", "--to", "0b1", "--yes"]).ok();
    shop.lamp.assert_at("0b1");
    let wick = shop.lamp.path("releases/0b1/cargo/bin/wick");
    assert_eq!(tool(&shop.lamp.root, &[wick.to_str().unwrap()]), "oil 2.0.0\n");
    shop.lamp
        .run(&["update", "upgrade", "--to", "0r1", "--yes"])
        .no(1, &["NL0311", "Cargo.lock"]);
    shop.lamp.assert_at("0b1");
}

#[test]
fn an_interpreter_without_pip_lends_one_to_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let bare = dir.path().join("bare");
    tool(
        dir.path(),
        &["python3", "-m", "venv", "--without-pip", bare.to_str().unwrap()],
    );
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let tree = publisher.lamp(&Lamp::A1);
    super::add(&tree, |tree| locked(tree, "pip", &[WICK_1, OIL_1]));
    publisher.publish(&tree);
    let root: PathBuf = dir.path().join("lamp");
    let settings = format!("dependencies: {{python: {}}}\n", bare.join("bin/python").display());
    put(&root.join("config/update.yml"), &settings, 0o644);
    let lamp = Installation::of_lamp(&root, &publisher, "0a1");
    lamp.assert_at("0a1");
    assert!(lamp.path("releases/0a1/venv/bin/pip").exists(), "its own");
    let wick = lamp.path("releases/0a1/venv/bin/wick");
    assert_eq!(tool(&lamp.root, &[wick.to_str().unwrap()]), "wick 1.0\n");
}
