//! What naive runners get wrong on servers, and what files say of themselves. The runner is asked directly.

use std::time::Duration;

use netlink::migrate::schema::{
    Applied, Dialect, Nobody, NotKept, Place, Reach, Schema, SchemaError, SchemaFiles, Standing, Trial, Witness, level,
    trial_up, up,
};
use netlink::release::{ServerEngine, ServerLogin};

use super::*;

/// Files, and a database for them.
pub struct Bench {
    pub server: DatabaseServer,
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new(engine: Engine) -> Self {
        Self {
            server: DatabaseServer::start(engine),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn place(&self) -> Place {
        let (engine, scheme) = match self.server.engine {
            Postgresql => (ServerEngine::Postgresql, "postgresql"),
            Mariadb => (ServerEngine::Mysql, "mysql"),
        };
        let mut login = ServerLogin::parse(engine, &format!("{scheme}://localhost/x?{}", self.parameters())).unwrap();
        login.user = Some(super::super::USER.into());
        login.password = Some(super::super::PASSWORD.to_owned().into());
        login.database = self.server.database().into();
        Place::Server(Reach {
            login,
            patience: Duration::from_millis(200),
        })
    }

    fn parameters(&self) -> String {
        let socket = self.server.socket().display().to_string();
        match self.server.engine {
            Postgresql => format!("host={socket}&port={}", self.server.port),
            Mariadb => format!("socket={socket}"),
        }
    }

    pub fn files(&self, files: &[(&str, &str)]) -> Result<SchemaFiles, SchemaError> {
        let folder = self.dir.path().join("m");
        let _ = fs::remove_dir_all(&folder);
        for (name, sql) in files {
            put(&folder.join(name), sql, 0o644);
        }
        let dialect = match self.server.engine {
            Postgresql => Dialect::Postgresql,
            Mariadb => Dialect::Mysql,
        };
        SchemaFiles::load(dialect, &folder, &|_| true)
    }

    /// `V1__parent` and this as the second file, from nothing.
    fn second(&self, sql: &str) -> Result<Applied, SchemaError> {
        let files = self.files(&[PARENT, ("V2__second.sql", sql)])?;
        self.clear();
        up(&self.place(), &files, 1, &mut Nobody)?;
        up(&self.place(), &files, 2, &mut Nobody)
    }

    #[track_caller]
    fn refused(&self, sql: &str) -> String {
        told(&self.second(sql).unwrap_err())
    }

    pub fn clear(&self) {
        let all = match self.server.engine {
            Postgresql => {
                "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC;".to_owned()
            }
            Mariadb => {
                let name = self.server.name(self.server.database());
                format!("DROP DATABASE {name}; CREATE DATABASE {name}; USE {name};")
            }
        };
        self.server.own(&all);
    }

    pub fn level(&self) -> Option<u32> {
        level(&self.place()).unwrap()
    }

    pub fn count(&self, what: &str) -> String {
        self.server.own(&format!("SELECT count(*) FROM {what};"))
    }
}

pub fn told(error: &SchemaError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

pub const PARENT: (&str, &str) = (
    "V1__parent.sql",
    "CREATE TABLE parent (id int PRIMARY KEY, name varchar(50));
     CREATE TABLE child (id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE);
     INSERT INTO parent VALUES (1, 'a'); INSERT INTO child VALUES (1, 1), (2, 1);",
);

#[test]
fn on_postgresql_a_file_and_its_history_row_are_one() {
    let bench = Bench::new(Postgresql);
    let files = [PARENT, ("V2__more.sql", "CREATE TABLE more (a int);")];
    let files = bench.files(&files).unwrap();
    up(&bench.place(), &files, 1, &mut Nobody).unwrap();
    bench.server.own(
        "CREATE FUNCTION full_now() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'full'; END$$;
         CREATE TRIGGER full_now BEFORE INSERT ON refinery_schema_history FOR EACH ROW EXECUTE FUNCTION full_now();",
    );
    let failed = told(&up(&bench.place(), &files, 2, &mut Nobody).unwrap_err());
    assert!(
        failed.contains("taken back whole") && failed.contains("full"),
        "{failed}"
    );
    assert_eq!(bench.count("pg_tables WHERE tablename = 'more'"), "0");
    assert_eq!(bench.level(), Some(1));
    // A failing statement takes back those before it.
    let failed = bench.refused("CREATE TABLE more (a int); INSERT INTO nowhere VALUES (1);");
    assert!(failed.contains("nowhere"), "{failed}");
    assert_eq!(bench.count("pg_tables WHERE tablename = 'more'"), "0");
}

#[test]
fn on_mariadb_what_changes_rows_alone_and_its_history_row_are_one() {
    let bench = Bench::new(Mariadb);
    let failed = bench.refused("UPDATE parent SET name = 'b';\nINSERT INTO nowhere VALUES (1);");
    assert!(
        failed.contains("taken back whole") && failed.contains("nowhere"),
        "{failed}"
    );
    assert_eq!(bench.count("parent WHERE name = 'a'"), "1");
    let failed =
        bench.refused("UPDATE parent SET name = 'b';\nCREATE TABLE x (a int);\nINSERT INTO nowhere VALUES (1);");
    assert!(
        failed.contains("statement 3 of 3 (line 3) failed; those before it stay") && !failed.contains("taken back"),
        "{failed}"
    );
    assert_eq!(bench.level(), Some(1));
}

/// refinery's driver hands all of a file over at once, and looks at the first result.
#[test]
fn on_mariadb_no_error_of_a_later_statement_is_dropped() {
    let bench = Bench::new(Mariadb);
    let failed = bench.refused("INSERT INTO parent VALUES (2, 'b'); INSERT INTO nowhere VALUES (1); SELECT 1;");
    assert!(failed.contains("nowhere"), "{failed}");
    // Also where the server gets several at once, and where a routine fails after its first result.
    let failed = bench.refused("DELIMITER //\nSELECT 1; INSERT INTO nowhere VALUES (1)//");
    assert!(failed.contains("nowhere"), "{failed}");
    let failed = bench
        .refused("CREATE PROCEDURE two() BEGIN SELECT 1; SELECT 2; INSERT INTO nowhere VALUES (1); END;\nCALL two();");
    assert!(
        failed.contains("statement 2 of 2") && failed.contains("nowhere"),
        "{failed}"
    );
    assert_eq!(bench.level(), Some(1));
}

#[test]
fn on_mariadb_a_rebuilt_table_keeps_the_rows_that_point_to_it() {
    let bench = Bench::new(Mariadb);
    let rebuild = "CREATE TABLE new (id int PRIMARY KEY, name varchar(60) NOT NULL);
                   INSERT INTO new SELECT id, name FROM parent; DROP TABLE parent; ALTER TABLE new RENAME TO parent;";
    bench.second(rebuild).unwrap();
    assert_eq!(bench.count("child"), "2");
    let failed = bench.refused("DELETE FROM parent;");
    assert!(
        failed.contains("2 rows now point to nothing, the first in child pointing to parent"),
        "{failed}"
    );
    assert_eq!(bench.count("parent"), "1");
    bench
        .second("-- netlink: foreign_keys=on\nDELETE FROM parent;")
        .unwrap();
    assert_eq!(bench.count("child"), "0", "it cascades");
    // What pointed to nothing before is not the fault of the file.
    let files = bench
        .files(&[PARENT, ("V2__x.sql", "CREATE TABLE x (a int);")])
        .unwrap();
    bench.clear();
    up(&bench.place(), &files, 1, &mut Nobody).unwrap();
    bench
        .server
        .own("SET foreign_key_checks = 0; INSERT INTO child VALUES (9, 9);");
    up(&bench.place(), &files, 2, &mut Nobody).unwrap();
}

fn refuses_what_ends_transactions(engine: Engine) {
    let bench = Bench::new(engine);
    for statement in ["COMMIT;", "START TRANSACTION;", "begin;", "ROLLBACK;", "SAVEPOINT s;"] {
        let failed = bench.refused(&format!("CREATE TABLE x (a int);\n /* ; */ {statement}"));
        assert!(
            failed.contains("V2__second.sql:2:10: ") && failed.contains("not for migrations"),
            "{failed}"
        );
        assert_eq!(bench.level(), Some(1), "{statement}");
    }
    for name in ["V2__a-b.sql", "V2_one.sql", "README.md"] {
        assert!(bench.files(&[PARENT, (name, "SELECT 1;")]).is_err(), "{name}");
    }
}

#[test]
fn what_would_end_a_transaction_of_postgresql_is_refused() {
    refuses_what_ends_transactions(Postgresql);
    let bench = Bench::new(Postgresql);
    // In quotes it ends nothing.
    bench
        .second("DO $x$ BEGIN PERFORM 'COMMIT;'; END $x$;\nSELECT 'it''s; COMMIT', E'\\'; COMMIT; --';")
        .unwrap();
    let failed = bench.refused("CREATE PROCEDURE p() LANGUAGE plpgsql AS $$BEGIN COMMIT; END$$;\nCALL p();");
    assert!(failed.contains("invalid transaction termination"), "{failed}");
    assert_eq!(bench.level(), Some(1));
    let failed = bench.refused("\\connect other");
    assert!(failed.contains("commands of psql"), "{failed}");
}

#[test]
fn what_would_end_a_transaction_of_mariadb_is_refused() {
    refuses_what_ends_transactions(Mariadb);
    let bench = Bench::new(Mariadb);
    bench
        .second(
            "DELIMITER $$\nCREATE TRIGGER t BEFORE INSERT ON parent FOR EACH ROW BEGIN SET NEW.name = 'COMMIT;'; END$$\n\
             DELIMITER ;\n# COMMIT;\nINSERT INTO parent VALUES (7, \"a\\\"; COMMIT;\");",
        )
        .unwrap();
    assert_eq!(bench.count("parent WHERE name = 'COMMIT;'"), "1");
    for sql in [
        "/*!40101 COMMIT */;",
        "SET autocommit = 0;",
        "USE mysql;",
        "SET @@session.foreign_key_checks = 0;",
    ] {
        let failed = bench.refused(sql);
        assert!(failed.contains("V2__second.sql:1:1: "), "{sql}: {failed}");
    }
}

fn does_as_the_file_says(engine: Engine, newer: &str, older: &str, what: &str) {
    let bench = Bench::new(engine);
    bench
        .second(&format!("-- netlink: server>={older}\nSELECT 1;"))
        .unwrap();
    let failed = bench.refused(&format!("-- netlink: server>={newer}\nSELECT 1;"));
    assert!(
        failed.contains(&format!("it needs {what} {newer}, this is {older}")),
        "{failed}"
    );
    let require = |query: &str| {
        bench.second(&format!(
            "-- netlink: require \"{query}\" \"archive first\"\nDROP TABLE child;"
        ))
    };
    require("SELECT count(*) < 5 FROM child").unwrap();
    for (query, found) in [
        ("SELECT count(*) > 5 FROM child", "row 1 is"),
        ("SELECT id - 1 FROM child ORDER BY id DESC", "row 2 is 0"),
        ("SELECT 1 FROM child WHERE id > 7", "there is no row"),
        ("SELECT NULL", "NULL"),
        ("SELECT 'yes'", "'yes'"),
        ("DELETE FROM child", "no query"),
    ] {
        let failed = told(&require(query).unwrap_err());
        assert!(
            failed.contains("archive first") && failed.contains(found),
            "{query}: {failed}"
        );
        assert_eq!(bench.count("child"), "2");
    }
}

#[test]
fn postgresql_does_as_the_file_says() {
    let version = Bench::new(Postgresql).server.sql(None, "SHOW server_version;");
    let version = version.split(' ').next().unwrap();
    does_as_the_file_says(Postgresql, "99", version, "PostgreSQL");
    let bench = Bench::new(Postgresql);
    let late = "INSERT INTO child VALUES (3, 9); INSERT INTO parent VALUES (9, 'late');";
    let deferrable = format!(
        "-- netlink: foreign_keys=defer\nALTER TABLE child ALTER CONSTRAINT child_parent_fkey DEFERRABLE;\nSET CONSTRAINTS ALL DEFERRED;\n{late}"
    );
    bench.second(&deferrable).unwrap();
    assert!(bench.refused(late).contains("child_parent_fkey"));
    let index = "CREATE INDEX CONCURRENTLY by_name ON parent (name);";
    assert!(
        bench
            .refused(index)
            .contains("say `-- netlink: transaction=false rerunnable`")
    );
    bench
        .second(&format!(
            "-- netlink: transaction=false rerunnable\n{}",
            index.replace("LY", "LY IF NOT EXISTS")
        ))
        .unwrap();
    assert_eq!(bench.level(), Some(2));
}

#[test]
fn mariadb_does_as_the_file_says() {
    let version = Bench::new(Mariadb).server.sql(None, "SELECT VERSION();");
    let version = version.split('-').next().unwrap();
    does_as_the_file_says(Mariadb, "99", version, "MariaDB");
    let failed = Bench::new(Mariadb).refused("-- netlink: foreign_keys=defer\nSELECT 1;");
    assert!(failed.contains("with every statement"), "{failed}");
}

fn waits_for_nobody_too_long(engine: Engine) {
    let bench = Bench::new(engine);
    let alter = "-- netlink: lock_timeout=1s\nALTER TABLE parent ADD COLUMN b int;";
    let files = bench.files(&[PARENT, ("V2__b.sql", alter)]).unwrap();
    up(&bench.place(), &files, 1, &mut Nobody).unwrap();
    let mut session = bench.server.session();
    let lock = match engine {
        Postgresql => "BEGIN; SELECT * FROM parent; SELECT 'held';\n",
        Mariadb => "START TRANSACTION; SELECT * FROM parent; SELECT 'held';\n",
    };
    let stdin = session.stdin.as_mut().unwrap();
    std::io::Write::write_all(stdin, lock.as_bytes()).unwrap();
    let is_held = || match engine {
        Postgresql => bench
            .server
            .own("SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = relation WHERE relname = 'parent';"),
        Mariadb => bench.server.own("SELECT count(*) FROM information_schema.innodb_trx;"),
    };
    let began = std::time::Instant::now();
    while is_held() == "0" {
        assert!(began.elapsed() < super::super::PATIENCE);
        // Whoever asks MariaDB again within a tenth of a second is given the same answer.
        std::thread::sleep(Duration::from_millis(200));
    }
    let failed = told(&up(&bench.place(), &files, 2, &mut Nobody).unwrap_err());
    assert!(
        failed.contains("another program has kept the database locked for 1 s"),
        "{failed}"
    );
    drop(session.stdin.take());
    session.wait().unwrap();
    up(&bench.place(), &files, 2, &mut Nobody).unwrap();
}

#[test]
fn a_lock_of_postgresql_is_waited_for_as_long_as_the_file_says() {
    waits_for_nobody_too_long(Postgresql);
}

#[test]
fn a_lock_of_mariadb_is_waited_for_as_long_as_the_file_says() {
    waits_for_nobody_too_long(Mariadb);
}

/// Tries to migrate the same database while the first is at it.
struct Intruder<'b>(&'b Bench, Option<String>);

impl Witness for Intruder<'_> {
    fn turn(&mut self, level: u32, _: Schema<'_>) -> Result<(), NotKept> {
        if level == 2 {
            let files = self
                .0
                .files(&[PARENT, ("V2__x.sql", "CREATE TABLE x (a int);")])
                .unwrap();
            self.1 = Some(told(&up(&self.0.place(), &files, 2, &mut Nobody).unwrap_err()));
        }
        Ok(())
    }
}

fn one_at_a_time(engine: Engine) {
    let bench = Bench::new(engine);
    let files = bench
        .files(&[PARENT, ("V2__x.sql", "CREATE TABLE x (a int);")])
        .unwrap();
    let mut intruder = Intruder(&bench, None);
    up(&bench.place(), &files, 2, &mut intruder).unwrap();
    let said = intruder.1.unwrap();
    assert!(
        said.contains("another NetLink has been migrating the database for 0.2 s"),
        "{said}"
    );
    // Many at once: each file is run once, and all are content.
    bench.clear();
    let mut place = bench.place();
    if let Place::Server(reach) = &mut place {
        reach.patience = super::super::PATIENCE;
    }
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| up(&place, &files, 2, &mut Nobody).unwrap().count()))
            .collect();
        let ran: usize = started.into_iter().map(|one| one.join().unwrap()).sum();
        assert_eq!(ran, 2);
    });
}

