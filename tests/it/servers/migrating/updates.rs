//! Updates that migrate a database on a server: there and back, and back by themselves when something fails.

use super::*;

fn goes_up_and_back(engine: Engine) {
    let scene = Migrated::new(engine);
    let before = scene.picture();
    let dry = scene
        .lamp
        .run(&["update", "upgrade-db", "--to", "0b1", "--dry-run"])
        .ok();
    for said in [
        "ADD COLUMN length int",
        "V3__rooms.sql",
        "2 rows on a copy",
        "point of no return: none",
    ] {
        assert!(dry.out.contains(said), "`{said}` is not in {dry}");
    }
    scene.assert_nothing_beside();
    assert_eq!(scene.picture(), before);

    let went = scene.to("0b1").ok();
    assert!(
        went.err.contains("V2__length.sql") && went.err.contains("way back tried"),
        "{went}"
    );
    assert!(!went.err.contains("no way back"), "{went}");
    scene.lamp.assert_at("0b1");
    scene.assert_nothing_beside();
    assert_eq!(scene.server.own("SELECT sum(length) FROM entries;"), "7");
    assert_eq!(scene.server.own("SELECT count(*) FROM rooms;"), "2");
    scene.lamp.run(&["schema", "diff"]).ok();
    scene.server.own("CREATE INDEX by_hand ON entries (name);");
    scene.lamp.run(&["schema", "diff"]).no(1, &["by_hand"]);
    scene.server.own(match engine {
        Postgresql => "DROP INDEX by_hand;",
        Mariadb => "DROP INDEX by_hand ON entries;",
    });
    scene.assert_nothing_beside();

    scene
        .server
        .own("INSERT INTO entries (name, length) VALUES ('attic', 5);");
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0a1");
    assert_eq!(
        scene.server.own("SELECT count(*) FROM entries;"),
        "3",
        "the new row stays"
    );
    scene.server.own("DELETE FROM entries WHERE name = 'attic';");
    assert_eq!(scene.picture(), before);

    scene.lamp.run(&["update", "upgrade-db", "--to", "0b1", "--yes"]).ok();
    scene
        .lamp
        .run(&["supervise", "--start"])
        .no(1, &["NL0329", "upgrade-db"]);
    let down = ["update", "upgrade-db", "--to", "0a1"];
    let dry = scene.lamp.run(&[&down[..], &["--dry-run"]].concat()).ok();
    assert!(dry.out.contains("V3__rooms.down.sql"), "{dry}");
    scene.lamp.run(&[&down[..], &["--yes"]].concat()).ok();
    assert_eq!(scene.picture(), before);
    scene.assert_nothing_beside();
}

#[test]
fn postgresql_goes_up_and_back_with_the_rows_of_both() {
    goes_up_and_back(Postgresql);
}

#[test]
fn mariadb_goes_up_and_back_with_the_rows_of_both() {
    goes_up_and_back(Mariadb);
}

pub fn with_bad_third(engine: Engine) -> Vec<File> {
    let mut files = next(engine);
    files.retain(|(name, _)| !name.contains("rooms"));
    files.push((
        "V3__bad.sql",
        "CREATE TABLE more (a int);\nINSERT INTO nowhere VALUES (1);\n",
    ));
    files
}

fn comes_back_by_itself(engine: Engine) {
    let scene = Migrated::new(engine);
    let before = scene.picture();
    scene.publish("1a1", &with_bad_third(engine));
    scene.to("1a1").no(1, &["NL0307", "nowhere"]);
    assert_eq!(scene.picture(), before);
    scene.assert_nothing_beside();

    // Found only on the database itself, where a part of it stands already.
    scene.settings("update_system: {safety: {validate_migrations: false}}\n");
    scene.to("1a1").no(1, &["NL0313", "level 3 (bad) failed", "nowhere"]);
    assert_eq!(scene.picture(), before);
    scene.lamp.assert_at("0a1");
    scene.assert_nothing_beside();

    scene.settings("update_system: {}\nhealth: {timeout: 150ms, interval: 30ms}\n");
    let tree = tree(&scene.publisher, &scene.server, "1b1", &next(engine));
    edit(
        &tree.join("release.toml"),
        "command = [\"true\"]",
        "command = [\"false\"]",
    );
    scene.publisher.publish(&tree);
    scene.to("1b1").no(1, &["NL0316", "rolled back"]);
    scene.lamp.assert_at("0a1");
    assert_eq!(scene.picture(), before);
    scene.assert_nothing_beside();
    let aside = walk(&scene.lamp.path(".netlink/set-aside"));
    assert!(
        aside.iter().any(|path| path.contains("sql")),
        "what the new version wrote: {aside:?}"
    );
    scene.settings("update_system: {}\n");
    scene.to("0b1").ok();
}

