//! Products that migrate themselves, driven by their own commands.

use std::fs;
use std::path::Path;

use crate::world::{Installation, Publisher, Ran, put};

/// A product that keeps its level, and what it was told, in files.
const MIGRATE: &str = r#"#!/bin/sh
cd "$2" || exit 9
echo "$*" >> told
case "$1" in
status) [ ! -e level ] || cat level ;;
up) [ ! -e broken ] || { echo "the disk hums" >&2; exit 3; }; echo "$4" > level ;;
down) echo "$4" > level ;;
esac
"#;

struct Product {
    // First, so that it is stopped while its folder is still there.
    lamp: Installation,
    publisher: Publisher,
    _dir: tempfile::TempDir,
}

impl Product {
    fn new(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        publish(&publisher, "0a1", 3, true, more);
        publish(&publisher, "0b1", 7, true, more);
        publish(&publisher, "0b2", 9, false, more);
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        let settings = "update_system: {}\nhealth: {timeout: 150ms, interval: 30ms}\n";
        put(&lamp.path("config/update.yml"), settings, 0o644);
        Self {
            lamp,
            publisher,
            _dir: dir,
        }
    }

    fn to(&self, version: &str) -> Ran {
        self.lamp.run(&["update", "upgrade", "--to", version, "--yes"])
    }

    fn level(&self) -> String {
        self.lamp.text("data/level").trim().to_owned()
    }

    fn told(&self, command: &str) -> Vec<String> {
        let told = self.lamp.text("data/told");
        let told = told.lines().filter(|line| line.starts_with(command));
        told.map(|line| line.split(' ').skip(2).collect::<Vec<_>>().join(" "))
            .collect()
    }
}

const DOWN: &str = "down = { command = [\"{release}/bin/migrate\", \"down\", \"{data}\", \"{from}\", \"{to}\"] }\n";

fn publish(publisher: &Publisher, version: &str, level: u32, is_healthy: bool, more: &str) {
    let tree = publisher.dir.join("trees").join(version);
    tree_of(&tree, version, level, is_healthy, more);
    publisher.publish(&tree);
}

fn tree_of(tree: &Path, version: &str, level: u32, is_healthy: bool, more: &str) {
    let manifest = format!(
        "product = \"lamp\"\nversion = \"{version}\"\nplatform = \"any\"\n\n\
         [rules]\nfrom = [\"<{version}\"]\nschema_level = {level}\n\n[run]\ncommand = [\"{{release}}/bin/lamp\"]\nstop_timeout = \"2s\"\n\n\
         [[health]]\ncommand = [\"{is_healthy}\"]\n\n\
         [database]\nkind = \"command\"\nstatus = {{ command = [\"{{release}}/bin/migrate\", \"status\", \"{{data}}\"], timeout = \"20s\" }}\n\
         up = {{ command = [\"{{release}}/bin/migrate\", \"up\", \"{{data}}\", \"{{from}}\", \"{{to}}\"] }}\n{more}"
    );
    put(&tree.join("release.toml"), &manifest, 0o644);
    put(
        &tree.join("changelog.md"),
        &format!("# {version}\n\n## Added\n\n- Light\n"),
        0o644,
    );
    put(&tree.join("bin/lamp"), "#!/bin/sh\nexec sleep 100000\n", 0o755);
    put(&tree.join("bin/migrate"), MIGRATE, 0o755);
}

#[test]
fn a_product_brings_its_own_schema_up_and_down() {
    let product = Product::new(DOWN);
    assert_eq!(product.level(), "3");
    let dry = product
        .lamp
        .run(&["update", "upgrade-db", "--to", "0b1", "--dry-run"])
        .ok();
    assert!(dry.out.contains("the product migrates itself"), "{dry}");
    let went = product.to("0b1").ok();
    assert!(
        went.err.contains("schema not tried") && went.err.contains("level 7: by the product itself"),
        "{went}"
    );
    assert_eq!(
        (product.level().as_str(), product.told("up")),
        ("7", vec!["0 3".into(), "3 7".into()])
    );
    product.lamp.run(&["update", "verify"]).ok();
    product.lamp.run(&["update", "rollback", "--yes"]).ok();
    product.lamp.assert_at("0a1");
    assert_eq!(
        (product.level().as_str(), product.told("down")),
        ("3", vec!["7 3".into()])
    );
    // The installed release meets no level that it does not know.
    product.lamp.stop();
    put(&product.lamp.path("data/level"), "5\n", 0o644);
    product.lamp.run(&["supervise", "--start"]).no(1, &["NL0329"]);
}

#[test]
fn a_failed_update_is_taken_back_by_the_product() {
    let product = Product::new(DOWN);
    product.to("0b2").no(1, &["NL0316", "rolled back"]);
    product.lamp.assert_at("0a1");
    assert_eq!(
        (product.level().as_str(), product.told("down")),
        ("3", vec!["9 3".into()])
    );
    put(&product.lamp.path("data/broken"), "", 0o644);
    product.to("0b1").no(1, &["NL0313"]);
    product.lamp.run(&["update", "why"]).no(0, &["the disk hums"]);
    product.lamp.assert_at("0a1");
    assert_eq!(product.level(), "3");
    put(&product.lamp.path("data/level"), "many\n", 0o644);
    product
        .lamp
        .run(&["update", "verify"])
        .no(1, &["does not print the level"]);
}

#[test]
fn where_the_product_has_no_way_down_the_copy_or_nothing_leads_back() {
    let product = Product::new("");
    let failed = product.to("0b2").no(4, &["it cannot be taken back by itself"]);
    let log = product.lamp.text(".netlink/logs/update.log");
    assert!(log.contains("no command that leads down to 3"), "{failed}\n{log}");
    let product = Product::new("");
    product.to("0b1").ok();
    product
        .lamp
        .run(&["update", "rollback", "--yes"])
        .no(2, &["no command for its way down"]);
    product
        .lamp
        .run(&["update", "rollback", "--restore-backup", "--yes"])
        .no(1, &["NL0342", "netlink backup list"]);
    product.lamp.assert_at("0b1");
    // Its file is put back, whatever it is.
    let product = Product::new("path = \"level.db\"\n");
    let db = product.lamp.path("data/level.db");
    let rows = || -> i64 {
        let db = rusqlite::Connection::open(&db).unwrap();
        db.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap()
    };
    rusqlite::Connection::open(&db)
        .unwrap()
        .execute_batch("CREATE TABLE a (b); INSERT INTO a VALUES (1);")
        .unwrap();
    let script = MIGRATE.replace("echo \"$4\" > level", "echo broken > level.db; exit 1");
    let tree = product.publisher.dir.join("trees/1a1");
    tree_of(&tree, "1a1", 11, true, "path = \"level.db\"\n");
    put(&tree.join("bin/migrate"), &script, 0o755);
    product.publisher.publish(&tree);
    product.to("1a1").no(1, &["NL0313", "rolled back"]);
    assert_eq!(rows(), 1);
    assert!(fs::metadata(&db).is_ok());
}

#[test]
fn a_release_that_says_too_little_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(dir.path());
    let tree = dir.path().join("tree");
    tree_of(&tree, "0a1", 3, true, "");
    let path = tree.join("release.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    put(&path, &manifest.replace("schema_level = 3\n", ""), 0o644);
    publisher.pack(&tree).no(2, &["rules.schema_level"]);
    put(&path, &manifest.replace("status = ", "states = "), 0o644);
    publisher.pack(&tree).no(2, &["states"]);
}
