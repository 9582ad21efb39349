//! What is undone, what is left alone, and what is tidied up later.

use netlink::crypt::digest_of;

use super::updates::with_bad_third;
use super::*;

/// That holds on a copy only.
fn on_a_copy(engine: Engine) -> &'static str {
    match engine {
        Postgresql => "SELECT current_database() LIKE 'netlink%'",
        Mariadb => "SELECT DATABASE() LIKE 'netlink%'",
    }
}

/// A change of the schema stays there when what must hold after it does not: it is made in the stop, where a dump undoes it.
#[test]
fn what_mariadb_cannot_take_back_is_not_done_before_the_stop() {
    let scene = Migrated::new(Mariadb);
    let before = scene.picture();
    let verify = format!("{};\n", on_a_copy(Mariadb));
    let verify: &'static str = verify.leak();
    let mut files = first(Mariadb).to_vec();
    files.extend([
        (
            "V2__length.sql",
            "-- netlink: phase=before\nALTER TABLE entries ADD COLUMN length int;\n",
        ),
        ("V2__length.down.sql", "ALTER TABLE entries DROP COLUMN length;\n"),
        ("V2__length.verify.sql", verify),
    ]);
    scene.publish("1a1", &files);
    scene.to("1a1").no(1, &["NL0313", "V2__length.verify.sql"]);
    assert_eq!(scene.picture(), before);
    scene.lamp.assert_at("0a1");
    scene.assert_nothing_beside();
}

/// Which database it is: another one after each restore.
fn identity(scene: &Migrated) -> String {
    match scene.server.engine {
        Postgresql => scene
            .server
            .own("SELECT oid FROM pg_database WHERE datname = current_database();"),
        Mariadb => scene.server.own(
            "SELECT table_id, name FROM information_schema.innodb_sys_tables WHERE name NOT LIKE 'mysql/%' AND name LIKE '%entries' ORDER BY 1;",
        ),
    }
}

fn leaves_alone(engine: Engine) {
    let scene = Migrated::new(engine);
    let (before, same) = (scene.picture(), identity(&scene));
    let second = format!(
        "-- netlink: require \"{}\" \"only on a copy\"\nCREATE TABLE more (a int);\n",
        on_a_copy(engine)
    );
    let second: &'static str = second.leak();
    let mut files = first(engine).to_vec();
    files.push(("V2__more.sql", second));
    scene.publish("1a1", &files);
    scene.to("1a1").no(1, &["NL0313", "only on a copy"]);
    assert_eq!((scene.picture(), identity(&scene)), (before, same));
    scene.lamp.assert_at("0a1");
    scene.assert_nothing_beside();
}

#[test]
fn a_database_of_postgresql_that_nothing_has_touched_is_left_alone() {
    leaves_alone(Postgresql);
}

#[test]
fn a_database_of_mariadb_that_nothing_has_touched_is_left_alone() {
    leaves_alone(Mariadb);
}

/// Lets the client refuse to drop the copy of a trial once it has been made.
fn refuse_to_drop(scene: &Migrated) {
    let (folder, made) = (scene.dir.path().join("tools"), scene.dir.path().join("made"));
    let (engine, client) = match scene.server.engine {
        Postgresql => (["pg_dump", "pg_restore", "psql"].as_slice(), "psql"),
        Mariadb => (["mariadb-dump", "mariadb"].as_slice(), "mariadb"),
    };
    for name in engine {
        let real = match scene.server.engine {
            Postgresql => super::super::postgresql(name),
            Mariadb => Path::new("/usr/bin").join(name),
        };
        let body = if *name == client {
            format!(
                "if [[ $* == *' netlink_trial'* ]]; then exec $real \"$@\"; fi\n\
                 all=$(cat)\nif [[ $all == *'DROP DATABASE'*netlink_trial* ]]; then\n\
                 [ -e {made} ] && {{ echo may not >&2; exit 3; }}\ntouch {made}\nfi\nexec $real \"$@\" <<< \"$all\"",
                made = made.display()
            )
        } else {
            "exec $real \"$@\"".to_owned()
        };
        let script = format!(
            "#!/bin/bash\nreal={}\n[ \"$1\" = --version ] && exec $real --version\n{body}\n",
            real.display()
        );
        put(&folder.join(name), &script, 0o755);
    }
    scene.settings(&format!(
        "update_system: {{backup: {{server_tools: \"{}\"}}}}\n",
        folder.display()
    ));
}

fn says_what_it_cannot_drop(engine: Engine) {
    let scene = Migrated::new(engine);
    let before = scene.picture();
    scene.publish("1a1", &with_bad_third(engine));
    refuse_to_drop(&scene);
    scene.to("1a1").no(1, &["NL0307", "nowhere", "rolled back"]);
    scene.lamp.assert_at("0a1");
    assert_eq!(scene.picture(), before);
    assert!(scene.server.left_beside().contains("netlink_trial"));
    let status = scene.lamp.run(&["update", "status"]).ok();
    assert!(
        status.out.contains("could not be dropped") && status.out.contains("may not"),
        "{status}"
    );
    scene.settings("update_system: {}\n");
    scene.to("0b1").ok();
    scene.assert_nothing_beside();
    let status = scene.lamp.run(&["update", "status"]).ok();
    assert!(!status.out.contains("could not be dropped"), "{status}");
}