fn walk(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path.display().to_string()],
        })
        .collect()
}

#[test]
fn postgresql_comes_back_by_itself() {
    comes_back_by_itself(Postgresql);
}

#[test]
fn mariadb_comes_back_by_itself() {
    comes_back_by_itself(Mariadb);
}

/// The second of these ways down leads elsewhere. What comes after it is tried all the same, on a new copy where need be.
fn distrusts(engine: Engine) {
    let scene = Migrated::new(engine);
    let before = scene.picture();
    let mut files = next(engine);
    files.retain(|(name, _)| *name != "V2__length.down.sql");
    files.push(("V2__length.down.sql", "UPDATE entries SET length = NULL;\n"));
    scene.publish("1a1", &files);
    let went = scene.to("1a1").ok();
    let said = "its way down was tried on a copy and does not lead back";
    assert!(
        went.err.contains(said) && went.err.contains("V3__rooms.sql in "),
        "{went}"
    );
    assert_eq!(went.err.matches("way back tried").count(), 1, "{went}");
    scene.assert_nothing_beside();
    assert_eq!(scene.server.own("SELECT sum(length) FROM entries;"), "7");
    scene
        .lamp
        .run(&["update", "rollback", "--yes"])
        .no(2, &["does not lead back", "--restore-backup"]);
    scene.server.own("INSERT INTO entries (name) VALUES ('written since');");
    scene
        .lamp
        .run(&["update", "rollback", "--restore-backup", "--yes"])
        .ok();
    scene.lamp.assert_at("0a1");
    assert_eq!(scene.picture(), before);
    scene.assert_nothing_beside();
}

#[test]
fn a_way_down_of_postgresql_that_leads_elsewhere_is_distrusted() {
    distrusts(Postgresql);
}

#[test]
fn a_way_down_of_mariadb_that_leads_elsewhere_is_distrusted() {
    distrusts(Mariadb);
}

fn runs_in_the_background(engine: Engine) {
    let scene = Migrated::new(engine);
    let mut files = first(engine).to_vec();
    let batch = match engine {
        Postgresql => {
            "-- netlink: phase=background\nUPDATE entries SET name = name || '!' WHERE id IN (SELECT id FROM entries WHERE name NOT LIKE '%!' LIMIT 3);\n"
        }
        Mariadb => {
            "-- netlink: phase=background\nUPDATE entries SET name = concat(name, '!') WHERE name NOT LIKE '%!' LIMIT 3;\n"
        }
    };
    files.push(("V2__mark.sql", batch));
    scene.publish("1a1", &files);
    scene
        .server
        .own("INSERT INTO entries (name) VALUES ('a'), ('b'), ('c'), ('d'), ('e');");
    scene.to("1a1").ok();
    assert_eq!(
        scene.server.own("SELECT count(*) FROM entries WHERE name LIKE '%!';"),
        "0"
    );
    let done = scene.lamp.run(&["schema", "migrate"]).ok();
    assert!(done.out.contains('7') || done.err.contains('7'), "{done}");
    assert_eq!(
        scene.server.own("SELECT count(*) FROM entries WHERE name LIKE '%!';"),
        "7"
    );

    let endless = (
        "V3__again.sql",
        "-- netlink: phase=background\nUPDATE entries SET id = id + 100000;\n",
    );
    files.push(endless);
    scene.publish("1b1", &files);
    scene
        .to("1b1")
        .no(1, &["NL0307", "line 2 changes rows again and again"]);
}

#[test]
fn what_is_left_for_the_background_is_run_on_postgresql() {
    runs_in_the_background(Postgresql);
}

#[test]
fn what_is_left_for_the_background_is_run_on_mariadb() {
    runs_in_the_background(Mariadb);
}

#[test]
fn a_role_that_may_make_no_copy_is_told_so_before_anything_stops() {
    let scene = Migrated::new(Postgresql);
    let before = scene.picture();
    let role = scene.server.name(super::super::USER);
    scene.server.sql(None, &format!("ALTER ROLE {role} NOCREATEDB;"));
    scene.to("0b1").no(1, &["NL0614", "CREATEDB"]);
    assert_eq!(scene.picture(), before);
    // Untried, it is at least undone in place.
    scene.settings("update_system: {safety: {validate_migrations: false}}\n");
    scene.publish("1a1", &with_bad_third(Postgresql));
    scene.to("1a1").no(1, &["nowhere"]);
    assert_eq!(scene.picture(), before);
}