#[test]
fn of_many_on_postgresql_one_migrates() {
    one_at_a_time(Postgresql);
}

#[test]
fn of_many_on_mariadb_one_migrates() {
    one_at_a_time(Mariadb);
}

/// Was cut off at the second statement.
struct CutOff;

impl Witness for CutOff {
    fn standing(&self) -> Option<Standing> {
        serde_json::from_str(r#"{"level":2,"way":"up","number":2,"count":3,"line":7}"#).unwrap()
    }
}

#[test]
fn a_file_that_was_cut_off_goes_on_only_if_it_can_be_run_again() {
    let bench = Bench::new(Mariadb);
    let sql = "CREATE TABLE IF NOT EXISTS x (a int);\nCREATE TABLE IF NOT EXISTS y (a int);";
    let files = bench.files(&[PARENT, ("V2__xy.sql", sql)]).unwrap();
    up(&bench.place(), &files, 1, &mut Nobody).unwrap();
    let said = told(&up(&bench.place(), &files, 2, &mut CutOff).unwrap_err());
    assert!(
        said.contains("cut off on its way up at statement 2 of 3 (line 7)"),
        "{said}"
    );
    assert_eq!(bench.level(), Some(1));
    let again = format!("-- netlink: rerunnable\n{sql}");
    let files = bench.files(&[PARENT, ("V2__xy.sql", &again)]).unwrap();
    up(&bench.place(), &files, 2, &mut CutOff).unwrap();
    // What is one transaction was not cut off, whatever was kept.
    let bench = Bench::new(Postgresql);
    let files = bench.files(&[PARENT, ("V2__xy.sql", sql)]).unwrap();
    up(&bench.place(), &files, 2, &mut CutOff).unwrap();
}

fn gives_up_in_time(engine: Engine, forever: &str) {
    let bench = Bench::new(engine);
    let files = bench.files(&[PARENT, ("V2__forever.sql", forever)]).unwrap();
    let tried: Result<Trial, _> = trial_up(&bench.place(), &files, 2, Duration::from_millis(1500), &mut || Ok(()));
    let said = tried.unwrap_err().to_string();
    assert!(said.contains("given up after 1.5 s"), "{said}");
}

#[test]
fn a_trial_on_postgresql_is_given_up_over_its_budget() {
    gives_up_in_time(Postgresql, "SELECT pg_sleep(1000);");
}

#[test]
fn a_trial_on_mariadb_is_given_up_over_its_budget() {
    gives_up_in_time(Mariadb, "DO SLEEP(1000);");
}