#[test]
fn a_copy_on_postgresql_that_cannot_be_dropped_is_said_and_dropped_later() {
    says_what_it_cannot_drop(Postgresql);
}

#[test]
fn a_copy_on_mariadb_that_cannot_be_dropped_is_said_and_dropped_later() {
    says_what_it_cannot_drop(Mariadb);
}

/// That of an update which has begun meanwhile.
fn keeps_away_from_the_copy(engine: Engine) {
    let scene = Migrated::new(engine);
    let mark = &digest_of(scene.server.database().as_bytes()).to_string()[..16];
    let copy = format!("netlink_trial_{mark}");
    let user = scene.server.name(super::super::USER);
    let make = match engine {
        Postgresql => format!("CREATE DATABASE {copy} OWNER {user};"),
        Mariadb => format!("CREATE DATABASE {copy};"),
    };
    scene.server.sql(None, &make);
    for dry in [
        &["update", "upgrade-db", "--to", "0b1", "--dry-run"][..],
        &["schema", "diff"],
    ] {
        scene.lamp.run(dry).ok();
        assert_eq!(scene.server.left_beside(), copy);
    }
}

#[test]
fn a_dry_run_on_postgresql_keeps_away_from_the_copy_of_an_update() {
    keeps_away_from_the_copy(Postgresql);
}

#[test]
fn a_dry_run_on_mariadb_keeps_away_from_the_copy_of_an_update() {
    keeps_away_from_the_copy(Mariadb);
}

/// The first release knows of no database; the second brings one, with the configuration that says where it is.
fn brings_its_first_database(engine: Engine) {
    let server = DatabaseServer::start(engine);
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let tree = publisher.dir.join("trees/0a1");
    let manifest = "product = \"lamp\"\nversion = \"0a1\"\nplatform = \"any\"\n\n[rules]\nfrom = [\"<0a1\"]\n\n[run]\n\
                    command = [\"{release}/bin/lamp\"]\nstop_timeout = \"2s\"\n\n[[health]]\ncommand = [\"true\"]\n";
    put(&tree.join("release.toml"), manifest, 0o644);
    put(&tree.join("changelog.md"), "# 0a1\n\n## Added\n\n- Light\n", 0o644);
    put(&tree.join("bin/lamp"), "#!/bin/sh\nexec sleep 100000\n", 0o755);
    publisher.publish(&tree);
    publish(&publisher, &server, "0b1", &next(engine));
    let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
    let scene = Migrated {
        lamp,
        publisher,
        dir,
        server,
    };
    let configuration = scene.lamp.path("config/lamp.toml");
    let tables = || match engine {
        Postgresql => scene
            .server
            .own("SELECT count(*) FROM pg_tables WHERE schemaname = 'public';"),
        Mariadb => scene
            .server
            .own("SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE();"),
    };
    let nothing_came = || {
        scene.lamp.assert_at("0a1");
        assert!(!configuration.exists());
        assert_eq!(tables(), "0");
        scene.assert_nothing_beside();
    };
    let mut early = with_bad_third(engine);
    early[0].1 = match engine {
        Postgresql => "-- netlink: phase=before\nCREATE TABLE entries (id int, name text);\n",
        Mariadb => "-- netlink: phase=before\nCREATE TABLE entries (id int, name varchar(50));\n",
    };
    scene.publish("1a1", &early);
    scene.to("1a1").no(1, &["NL0307", "nowhere"]);
    nothing_came();
    scene.settings("update_system: {safety: {validate_migrations: false}}\n");
    scene.to("1a1").no(1, &["NL0313", "nowhere", "rolled back"]);
    nothing_came();
    scene.settings("update_system: {}\nhealth: {timeout: 150ms, interval: 30ms}\n");
    let tree = tree_of(&scene, "1b1", &next(engine));
    edit(
        &tree.join("release.toml"),
        "command = [\"true\"]",
        "command = [\"false\"]",
    );
    scene.publisher.publish(&tree);
    scene.to("1b1").no(1, &["NL0316", "rolled back"]);
    nothing_came();
    scene.settings("update_system: {}\n");
    let dry = scene.lamp.run(&["update", "upgrade", "--to", "0b1", "--dry-run"]).ok();
    assert!(
        dry.out.contains("comes with the release") && dry.out.contains("ADD COLUMN length int"),
        "{dry}"
    );
    let went = scene.to("0b1").ok();
    assert!(
        went.err.contains("V3__rooms.sql") && went.err.contains("way back tried"),
        "{went}"
    );
    scene.lamp.assert_at("0b1");
    assert!(configuration.exists());
    scene.assert_nothing_beside();
    assert_eq!(scene.server.own("SELECT count(*) FROM rooms;"), "2");
    // 0a1 knows no database: it stays what it is, for whoever knows it again.
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0a1");
    scene.server.own("DELETE FROM rooms WHERE id = 2;");
    scene.to("0b1").ok();
    scene.lamp.assert_at("0b1");
    assert_eq!(scene.server.own("SELECT count(*) FROM rooms;"), "1");
}

fn tree_of(scene: &Migrated, version: &str, files: &[File]) -> std::path::PathBuf {
    tree(&scene.publisher, &scene.server, version, files)
}

#[test]
fn the_first_database_of_a_product_on_postgresql_comes_with_its_configuration() {
    brings_its_first_database(Postgresql);
}

#[test]
fn the_first_database_of_a_product_on_mariadb_comes_with_its_configuration() {
    brings_its_first_database(Mariadb);
}
