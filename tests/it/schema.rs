//! The product's database: moved alone, tried beforehand, compared, and never met by code that does not know it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::scene::Scene;
use crate::sweep::stride;
use crate::world::{Installation, Lamp, Publisher, Ran, netlink, put};

impl Scene {
    /// Both moves of the database are what they were, up and down, whichever of the two the table has for them.
    #[track_caller]
    fn assert_history_names_them(&self) {
        let verbs = || {
            let history = self.lamp.run(&["update", "history", "--output", "json"]).ok().json();
            let all = history.as_array().unwrap().iter();
            all.map(|update| update["verb"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(verbs(), ["upgrade-db", "upgrade-db", "install"]);
        self.lamp
            .run(&["update", "history"])
            .no(0, &["upgrade-db schema of 0b1", "upgrade-db schema of 0a1"]);
        let db = rusqlite::Connection::open(self.lamp.path(".netlink/netlink.db")).unwrap();
        let other = "UPDATE updates SET verb = 'downgrade' WHERE verb = 'upgrade'";
        assert_eq!(db.execute(other, []).unwrap(), 2);
        assert_eq!(verbs(), ["upgrade-db", "upgrade-db", "install"]);
        self.lamp
            .run(&["update", "rollback", "--yes"])
            .no(2, &["NL0749", "has moved the database alone"]);
    }

    fn upgrade_db(&self, to: &str) -> Ran {
        self.lamp.run(&["update", "upgrade-db", "--to", to, "--yes"])
    }

    fn sql(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.lamp.path("data/lamp.db")).unwrap();
        db.execute_batch(sql).unwrap();
    }

    fn one(&self, query: &str) -> i64 {
        let db = rusqlite::Connection::open(self.lamp.path("data/lamp.db")).unwrap();
        db.query_row(query, [], |row| row.get(0)).unwrap()
    }

    fn product(&self) -> Value {
        self.lamp.run(&["update", "status", "--output", "json"]).ok().json()["product"]["state"].clone()
    }

    /// A release `1a1` at schema level 2, whose second migration is this.
    fn publish_second(&self, up: &str, more: &[(&str, &str)]) {
        let release = Lamp {
            version: "1a1",
            ..Lamp::B1
        };
        let tree = self.publisher.lamp(&release);
        put(&tree.join("migrations/V2__length.sql"), up, 0o644);
        fs::remove_file(tree.join("migrations/V2__length.down.sql")).unwrap();
        for (name, sql) in more {
            put(&tree.join("migrations").join(name), sql, 0o644);
        }
        self.publisher.publish(&tree);
    }

    fn to_second(&self) -> Ran {
        self.lamp.run(&["update", "upgrade", "--to", "1a1", "--yes"])
    }
}

#[test]
fn the_database_alone_goes_up_and_down_with_the_rows_of_both() {
    let scene = Scene::new();
    let dry = scene
        .lamp
        .run(&["update", "upgrade-db", "--to", "0b1", "--dry-run"])
        .ok();
    for said in [
        "ALTER TABLE switches ADD COLUMN length INTEGER;",
        "V2__length.sql",
        "2 rows on a copy",
        "no other writer until its commit",
        "point of no return: none",
        "0a1 is made for schema level 1",
    ] {
        assert!(dry.out.contains(said), "`{said}` is not in {dry}");
    }
    scene.assert_untouched();

    let up = scene.upgrade_db("0b1").ok();
    assert!(up.out.contains("schema level 2"), "{up}");
    assert_eq!(scene.one("SELECT sum(length) FROM switches"), 10);
    assert_eq!(scene.product(), "stopped", "0a1 does not know level 2");
    scene
        .lamp
        .run(&["supervise", "--start"])
        .no(1, &["NL0329", "upgrade-db", "on this disk 0b1 can"]);
    scene
        .lamp
        .run(&["update", "verify"])
        .no(1, &["at schema level 2, 0a1 needs 1"]);
    scene.sql("INSERT INTO switches (name, length) VALUES ('attic', 5)");

    assert_eq!(
        scene.lamp.text("config/lamp.toml"),
        scene.config,
        "the release stays, and its configuration"
    );

    scene.upgrade_db("0a1").ok();
    assert_eq!(scene.lamp.text("config/lamp.toml"), scene.config);
    assert_eq!(scene.one("SELECT count(*) FROM switches"), 3, "the new row stays");
    scene.lamp.assert_at("0a1");
    let nothing = scene.lamp.run(&["update", "upgrade-db", "--yes"]).ok();
    assert!(nothing.out.contains("nothing to do"), "{nothing}");
    scene.assert_history_names_them();

    scene.upgrade_db("0b1").ok();
    scene.upgrade().ok();
    scene.lamp.assert_at("0b1");
    scene.lamp.run(&["update", "rollback", "--yes"]).ok();
    scene.lamp.assert_at("0a1");
}

/// A full disk is one wherever it is met: room is made before anything is undone.
#[test]
fn a_database_that_cannot_grow_is_a_full_disk() {
    let scene = Scene::new();
    let up = "PRAGMA max_page_count = 20; CREATE TABLE big (b); INSERT INTO big VALUES (zeroblob(1000000));";
    scene.publish_second(up, &[]);
    scene
        .to_second()
        .no(1, &["NL0301", "level 2", "database or disk is full"]);
    scene.assert_untouched();
}

/// `1a1`, at which a way stops, and `1b1` after it, whose third migration is this if any.
fn publish_two_stops(scene: &Scene, third: Option<&str>) {
    for (version, release) in [("1a1", Lamp::B1), ("1b1", Lamp::R1)] {
        let tree = scene.publisher.lamp(&Lamp { version, ..release });
        let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
        let stopping = manifest.replace("[rules]\n", "[rules]\nstop = true\n");
        put(&tree.join("release.toml"), &stopping, 0o644);
        if let Some(sql) = third.filter(|_| version == "1b1") {
            put(&tree.join("migrations/V3__rooms.sql"), sql, 0o644);
        }
        scene.publisher.publish(&tree);
    }
}

fn steps(scene: &Scene) -> Vec<Value> {
    let status = scene.lamp.run(&["update", "status", "--output", "json"]).ok().json();
    status["update"]["steps"].as_array().unwrap().clone()
}

/// What would fail in the second stop is found before the first.
#[test]
fn the_migrations_of_all_stops_are_tried_before_the_first() {
    let scene = Scene::new();
    let fits_one_alone = "CREATE TABLE rooms (id INTEGER PRIMARY KEY, length CHECK (length < 5));
                          INSERT INTO rooms (length) SELECT length FROM switches;";
    publish_two_stops(&scene, Some(fits_one_alone));
    let failed = ["1a1 (stop)", "NL0307", "level 3", "CHECK constraint failed"];
    scene
        .lamp
        .run(&["update", "upgrade", "--to", "1b1", "--yes"])
        .no(1, &failed);
    scene.assert_untouched();
    let begun = |kind: &str| {
        let is_begun = |step: &Value| step["step"] == kind && step["state"] != "pending";
        steps(&scene).iter().any(is_begun)
    };
    assert!(begun("trial") && !begun("stop"), "{:#?}", steps(&scene));
}

#[test]
fn each_stop_says_what_was_tried_for_it() {
    let scene = Scene::new();
    publish_two_stops(&scene, None);
    scene.lamp.run(&["update", "upgrade", "--to", "1b1", "--yes"]).ok();
    let state = rusqlite::Connection::open(scene.lamp.path(".netlink/netlink.db")).unwrap();
    for file in ["V2__length.sql", "V3__rooms.sql"] {
        let query = "SELECT count(*) FROM journal WHERE event LIKE '%schema in%' || ?1 || ' in%way back tried%'";
        let told: i64 = state.query_row(query, [file], |row| row.get(0)).unwrap();
        assert_eq!(told, 1, "{file}");
    }
    scene.lamp.assert_at("1b1");
}

#[test]
fn an_upgrade_shown_beforehand_has_the_sql_of_each_of_its_hops() {
    let scene = Scene::new();
    let stop = Lamp {
        version: "1a1",
        ..Lamp::B1
    };
    let tree = scene.publisher.lamp(&stop);
    let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
    let stopping = manifest.replace("[rules]\n", "[rules]\nstop = true\n");
    assert_ne!(stopping, manifest);
    put(&tree.join("release.toml"), &stopping, 0o644);
    scene.publisher.publish(&tree);
    let last = Lamp {
        version: "1b1",
        ..Lamp::R1
    };
    scene.publisher.publish(&scene.publisher.lamp(&last));
    // Of a dry run that was killed.
    put(&scene.lamp.path(".netlink/dry-run/1a1/state"), "half\n", 0o644);

    let dry = ["update", "upgrade", "--to", "1b1", "--dry-run"];
    let shown = scene.lamp.run(&dry).ok();
    for said in [
        "0a1 -> 1a1",
        "1b1",
        "+brightness",
        "V2__length.sql",
        "ALTER TABLE switches ADD COLUMN length INTEGER;",
        "V3__",
        "rows on a copy",
        "point of no return: none",
        "nothing was changed",
    ] {
        assert!(shown.out.contains(said), "`{said}` is not in {shown}");
    }
    let json = scene.lamp.run(&[&dry[..], &["--output", "json"]].concat()).ok().json();
    let levels: Vec<_> = json["schema"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hop| &hop["to"])
        .collect();
    assert_eq!(levels, [2, 3], "{json}");
    assert!(json["schema"][1]["seconds"].is_number(), "{json}");
    scene.assert_untouched();
    assert!(!scene.lamp.path(".netlink/dry-run").exists());
}

#[test]
fn a_release_that_brings_the_first_database_is_gone_up_to_and_back() {
    let scene = Scene::new();
    let bare = Lamp {
        version: "0a2",
        ..Lamp::A1
    };
    let tree = scene.publisher.lamp(&bare);
    let manifest = fs::read_to_string(tree.join("release.toml")).unwrap();
    let (without, _) = manifest.split_once("[database]").unwrap();
    let without = without.replace("schema_level = 1\n", "");
    put(&tree.join("release.toml"), &without, 0o644);
    scene.publisher.publish(&tree);
    let with = Lamp {
        version: "1a1",
        ..Lamp::B1
    };
    scene.publisher.publish(&scene.publisher.lamp(&with));
    let broken = Lamp {
        version: "1a2",
        healthy: false,
        ..Lamp::B1
    };
    scene.publisher.publish(&scene.publisher.lamp(&broken));
    let fresh = scene.dir.path().join("fresh");
    let fresh = Installation::of_lamp(&fresh, &scene.publisher, "0a2");
    put(&fresh.path("config/update.yml"), "health: {timeout: 1s}\n", 0o644);
    fresh
        .run(&["update", "upgrade", "--to", "1a2", "--yes"])
        .no(1, &["undone schema-before", "not healthy"]);
    fresh.assert_at("0a2");
    fresh.run(&["update", "upgrade", "--to", "1a1", "--yes"]).ok();
    fresh.assert_at("1a1");
}

#[test]
fn a_product_that_did_not_run_stays_so() {
    let scene = Scene::new();
    scene.lamp.stop();
    scene.upgrade_db("0b1").ok();
    scene.upgrade_db("0a1").ok();
    assert_ne!(scene.product(), "running");
    assert_eq!(scene.lamp.database(), scene.database);
}

#[test]
fn what_cannot_be_gone_to_is_refused() {
    let scene = Scene::new();
    scene.upgrade_db("9r9").no(2, &["NL0102"]);
    // The levels of a first installation are taken back by what its release had brought.
    let other = scene.dir.path().join("other");
    let other = Installation::of_lamp(&other, &scene.publisher, "0b1");
    other.run(&["update", "upgrade-db", "--to", "0a1", "--yes"]).ok();
    other.run(&["update", "upgrade-db", "--to", "0a1", "--dry-run"]).ok();
    other.run(&["update", "upgrade-db", "--yes"]).ok();
    other.assert_at("0b1");
    scene.assert_untouched();
}

#[test]
fn a_migration_that_fails_on_the_database_itself_is_undone() {
    let scene = Scene::new();
    let untried = "update_system: {safety: {validate_migrations: false}}\n";
    put(&scene.lamp.path("config/update.yml"), untried, 0o644);
    scene.publish_second(
        "ALTER TABLE switches ADD COLUMN length INTEGER;\nSELECT nonsense();",
        &[],
    );
    scene.upgrade_db("1a1").no(1, &["level 2 (length) failed", "nonsense"]);
    scene.lamp.assert_at("0a1");
    assert_eq!(scene.lamp.database(), scene.database);
}

#[test]
fn of_five_at_once_one_migrates_and_all_are_content() {
    let scene = Scene::new();
    let start = |_| {
        let mut command = scene
            .lamp
            .command(&["update", "upgrade-db", "--to", "0b1", "--yes", "--wait", "2m"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (0..5).map(start).collect();
    let ended = started
        .into_iter()
        .map(|child| Ran::of(&child.wait_with_output().unwrap()).ok());
    let idle = ended.filter(|ran| ran.out.contains("nothing to do")).count();
    assert_eq!(idle, 4);
    let history = scene.lamp.run(&["update", "history", "--output", "json"]).ok().json();
    assert_eq!(history.as_array().unwrap().len(), 2, "{history:#}");
    assert_eq!(scene.one("SELECT max(version) FROM refinery_schema_history"), 2);
}

#[test]
fn who_does_not_wait_is_told_who_is_at_work() {
    let scene = Scene::new();
    let lock = fs::File::options()
        .write(true)
        .open(scene.lamp.path(".netlink/lock"))
        .unwrap();
    lock.lock().unwrap();
    let now = scene
        .lamp
        .run(&["update", "upgrade-db", "--to", "0b1", "--yes", "--wait", "10ms"]);
    now.no(75, &["NL0402"]);
}

#[test]
fn what_must_hold_is_asked_on_the_copy() {
    let scene = Scene::new();
    let up = "-- netlink: require \"SELECT count(*) > 5 FROM switches\" \"it needs more than five switches\"\n\
              ALTER TABLE switches ADD COLUMN length INTEGER;\n";
    let verify = (
        "V2__length.verify.sql",
        "SELECT count(*) = 0 FROM switches WHERE length IS NULL;\n",
    );
    scene.publish_second(up, &[verify]);
    scene.to_second().no(1, &["it needs more than five switches"]);
    scene.assert_untouched();
    for number in 0..4 {
        scene.sql(&format!("INSERT INTO switches (name) VALUES ('number {number}')"));
    }
    let before = scene.lamp.database();
    scene
        .to_second()
        .no(1, &["V2__length.verify.sql:1", "row 1 is 0", "NL0307"]);
    assert_eq!(scene.lamp.database(), before);
    scene.lamp.assert_at("0a1");
}

#[test]
fn why_there_is_no_way_back_is_said_when_somebody_wants_it() {
    let scene = Scene::new();
    let up = "-- netlink: irreversible=\"the names were anonymised\"\nUPDATE switches SET name = 'x' || id;\n";
    scene.publish_second(up, &[]);
    let went = scene.to_second().ok();
    assert!(went.err.contains("no way back: the names were anonymised"), "{went}");
    let why = "the names were anonymised";
    scene
        .lamp
        .run(&["update", "rollback", "--yes"])
        .no(2, &[why, "netlink backup list"]);
    scene
        .lamp
        .run(&["update", "upgrade-db", "--to", "0a1", "--yes"])
        .no(2, &[why]);
    scene.lamp.assert_at("1a1");

    // With the loss taken, the backup leads back.
    scene.sql("INSERT INTO switches (name) VALUES ('written since')");
    let restoring = ["update", "rollback", "--restore-backup"];
    let dry = scene.lamp.run(&[&restoring[..], &["--dry-run"]].concat()).ok();
    assert!(
        dry.out.contains("everything that was written to it since is lost"),
        "{dry}"
    );
    assert!(
        dry.out.contains("not tried") && !dry.out.contains("way back was tried"),
        "{dry}"
    );
    scene.lamp.run(&restoring).no(3, &[]);
    scene.lamp.assert_at("1a1");
    let went = scene.lamp.run(&[&restoring[..], &["--yes"]].concat()).ok();
    assert!(went.err.contains("level 1: from backup"), "{went}");
    scene.lamp.assert_at("0a1");
    assert_eq!(scene.lamp.database(), scene.database);
}

#[test]
fn a_backup_is_not_gone_back_by_where_there_is_none_or_no_need() {
    let scene = Scene::new();
    let restoring = ["update", "rollback", "--restore-backup", "--yes"];
    scene.upgrade().ok();
    scene.sql("INSERT INTO switches (name) VALUES ('written since')");
    let went = scene.lamp.run(&restoring).ok();
    assert!(!went.err.contains("from backup"), "{went}");
    assert_eq!(scene.one("SELECT count(*) FROM switches"), 3, "its way down is trusted");

    let up = "-- netlink: irreversible=\"gone\"\nUPDATE switches SET name = 'x' || id;\n";
    let settings = "update_system: {behavior: {auto_backup: false}}\n";
    put(&scene.lamp.path("config/update.yml"), settings, 0o644);
    scene.publish_second(up, &[]);
    scene.to_second().ok();
    scene.lamp.run(&restoring).no(1, &["NL0341"]);
    scene.lamp.assert_at("1a1");
}

#[test]
fn a_way_down_that_the_trial_distrusts_is_not_gone() {
    let scene = Scene::new();
    let down = ("V2__length.down.sql", "UPDATE switches SET length = NULL;\n");
    scene.publish_second("ALTER TABLE switches ADD COLUMN length INTEGER;\n", &[down]);
    scene.to_second().ok();
    let said = ["does not lead back", "table switches is another"];
    scene.lamp.run(&["update", "rollback", "--yes"]).no(2, &said);
    scene.lamp.assert_at("1a1");
}

#[test]
fn a_trial_that_takes_too_long_is_given_up() {
    let scene = Scene::new();
    let settings = "update_system: {safety: {trial_budget: 50ms}}\n";
    put(&scene.lamp.path("config/update.yml"), settings, 0o644);
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;\n";
    scene.publish_second(endless, &[]);
    scene
        .to_second()
        .no(1, &["given up after 0.05 s", "safety.trial_budget"]);
    scene.assert_untouched();
}

#[test]
fn a_schema_is_compared_with_a_fresh_one() {
    let scene = Scene::new();
    let diff = || scene.lamp.run(&["schema", "diff"]);
    assert!(diff().ok().out.contains("same:"));
    scene.sql("CREATE INDEX by_hand ON switches (name); ALTER TABLE switches ADD COLUMN colour TEXT;");
    let differs = diff();
    assert_eq!(differs.code, 1, "{differs}");
    for said in [
        "index by_hand",
        "  + create index by_hand on switches",
        "table switches",
        "  + colour text",
    ] {
        assert!(differs.out.contains(said), "`{said}` is not in {differs}");
    }
    assert!(!differs.out.contains("name text"), "{differs}");
    let json = scene.lamp.run(&["schema", "diff", "--output", "json"]);
    assert_eq!(json.json()["differences"][0]["kind"], "index", "{json}");
}

/// The writer keeps the database open in WAL mode, and nothing of what it wrote is in the file itself.
#[test]
fn a_database_in_use_is_tried_with_all_its_rows_and_put_back_without_a_stale_log() {
    let scene = Scene::new();
    let bad = Lamp {
        version: "0b2",
        healthy: false,
        ..Lamp::B1
    };
    scene.publisher.publish(&scene.publisher.lamp(&bad));
    put(
        &scene.lamp.path("config/update.yml"),
        "health: {timeout: 150ms, interval: 30ms}\n",
        0o644,
    );
    let db = rusqlite::Connection::open(scene.lamp.path("data/lamp.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO switches (name) SELECT 'number ' || i FROM n;",
    )
    .unwrap();
    let log = scene.lamp.path("data/lamp.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 4096);
    let dry = scene
        .lamp
        .run(&["update", "upgrade-db", "--to", "0b1", "--dry-run"])
        .ok();
    assert!(dry.out.contains("502 rows on a copy"), "{dry}");

    scene
        .lamp
        .run(&["update", "upgrade", "--to", "0b2", "--yes"])
        .no(1, &["NL0316", "rolled back"]);
    // Its log and index are of a file that is gone.
    drop(db);
    scene.lamp.assert_at("0a1");
    assert!(
        fs::metadata(&log).map_or(0, |meta| meta.len()) == 0,
        "the log of what was taken back is left"
    );
    assert_eq!(scene.one("SELECT count(*) FROM switches"), 502);
    assert_eq!(scene.one("SELECT max(version) FROM refinery_schema_history"), 1);
}

/// What changes the database, its copy to undo from, or the record of its ways back.
const CALLS: &str = "pwrite64,write,fdatasync,fsync,unlink,ftruncate,rename";

/// Kills an upgrade at each `step`th of its calls on the database itself, each time in the same installation anew, and hands what is left to
/// `after`. Gives how often it was killed.
fn killed_at_the_database(scene: &Scene, to: &str, step: usize, after: impl Fn(&Installation, usize)) -> usize {
    let template = scene.dir.path().join("template");
    let mut killed = 0;
    for number in (1..).step_by(step) {
        let work = fresh(&template, &scene.dir.path().join("work"));
        let database = work.path("data/lamp.db");
        let database = database.to_str().unwrap();
        let mut command = Command::new("strace");
        command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={CALLS}")]);
        command.args(["-e", &format!("inject={CALLS}:signal=KILL:when={number}")]);
        for ending in ["", "-journal", "-wal"] {
            command.args(["-P", &format!("{database}{ending}")]);
        }
        command.arg("--").arg(netlink()).arg("--root").arg(&work.root);
        command.args(["update", "upgrade", "--to", to, "--yes"]);
        let ran = Ran::of(&command.stdin(Stdio::null()).output().unwrap());
        if ran.code == 0 {
            break;
        }
        assert_eq!(ran.code, -1, "{ran}");
        killed += 1;
        after(&work, number);
    }
    killed
}

/// The scene to start each time from, and what the database is after an upgrade that nobody disturbs.
fn undisturbed(scene: &Scene, to: &str) -> String {
    scene.lamp.stop();
    // It is run very often.
    put(&scene.lamp.path("config/update.yml"), "health: {steady: 0s}\n", 0o644);
    let template = scene.dir.path().join("template");
    copy(&scene.lamp.root, &template);
    let work = fresh(&template, &scene.dir.path().join("work"));
    work.run(&["update", "upgrade", "--to", to, "--yes"]).ok();
    work.database()
}

/// Every call on the database itself is where the update is killed once; what SQL did and its history row never part.
#[test]
fn killed_between_the_sql_and_the_history_of_every_file() {
    let scene = Scene::new();
    let undisturbed = undisturbed(&scene, "0r1");
    assert!(undisturbed.contains("rooms") && undisturbed.contains("length"));
    let visited = killed_at_the_database(&scene, "0r1", 1, |work, number| {
        work.run(&["update", "resume"]).ok();
        assert_eq!(work.database(), undisturbed, "killed at call {number}");
        work.assert_at("0r1");
    });
    assert!(visited > 8, "only {visited} calls were visited");
}

/// A release `1a1` with this many migrations more than `0r1`.
fn publish_many(scene: &Scene, more: u32) {
    let release = Lamp {
        version: "1a1",
        schema: 3 + more,
        ..Lamp::R1
    };
    let tree = scene.publisher.lamp(&release);
    for level in 4..=3 + more {
        let up = format!("CREATE TABLE t{level} (n); INSERT INTO t{level} VALUES ({level});");
        put(&tree.join(format!("migrations/V{level}__t.sql")), &up, 0o644);
        let down = format!("DROP TABLE t{level};");
        put(&tree.join(format!("migrations/V{level}__t.down.sql")), &down, 0o644);
    }
    scene.publisher.publish(&tree);
}

/// It has a rollback journal as before, and nothing lies beside it.
#[track_caller]
fn assert_no_log(work: &Installation, at: usize) {
    let header = fs::read(work.path("data/lamp.db")).unwrap();
    assert_eq!(header[18..20], [1, 1], "a write-ahead log stays; killed at call {at}");
    for ending in ["-wal", "-shm", "-journal"] {
        let beside = work.path(&format!("data/lamp.db{ending}"));
        assert!(!beside.exists(), "{ending} is left; killed at call {at}");
    }
}

/// So many files commit through a write-ahead log, which the database did not have before and has not afterwards, whether the update
/// goes on or is taken back.
#[test]
fn killed_where_many_files_are_committed() {
    let scene = Scene::new();
    publish_many(&scene, 9);
    let before = scene.lamp.database();
    let undisturbed = undisturbed(&scene, "1a1");
    assert!(undisturbed.contains("t12"));
    let visited = killed_at_the_database(&scene, "1a1", stride(9), |work, number| {
        if number % 2 == 0 {
            work.run(&["update", "rollback", "--yes"]).ok();
            assert_eq!(work.database(), before, "killed at call {number}");
            assert_no_log(work, number);
            work.run(&["update", "upgrade", "--to", "1a1", "--yes"]).ok();
        } else {
            work.run(&["update", "resume"]).ok();
        }
        assert_eq!(work.database(), undisturbed, "killed at call {number}");
        assert_no_log(work, number);
        work.assert_at("1a1");
    });
    assert!(visited > 8, "only {visited} calls were visited");
}

/// What is kept of many files at once leads back file by file, with what was written since.
#[test]
fn many_files_go_up_and_down() {
    let scene = Scene::new();
    publish_many(&scene, 9);
    let before = scene.lamp.database();
    scene.upgrade_db("1a1").ok();
    assert_eq!(scene.one("SELECT count(*) FROM sqlite_schema WHERE name LIKE 't1_'"), 3);
    scene.sql("INSERT INTO switches (name) VALUES ('since')");
    scene.upgrade_db("0a1").ok();
    assert_no_log(&scene.lamp, 0);
    scene.sql("DELETE FROM switches WHERE name = 'since'");
    assert_eq!(scene.lamp.database(), before);
}

/// To look at a database does not end what the same process is reading of it: all locks of a process on a file go with the first handle
/// that it closes.
#[test]
fn looking_at_a_database_ends_nobodys_reading() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("some.db");
    let reading = rusqlite::Connection::open(&path).unwrap();
    reading
        .execute_batch("CREATE TABLE t (n); BEGIN; SELECT * FROM t;")
        .unwrap();
    netlink::store::open_quietly(&path).unwrap().close().unwrap();
    netlink::store::copy_to_try(&path, &dir.path().join("copy.db")).unwrap();
    let write = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('CREATE TABLE u (n)')";
    let written = Command::new("python3").args(["-c", write]).arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&written.stderr);
    assert!(said.contains("database is locked"), "{said}");
    let copy = rusqlite::Connection::open(dir.path().join("copy.db")).unwrap();
    assert_eq!(copy.query_row("SELECT count(*) FROM t", [], |row| row.get(0)), Ok(0));
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

fn fresh(template: &Path, root: &Path) -> Installation {
    if root.exists() {
        fs::remove_dir_all(root).unwrap();
    }
    copy(template, root);
    let work = Installation {
        root: root.to_path_buf(),
    };
    work.run(&["supervise", "--start"]).ok();
    work
}

#[test]
fn a_release_whose_migrations_are_wrong_is_not_packed() {
    let dir = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(&dir.path().join("publisher"));
    let tree = publisher.lamp(&Lamp::B1);
    put(
        &tree.join("migrations/V2__length.sql"),
        "-- netlink: phase=befor\nSELECT 1;\n",
        0o644,
    );
    publisher
        .pack(&tree)
        .no(2, &["V2__length.sql:1:19", "did you mean `before`?"]);
    put(
        &tree.join("migrations/V2__length.sql"),
        "SELECT 1;\nATTACH 'x' AS y;\n",
        0o644,
    );
    publisher.pack(&tree).no(2, &["V2__length.sql:2:1", "ATTACH"]);
    put(&tree.join("migrations/V3__more.sql"), "SELECT 1;\n", 0o644);
    put(&tree.join("migrations/V2__length.sql"), "SELECT 1;\n", 0o644);
    publisher.pack(&tree).no(2, &["schema_level", "3"]);
}
