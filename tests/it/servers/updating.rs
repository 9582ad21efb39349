//! Updates of products whose database is on a server.

use super::Engine::{Mariadb, Postgresql};
use super::{Engine, Served, config, config_at};
use crate::world::put;

fn backs_up_first(engine: Engine) {
    let served = Served::new(engine);
    let lamp = &served.lamp;
    put(
        &lamp.path("config/lamp.toml"),
        &config(&served.server, "not this one"),
        0o644,
    );
    let upgrade = ["update", "upgrade", "--to", "0b1", "--yes"];
    lamp.run(&upgrade).no(1, &["NL0612"]);
    lamp.assert_at("0a1");
    served.settings("server_tools: /nonexistent");
    lamp.run(&upgrade).no(1, &["NL0611", "-client"]);
    lamp.assert_at("0a1");
    served.settings("");
    // PostgreSQL over the network this time.
    let place = match engine {
        Postgresql => "127.0.0.1".to_owned(),
        Mariadb => served.server.socket().display().to_string(),
    };
    put(
        &lamp.path("config/lamp.toml"),
        &config_at(&served.server, &place, super::PASSWORD),
        0o644,
    );
    let before = served.everything();
    lamp.run(&upgrade).ok();
    lamp.assert_at("0b1");
    let backup = served.newest();
    assert!(
        backup["kind"]["before_update"].is_string() && backup["dumps"] == 1,
        "{backup}"
    );
    assert_eq!(served.everything(), before);
}

#[test]
fn an_update_of_a_product_on_postgresql_backs_up_first() {
    backs_up_first(Postgresql);
}

#[test]
fn an_update_of_a_product_on_mariadb_backs_up_first() {
    backs_up_first(Mariadb);
}

#[test]
fn a_release_whose_url_cannot_be_one_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = crate::world::Publisher::new(dir.path());
    let tree = dir.path().join("tree");
    let database = |lines: &str| {
        let manifest = format!("product = \"lamp\"\nversion = \"0a1\"\nplatform = \"any\"\n\n[database]\n{lines}\n");
        put(&tree.join("release.toml"), &manifest, 0o644);
        publisher.pack(&tree)
    };
    database("kind = \"postgresql\"\nurl = \"postgresql://h/d\"").ok();
    for (lines, said) in [
        ("kind = \"postgresql\"\nurl = \"mysql://h/d\"", "postgresql://"),
        ("kind = \"postgresql\"\nurl = \"postgresql://h\"", "names no database"),
        ("kind = \"mysql\"\nurl = \"mysql://{u}@h/d\"", "`{u}`"),
        (
            "kind = \"mysql\"\nurl = \"mysql://h/d\"\npath = \"a\"",
            "`path` is for SQLite",
        ),
        (
            "kind = \"mysql\"\nurl = \"mysql://h/d\"\n[rules]\nschema_level = 1",
            "schema_level",
        ),
        ("url = \"mysql://h/d\"", "name its `kind`"),
    ] {
        database(lines).no(2, &[said]);
    }
}
